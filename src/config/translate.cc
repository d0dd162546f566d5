#include "src/config/translate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "src/base/ascii.h"
#include "src/config/settings_table.h"

namespace cppcorn::config {
namespace {

Translation only(std::string_view name, std::string_view value) {
  return Translation{{{name, std::string(value)}}, ""};
}

const Error kNoTruth{"allowed: true or false"};

// granian's atoms (granian/log.py documents them) in gunicorn's.
struct Atom {
  std::string_view name;
  std::string_view ours;
};
constexpr std::array kAtoms = {
    Atom{"addr", "%(h)s"},   Atom{"time", "%(t)s"},     Atom{"dt_ms", "%(M)s"},
    Atom{"status", "%(s)s"}, Atom{"path", "%(U)s"},     Atom{"query_string", "%(q)s"},
    Atom{"method", "%(m)s"}, Atom{"protocol", "%(H)s"}, Atom{"scheme", "%({wsgi.url_scheme}e)s"},
};

Result<std::string> translate_atom(std::string_view name) {
  for (const Atom& atom : kAtoms) {
    if (atom.name == name) return std::string(atom.ours);
  }
  constexpr std::string_view kHeader = "header{";
  if (name.starts_with(kHeader) && name.ends_with("}")) {
    return fmt::format("%({{{}}}i)s",
                       name.substr(kHeader.size(), name.size() - kHeader.size() - 1));
  }
  return Error{fmt::format("there is no atom {}", name)};
}

// Where a conversion such as "s" or ".3f" ends, as Python's % operator reads it.
size_t end_of_conversion(std::string_view text, size_t start) noexcept {
  constexpr std::string_view kModifiers = "#0- +.123456789";
  const size_t letter = text.find_first_not_of(kModifiers, start);
  return letter == text.npos ? text.size() : letter + 1;
}

}  // namespace

Result<Translation> translate_host(std::string_view value) { return only("host", value); }
Result<Translation> translate_port(std::string_view value) { return only("port", value); }
Result<Translation> translate_uds(std::string_view value) { return only("uds", value); }
Result<Translation> translate_fd(std::string_view value) { return only("fd", value); }

Result<Translation> translate_interface(std::string_view value) {
  if (value == "auto") return Translation{};
  if (value == "asgi" || value == "asgi3") return only("worker_class", "asgi");
  if (value == "wsgi") return only("worker_class", "gthread");
  if (value == "asginl") return Translation{{{"worker_class", "asgi"}, {"lifespan", "off"}}, ""};
  if (value == "asgi2") {
    return Error{
        "ASGI 2 is not supported: wrap the app with "
        "asgiref.compatibility.guarantee_single_callable"};
  }
  if (value == "rsgi") return Error{"RSGI is granian's own; name the app's ASGI or WSGI callable"};
  return Error{"allowed: auto, asgi, asgi3, asginl, wsgi"};
}

Result<Translation> translate_timeout(std::string_view value) {
  Translation translation = only("worker_boot_timeout", value);
  if (value == "0") return translation;
  translation.notice =
      "in this release it limits how long a worker may take to start; one that hangs later is not "
      "killed";
  return translation;
}

Result<Translation> translate_header_read_ms(std::string_view value) {
  const std::optional<uint64_t> milliseconds = parse_decimal(value);
  if (!milliseconds || *milliseconds == 0 || *milliseconds > UINT32_MAX) {
    return Error{"allowed: milliseconds, 1 or more"};
  }
  return only("header_timeout", seconds_text(*milliseconds));
}

Result<Translation> translate_keep_alive_switch(std::string_view value) {
  const std::optional<bool> truth = parse_truth(value);
  if (!truth) return kNoTruth;
  return *truth ? Translation{} : only("keepalive", "0");
}

Result<Translation> translate_no_keep_alive(std::string_view value) {
  const std::optional<bool> truth = parse_truth(value);
  if (!truth) return kNoTruth;
  return *truth ? only("keepalive", "0") : Translation{};
}

Result<Translation> translate_access_log(std::string_view value) {
  const std::optional<bool> truth = parse_truth(value);
  if (!truth) return only("accesslog", value);
  if (!*truth) return only("accesslog", "");
  Translation on = only("accesslog", "-");
  on.only_if_empty = true;  // --access-logfile PATH --access-log keeps the path
  return on;
}

Result<Translation> translate_no_access_log(std::string_view value) {
  const std::optional<bool> truth = parse_truth(value);
  if (!truth) return kNoTruth;
  return translate_access_log(*truth ? "false" : "true");
}

Result<Translation> translate_access_log_fmt(std::string_view value) {
  std::string ours;
  size_t done = 0;
  while (true) {
    const size_t start = value.find("%(", done);
    ours += value.substr(done, start == value.npos ? value.npos : start - done);
    if (start == value.npos) break;
    const size_t end = value.find(')', start);
    if (end == value.npos) return Error{"an atom lacks its closing parenthesis"};
    Result<std::string> atom = translate_atom(value.substr(start + 2, end - start - 2));
    if (!atom) return atom.error();
    done = end_of_conversion(value, end + 1);
    // gunicorn's time comes with its own brackets.
    if (*atom == "%(t)s" && ours.ends_with('[') && value.substr(done).starts_with(']')) {
      ours.pop_back();
      ++done;
    }
    ours += *atom;
  }
  return only("access_log_format", ours);
}

Result<Translation> translate_log(std::string_view value) {
  const std::optional<bool> truth = parse_truth(value);
  if (!truth) return kNoTruth;
  if (*truth) return Translation{};
  return Translation{{{"loglevel", "critical"}}, "only critical errors are logged"};
}

Result<Translation> translate_no_log(std::string_view value) {
  const std::optional<bool> truth = parse_truth(value);
  if (!truth) return kNoTruth;
  return translate_log(*truth ? "false" : "true");
}

Result<Translation> translate_url_path_prefix(std::string_view value) {
  return Translation{{{"root_path", std::string(value)}, {"root_path_in_target", "true"}}, ""};
}

Result<Translation> translate_http(std::string_view value) {
  if (value == "1") return Translation{};
  constexpr std::array<std::string_view, 4> kParsers = {"auto", "h11", "httptools", "zttp"};
  if (std::find(kParsers.begin(), kParsers.end(), value) != kParsers.end()) {
    return Translation{{}, "it has no effect: there is one HTTP/1.1 parser"};
  }
  if (value == "2") return Error{"HTTP/2 comes with a later release; allowed: auto, 1"};
  return Error{"allowed: auto, 1, or uvicorn's h11, httptools, zttp"};
}

Result<Translation> translate_ws(std::string_view value) {
  const std::optional<bool> truth = parse_truth(value);
  if (value == "none" || (truth && !*truth)) return Translation{};
  if (value == "auto") return Translation{{}, "WebSocket comes with a later release"};
  return Error{"WebSocket comes with a later release; allowed: auto, none"};
}

}  // namespace cppcorn::config
