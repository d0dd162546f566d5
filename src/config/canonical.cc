#include "src/config/canonical.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "src/base/ascii.h"
#include "src/config/access_log_format.h"
#include "src/config/bind_address.h"

namespace cppcorn::config {
namespace {

struct Renamed {
  std::string_view written;
  std::string_view meant;
};

// Class paths found in deployments. Workers of our own do the same work; the notice says so.
constexpr std::array kWorkerClasses = {
    Renamed{"uvicorn.workers.UvicornWorker", "asgi"},
    Renamed{"uvicorn.workers.UvicornH11Worker", "asgi"},
    Renamed{"uvicorn_worker.UvicornWorker", "asgi"},
    Renamed{"uvicorn_worker.UvicornH11Worker", "asgi"},
    Renamed{"gunicorn.workers.gasgi.ASGIWorker", "asgi"},
    Renamed{"gunicorn.workers.gthread.ThreadWorker", "gthread"},
    Renamed{"gunicorn.workers.sync.SyncWorker", "sync"},
};

// The first word of what is refused, whatever follows ("gevent_wsgi",
// "meinheld.gmeinheld.MeinheldWorker").
struct Refused {
  std::string_view prefix;
  std::string_view why;
};
constexpr std::array kRefusedClasses = {
    Refused{"gevent",
            "it patches the standard library, which changes what the app does; use "
            "gthread with --threads, or asgi"},
    Refused{"eventlet",
            "it patches the standard library, which changes what the app does; use "
            "gthread with --threads, or asgi"},
    Refused{"gunicorn.workers.ggevent",
            "it patches the standard library, which changes what the "
            "app does; use gthread with --threads, or asgi"},
    Refused{"tornado", "Tornado apps bring their own server; use asgi, or gthread for WSGI apps"},
    Refused{"meinheld", "use sync or gthread, which do the same in C++"},
    Refused{"gaiohttp", "use asgi"},
    Refused{"aiohttp.", "aiohttp apps bring their own server; use asgi"},
};

constexpr bool is_token_char(char c) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
         kMarks.find(c) != kMarks.npos;
}

constexpr bool is_field_value_char(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

// Set by the server for each response: a second one would change where the response ends.
constexpr std::array<std::string_view, 4> kFramingFields = {"connection", "content-length",
                                                            "transfer-encoding", "trailer"};

}  // namespace

Result<std::string> canonical_bind(std::string_view text, Notices&) {
  Result<BindAddress> address = parse_bind_address(text);
  if (!address) return address.error();
  return address->to_string();
}

Result<std::string> canonical_worker_class(std::string_view text, Notices& notices) {
  if (text.substr(0, 4) == "egg:") text.remove_prefix(std::min(text.size(), text.find('#') + 1));
  for (const Renamed& known : kWorkerClasses) {
    if (text != known.written) continue;
    notices.push_back(fmt::format("worker class {}: the {} worker of cppcorn does its work",
                                  known.written, known.meant));
    return std::string(known.meant);
  }
  for (const Refused& refused : kRefusedClasses) {
    if (text.substr(0, refused.prefix.size()) == refused.prefix) {
      return Error{std::string(refused.why)};
    }
  }
  return std::string(text);
}

Result<std::string> canonical_loglevel(std::string_view text, Notices&) {
  constexpr std::array kWords = {Renamed{"warn", "warning"}, Renamed{"fatal", "critical"},
                                 Renamed{"notset", "trace"}};
  for (const Renamed& word : kWords) {
    if (iequals(text, word.written)) return std::string(word.meant);
  }
  return std::string(text);
}

Result<std::string> canonical_header_map(std::string_view text, Notices&) {
  if (iequals(text, "dangerous")) {
    return Error{"a client could forge any header whose name has a hyphen; allowed: drop, refuse"};
  }
  return std::string(text);
}

Result<std::string> canonical_loop(std::string_view text, Notices&) {
  if (text == "rloop" || text == "winloop" || text == "zuvloop" || text.find(':') != text.npos) {
    return Error{"no such loop is supported; allowed: auto, asyncio, uvloop"};
  }
  return std::string(text);
}

Result<std::string> canonical_header(std::string_view text, Notices&) {
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  if (colon == text.npos || name.empty() || !std::all_of(name.begin(), name.end(), is_token_char)) {
    return Error{"allowed: Name:Value"};
  }
  const std::string_view value = trim_ows(text.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), is_field_value_char)) {
    return Error{"a header value holds no control characters"};
  }
  const auto same = [name](std::string_view field) { return iequals(field, name); };
  if (std::any_of(kFramingFields.begin(), kFramingFields.end(), same)) {
    return Error{"the server sets this header itself"};
  }
  return fmt::format("{}: {}", name, value);
}

Result<std::string> canonical_accesslog(std::string_view text, Notices&) {
  return std::string(text == "/dev/stdout" ? "-" : text);
}
Result<std::string> canonical_errorlog(std::string_view text, Notices&) {
  return std::string(text == "/dev/stderr" ? "-" : text);
}

Result<std::string> canonical_access_log_format(std::string_view text, Notices&) {
  const auto pieces = read_access_log_format(text);
  if (!pieces) return Error{pieces.error().message};
  return std::string(text);
}

Result<std::string> canonical_root_path(std::string_view text, Notices&) {
  if (!text.empty() && text.front() != '/') return Error{"allowed: a path that begins with /"};
  while (!text.empty() && text.back() == '/') text.remove_suffix(1);
  return std::string(text);
}

}  // namespace cppcorn::config
