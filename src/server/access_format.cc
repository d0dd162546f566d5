#include "src/server/access_format.h"

#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <iterator>
#include <optional>

#include "src/base/ascii.h"
#include "src/config/access_log_format.h"

namespace cppcorn::server {
namespace {

// Client text in a line of plain text: control characters, quotes, backslashes and bytes above 0x7e
// as \xNN, so that nobody can forge a line or send an escape sequence to a terminal
// (CVE-2020-7694).
void append_escaped(std::string_view text, std::string& out) {
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x20 || code > 0x7e || byte == '"' || byte == '\\') {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", code);
    } else {
      out.push_back(byte);
    }
  }
}

// The same in a JSON string; bytes above 0x7e are read as Latin-1, which loses nothing.
void append_json_string(std::string_view text, std::string& out) {
  out.push_back('"');
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (byte == '"' || byte == '\\') {
      out.push_back('\\');
      out.push_back(byte);
    } else if (code < 0x20 || code > 0x7e) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", code);
    } else {
      out.push_back(byte);
    }
  }
  out.push_back('"');
}

void append_or_dash(std::string_view text, std::string& out) {
  if (text.data() == nullptr || text.empty()) {
    out.push_back('-');
  } else {
    append_escaped(text, out);
  }
}

// The value of a field in the bytes of a response head.
std::string_view find_in_head(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos && iequals(line.substr(0, colon), name)) {
      return trim_ows(line.substr(colon + 1));
    }
    if (end == std::string_view::npos) break;
    head.remove_prefix(end + 2);
  }
  return {};
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string decoded;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    unsigned value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<unsigned>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<unsigned>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<unsigned>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      value = c == '+' ? 62 : 63;
    } else {
      return std::nullopt;
    }
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      decoded.push_back(static_cast<char>(bits >> count & 0xff));
    }
  }
  return decoded;
}

// The user name of Basic authentication (RFC 7617); empty when there is none.
std::string basic_user(const http::RequestHead& head) {
  const std::string_view value = head.find("authorization");
  if (value.size() < 6 || !iequals(value.substr(0, 6), "basic ")) return {};
  const auto decoded = decode_base64(trim_ows(value.substr(6)));
  return decoded ? decoded->substr(0, decoded->find(':')) : std::string();
}

// WSGI's name of a variable, for {x}e: what of the environ the head knows.
std::string_view environ_value(const AccessRecord& record, std::string_view name) {
  const http::RequestHead& head = *record.head;
  if (iequals(name, "REQUEST_METHOD")) return head.method();
  if (iequals(name, "RAW_URI")) return head.target();
  if (iequals(name, "PATH_INFO")) return head.path();
  if (iequals(name, "QUERY_STRING")) return head.query();
  if (iequals(name, "REMOTE_ADDR")) return record.remote_address;
  if (iequals(name, "wsgi.url_scheme")) return record.scheme;
  if (iequals(name, "SERVER_PROTOCOL")) return head.version_minor() == 0 ? "HTTP/1.0" : "HTTP/1.1";
  if (name.size() <= 5 || !iequals(name.substr(0, 5), "HTTP_")) return {};
  std::string field(name.substr(5));
  for (char& c : field) c = c == '_' ? '-' : ascii_lower(c);
  return head.find(field);
}

std::string_view protocol_of(const http::RequestHead& head) {
  return head.version_minor() == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

}  // namespace

Result<AccessFormat> AccessFormat::compile(std::string_view format) {
  Result<std::vector<config::AccessLogPiece>> pieces = config::read_access_log_format(format);
  if (!pieces) return Error{"access log format: " + pieces.error().message};
  AccessFormat compiled;
  for (config::AccessLogPiece& piece : *pieces) {
    compiled.pieces_.push_back(piece.is_atom ? atom_of(piece.text)
                                             : Piece{0, std::move(piece.text)});
    if (compiled.pieces_.back().atom == 'O') compiled.wants_response_head_ = true;
  }
  return compiled;
}

AccessFormat::Piece AccessFormat::atom_of(std::string_view name) {
  if (name.size() == 1) return {name.front(), {}};
  if (name.size() <= 3 || name.front() != '{' || name[name.size() - 2] != '}') return {'?', {}};
  // Fields are told apart from the one-letter atoms by upper case: I, O and E.
  Piece piece{ascii_upper(name.back()), std::string(name.substr(1, name.size() - 3))};
  if (piece.atom != 'E') {
    for (char& c : piece.text) c = ascii_lower(c);
  }
  return piece;
}

AccessFormat AccessFormat::json() {
  AccessFormat format;
  format.json_ = true;
  return format;
}

std::string_view AccessFormat::time_text(int64_t time_s) {
  if (time_s != time_made_for_) {
    const time_t seconds = time_s;
    std::tm local{};
    localtime_r(&seconds, &local);
    char text[40];
    const char* pattern = json_ ? "%Y-%m-%dT%H:%M:%S%z" : "[%d/%b/%Y:%H:%M:%S %z]";
    time_text_.assign(text, std::strftime(text, sizeof text, pattern, &local));
    time_made_for_ = time_s;
  }
  return time_text_;
}

void AccessFormat::append_line(const AccessRecord& record, std::string& out) {
  if (json_) {
    append_json(record, out);
  } else {
    for (const Piece& piece : pieces_) {
      if (piece.atom == 0) {
        out += piece.text;
      } else {
        append_atom(piece, record, out);
      }
    }
  }
  out.push_back('\n');
}

void AccessFormat::append_atom(const Piece& piece, const AccessRecord& record, std::string& out) {
  const http::RequestHead& head = *record.head;
  const auto put = [&](auto value) { fmt::format_to(std::back_inserter(out), "{}", value); };
  switch (piece.atom) {
    case 'h': return append_or_dash(record.remote_address, out);
    case 'u': return append_or_dash(basic_user(head), out);
    case 't': out += time_text(record.time_s); return;
    case 'r':
      // A request whose head was refused has none.
      if (head.method().empty()) return out.push_back('-');
      append_escaped(head.method(), out);
      out.push_back(' ');
      append_escaped(head.target(), out);
      out.push_back(' ');
      out += protocol_of(head);
      return;
    case 'm': return append_or_dash(head.method(), out);
    case 'U': return append_escaped(head.path(), out);
    case 'q': return append_escaped(head.query(), out);
    case 'H': out += protocol_of(head); return;
    case 's': return put(record.status);
    case 'B': return put(record.body_bytes);
    case 'b': return record.body_bytes > 0 ? put(record.body_bytes) : out.push_back('-');
    case 'f': return append_or_dash(head.find("referer"), out);
    case 'a': return append_or_dash(head.find("user-agent"), out);
    case 'T': return put(record.duration_ns / 1'000'000'000);
    case 'M': return put(record.duration_ns / 1'000'000);
    case 'D': return put(record.duration_ns / 1'000);
    case 'L':
      fmt::format_to(std::back_inserter(out), "{:.6f}",
                     static_cast<double>(record.duration_ns) / 1e9);
      return;
    case 'p': fmt::format_to(std::back_inserter(out), "<{}>", ::getpid()); return;
    case 'I': return append_or_dash(head.find(piece.text), out);
    case 'O': return append_or_dash(find_in_head(record.response_head, piece.text), out);
    case 'E': return append_or_dash(environ_value(record, piece.text), out);
    default: out.push_back('-'); return;
  }
}

void AccessFormat::append_json(const AccessRecord& record, std::string& out) {
  const http::RequestHead& head = *record.head;
  const auto text = [&](std::string_view key, std::string_view value) {
    fmt::format_to(std::back_inserter(out), "\"{}\":", key);
    append_json_string(value, out);
    out.push_back(',');
  };
  out.push_back('{');
  text("time", time_text(record.time_s));
  text("remote_addr", record.remote_address);
  text("method", head.method());
  text("path", head.path());
  text("query", head.query());
  text("protocol", protocol_of(head));
  text("referer", head.find("referer"));
  text("user_agent", head.find("user-agent"));
  fmt::format_to(std::back_inserter(out), "\"status\":{},\"bytes\":{},\"duration_us\":{}}}",
                 record.status, record.body_bytes, record.duration_ns / 1000);
}

}  // namespace cppcorn::server
