#include "protocols/http1/response_encoder.h"

#include <charconv>
#include <cstring>

#include "protocols/http/status.h"
#include "protocols/http/token.h"

namespace cppcorn::http1 {
namespace {

char* put(char* to, std::string_view text) noexcept {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

void append_field(ByteBuffer& out, std::string_view name, std::string_view value) {
  const size_t size = name.size() + value.size() + 4;
  char* to = out.prepare(size);
  to = put(to, name);
  to = put(to, ": ");
  to = put(to, value);
  put(to, "\r\n");
  out.commit(size);
}

void append_status_line(ByteBuffer& out, int status, std::string_view reason) {
  const size_t size = 13 + reason.size() + 2;
  char* to = put(out.prepare(size), "HTTP/1.1 ");
  *to++ = static_cast<char>('0' + status / 100);
  *to++ = static_cast<char>('0' + status / 10 % 10);
  *to++ = static_cast<char>('0' + status % 10);
  *to++ = ' ';
  put(put(to, reason), "\r\n");
  out.commit(size);
}

void append_content_length(ByteBuffer& out, uint64_t length) {
  char digits[20];
  const char* end = std::to_chars(digits, digits + sizeof digits, length).ptr;
  append_field(out, "content-length", {digits, static_cast<size_t>(end - digits)});
}

bool is_valid_value(std::string_view value) noexcept {
  return http::consists_of(value, http::character::kFieldValue);
}

EncodeError check_field(std::string_view name, std::string_view value) noexcept {
  if (!http::is_token(name)) return EncodeError::kBadHeaderName;
  return is_valid_value(value) ? EncodeError::kNone : EncodeError::kBadHeaderValue;
}

// Fields that belong to the connection and its framing (RFC 9110 section 7.6.1), which the server
// alone writes.
bool is_connection_field(std::string_view name) noexcept {
  for (const std::string_view other : {"connection", "content-length", "keep-alive",
                                       "proxy-connection", "te", "transfer-encoding", "upgrade"}) {
    if (http::equals_ignoring_case(name, other)) return true;
  }
  return false;
}

bool parse_length(std::string_view text, uint64_t* length) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *length);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::string_view to_string(EncodeError error) noexcept {
  switch (error) {
    case EncodeError::kNone: return "no error";
    case EncodeError::kWrongOrder: return "response steps in the wrong order";
    case EncodeError::kBadStatus: return "invalid status code or reason";
    case EncodeError::kBadHeaderName: return "invalid header name";
    case EncodeError::kBadHeaderValue: return "invalid character in a header value";
    case EncodeError::kBadContentLength: return "invalid Content-Length";
    case EncodeError::kBodyTooLong: return "response body longer than its Content-Length";
    case EncodeError::kBodyTooShort: return "response body shorter than its Content-Length";
  }
  return {};
}

RequestFacts RequestFacts::of(const http::RequestHead& head) noexcept {
  return {head.is_head_method(), head.version_minor() == 0, head.keep_alive(),
          head.accepts_trailers()};
}

ResponseEncoder::ResponseEncoder(const RequestFacts& facts,
                                 const ResponseDefaults& defaults) noexcept
    : facts_(facts), defaults_(&defaults) {}

EncodeError ResponseEncoder::inform(ByteBuffer& out, int status,
                                    std::span<const http::Field> fields) {
  // A head that is held back has not been sent: ASGI's early hints come behind http.response.start.
  if (state_ != State::kIdle && state_ != State::kHead) return EncodeError::kWrongOrder;
  if (status < 100 || status > 199 || status == 101) return EncodeError::kBadStatus;
  for (const http::Field& field : fields) {
    if (const EncodeError error = check_field(field.name, field.value); error != EncodeError::kNone)
      return error;
  }
  if (facts_.http10) return EncodeError::kNone;
  append_status_line(out, status, http::reason_phrase(status));
  for (const http::Field& field : fields) {
    if (!is_connection_field(field.name)) append_field(out, field.name, http::trim(field.value));
  }
  out.append("\r\n");
  return EncodeError::kNone;
}

EncodeError ResponseEncoder::start(ByteBuffer& out, int status, std::string_view reason) {
  if (state_ != State::kIdle) return EncodeError::kWrongOrder;
  if (status < 200 || status > 999 || !is_valid_value(reason)) return EncodeError::kBadStatus;
  state_ = State::kHead;
  status_ = static_cast<uint16_t>(status);
  if (status == 200 && (reason.empty() || reason == "OK")) {
    out.append("HTTP/1.1 200 OK\r\n");
  } else {
    append_status_line(out, status, reason.empty() ? http::reason_phrase(status) : reason);
  }
  return EncodeError::kNone;
}

EncodeError ResponseEncoder::add_header(ByteBuffer& out, std::string_view name,
                                        std::string_view value) {
  if (state_ != State::kHead) return EncodeError::kWrongOrder;
  if (const EncodeError error = check_field(name, value); error != EncodeError::kNone) return error;
  value = http::trim(value);
  bool written = true;
  if (const EncodeError error = add_special_header(out, name, value, &written);
      error != EncodeError::kNone) {
    return error;
  }
  if (written) append_field(out, name, value);
  return EncodeError::kNone;
}

// Notes the fields that concern the server; *written becomes false for those that don't go out as
// they are.
EncodeError ResponseEncoder::add_special_header(ByteBuffer& out, std::string_view name,
                                                std::string_view value, bool* written) {
  const auto is = [&](std::string_view other) { return http::equals_ignoring_case(name, other); };
  switch (name.size()) {
    case 2: *written = !is("te"); break;
    case 4: has_date_ |= is("date"); break;
    case 6: has_server_ |= is("server"); break;
    case 7:
      if (!is("upgrade")) break;
      has_upgrade_ = *written = status_ == 426;
      break;
    case 10:
      if (is("connection")) {
        wants_close_ |= http::list_contains(value, "close");
        *written = false;
      } else if (is("keep-alive")) {
        *written = false;
      }
      break;
    case 14:
      if (is("content-length")) return add_content_length(value, written);
      break;
    case 16: *written = !is("proxy-connection"); break;
    case 17: *written = !is("transfer-encoding"); break;
    default: break;
  }
  return EncodeError::kNone;
}

EncodeError ResponseEncoder::add_content_length(std::string_view value, bool* written) {
  uint64_t length = 0;
  if (!parse_length(value, &length)) return EncodeError::kBadContentLength;
  if (has_length_ && length != length_) return EncodeError::kBadContentLength;
  // Once is enough, and 204 has none (RFC 9110 section 8.6).
  *written = !has_length_ && status_ != 204;
  has_length_ = true;
  length_ = length;
  return EncodeError::kNone;
}

// RFC 9112 section 6.3, from the sender's side.
void ResponseEncoder::decide_framing(ByteBuffer& out, std::optional<uint64_t> body_bytes) {
  if (facts_.head_method || http::status_has_no_body(status_)) {
    framing_ = Framing::kNone;
    // What GET would have sent is known only when there was something (RFC 9110 section 8.6).
    if (facts_.head_method && !http::status_has_no_body(status_) && !has_length_ &&
        body_bytes.value_or(0) > 0) {
      append_content_length(out, *body_bytes);
    }
  } else if (has_length_ || body_bytes) {
    framing_ = Framing::kLength;
    if (!has_length_) {
      length_ = *body_bytes;
      append_content_length(out, length_);
    }
  } else if (!facts_.http10) {
    framing_ = Framing::kChunked;
    out.append("transfer-encoding: chunked\r\n");
  } else {
    framing_ = Framing::kUntilClose;
  }
}

EncodeError ResponseEncoder::end_head(ByteBuffer& out, std::optional<uint64_t> body_bytes,
                                      std::string_view date_line, bool close_after) {
  if (state_ != State::kHead) return EncodeError::kWrongOrder;
  decide_framing(out, body_bytes);
  state_ = State::kBody;
  keep_alive_ =
      facts_.keep_alive && !close_after && !wants_close_ && framing_ != Framing::kUntilClose;
  if (!keep_alive_) {
    out.append(has_upgrade_ ? "connection: upgrade, close\r\n" : "connection: close\r\n");
  } else if (has_upgrade_) {
    out.append(facts_.http10 ? "connection: upgrade, keep-alive\r\n" : "connection: upgrade\r\n");
  } else if (facts_.http10) {
    out.append("connection: keep-alive\r\n");
  }
  if (defaults_->date && !has_date_) out.append(date_line);
  if (!has_server_) out.append(defaults_->server_line);
  out.append(defaults_->extra_lines);
  out.append("\r\n");
  return EncodeError::kNone;
}

EncodeError ResponseEncoder::begin_block(ByteBuffer& out, uint64_t bytes) {
  if (state_ != State::kBody || block_open_) return EncodeError::kWrongOrder;
  if (bytes == 0 || framing_ == Framing::kNone) return EncodeError::kNone;
  if (framing_ == Framing::kLength && bytes > length_ - sent_) return EncodeError::kBodyTooLong;
  sent_ += bytes;
  if (framing_ == Framing::kChunked) {
    constexpr size_t kLineBytesMax = 18;
    char* to = out.prepare(kLineBytesMax);
    char* end = std::to_chars(to, to + 16, bytes, 16).ptr;
    end = put(end, "\r\n");
    out.commit(static_cast<size_t>(end - to));
    block_open_ = true;
  }
  return EncodeError::kNone;
}

void ResponseEncoder::end_block(ByteBuffer& out) {
  if (block_open_) out.append("\r\n");
  block_open_ = false;
}

bool ResponseEncoder::sends_payload() const noexcept {
  return state_ == State::kBody && framing_ != Framing::kNone;
}

EncodeError ResponseEncoder::finish(ByteBuffer& out, std::span<const http::Field> trailers) {
  if (state_ != State::kBody || block_open_) return EncodeError::kWrongOrder;
  for (const http::Field& field : trailers) {
    if (const EncodeError error = check_field(field.name, field.value); error != EncodeError::kNone)
      return error;
  }
  state_ = State::kFinished;
  if (framing_ == Framing::kLength && sent_ < length_) {
    keep_alive_ = false;
    return EncodeError::kBodyTooShort;
  }
  if (framing_ != Framing::kChunked) return EncodeError::kNone;
  out.append("0\r\n");
  if (facts_.accepts_trailers) {
    for (const http::Field& field : trailers) {
      if (!is_connection_field(field.name)) append_field(out, field.name, http::trim(field.value));
    }
  }
  out.append("\r\n");
  return EncodeError::kNone;
}

bool ResponseEncoder::started() const noexcept { return state_ != State::kIdle; }
bool ResponseEncoder::head_ended() const noexcept {
  return state_ == State::kBody || state_ == State::kFinished;
}
bool ResponseEncoder::finished() const noexcept { return state_ == State::kFinished; }
bool ResponseEncoder::keep_alive() const noexcept { return keep_alive_; }
int ResponseEncoder::status() const noexcept { return status_; }
uint64_t ResponseEncoder::body_bytes() const noexcept { return sent_; }
std::optional<uint64_t> ResponseEncoder::content_length() const noexcept {
  return has_length_ ? std::optional(length_) : std::nullopt;
}

void ResponseEncoder::restart() noexcept { *this = ResponseEncoder(facts_, *defaults_); }

}  // namespace cppcorn::http1
