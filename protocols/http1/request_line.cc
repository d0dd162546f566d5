#include "protocols/http1/request_line.h"

#include <algorithm>

#include "protocols/http/method.h"
#include "protocols/http/request_target.h"
#include "protocols/http/token.h"

namespace cppcorn::http1 {
namespace {

using http::Refusal;
using http::RequestHead;
using http::character::is;

constexpr char kTlsHandshake = 0x16;

std::optional<Refusal> judge_version(std::string_view text, RequestHead& head) noexcept {
  constexpr size_t kSize = 8;  // "HTTP/1.1"
  const auto is_digit = [](char byte) { return byte >= '0' && byte <= '9'; };
  if (text.size() != kSize || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' ||
      !is_digit(text[7])) {
    return Refusal{400, "malformed HTTP version"};
  }
  if (text[5] != '1') return Refusal{505, "HTTP version other than 1.0 and 1.1"};
  // A higher minor version is read as the highest that we know (RFC 9110 section 2.5).
  head.version_minor_ = text[7] == '0' ? 0 : 1;
  return std::nullopt;
}

}  // namespace

size_t RequestLine::take(std::string_view bytes) noexcept {
  size_t taken = 0;
  while (taken < bytes.size() && !complete() && !refused()) {
    const char* begin = bytes.data() + taken;
    // Behind the limit only the line's end may stand.
    const size_t room = bytes_max_ - std::min(position_, bytes_max_);
    if (room == 0 && *begin != '\r' && state_ != State::kLineFeed) {
      refuse(414, "request line longer than the limit");
      break;
    }
    const size_t count = std::min(std::max<size_t>(room, 1), bytes.size() - taken);
    const size_t used = take_within_limit(begin, begin + count);
    position_ += static_cast<uint32_t>(used);
    taken += used;
  }
  return taken;
}

size_t RequestLine::take_within_limit(const char* begin, const char* end) noexcept {
  const char* at = begin;
  const auto here = [&] { return position_ + static_cast<uint32_t>(at - begin); };
  const auto used = [&] { return static_cast<size_t>(at - begin); };
  switch (state_) {
    case State::kMethod:
      while (at < end && is(*at, http::character::kToken)) ++at;
      if (at == end) return used();
      if (*at != ' ' || here() == 0) {
        const bool tls = here() == 0 && *at == kTlsHandshake;
        refuse(400, tls ? "a TLS handshake on a port without TLS" : "invalid byte in the method");
        return used();
      }
      method_end_ = here();
      state_ = State::kTarget;
      ++at;
      [[fallthrough]];
    case State::kTarget:
      while (at < end && is(*at, http::character::kTarget)) ++at;
      if (at == end) return used();
      if (*at != ' ' || here() == method_end_ + 1) {
        const bool simple = *at == '\r' && here() > method_end_ + 1;
        refuse(simple ? 505 : 400, simple ? "no HTTP version: HTTP/0.9 is not supported"
                                          : "invalid byte in the request target");
        return used();
      }
      target_end_ = here();
      state_ = State::kVersion;
      ++at;
      [[fallthrough]];
    case State::kVersion:
      while (at < end && is(*at, http::character::kTarget)) ++at;
      if (at == end) return used();
      if (*at != '\r') {
        refuse(400, "invalid byte in the HTTP version");
        return used();
      }
      state_ = State::kLineFeed;
      ++at;
      [[fallthrough]];
    case State::kLineFeed:
      if (at == end) return used();
      if (*at != '\n') {
        refuse(400, "CR without LF in the request line");
        return used();
      }
      ++at;
      state_ = State::kComplete;
      [[fallthrough]];
    case State::kComplete: return used();
  }
  return used();
}

void RequestLine::refuse(int status, const char* reason) noexcept {
  fault_status_ = static_cast<uint16_t>(status);
  fault_ = reason;
}

std::optional<Refusal> RequestLine::finish(RequestHead& head) const {
  using Span = RequestHead::Span;
  constexpr uint32_t kLineEndBytes = 2;
  head.method_ = {0, method_end_};
  head.target_ = {method_end_ + 1, target_end_ - method_end_ - 1};
  const Span version{target_end_ + 1, position_ - target_end_ - 1 - kLineEndBytes};
  const std::string_view method = head.method();
  if (method == "PRI" && head.target() == "*" && head.at(version) == "HTTP/2.0") {
    return Refusal{505, "the HTTP/2 preface on a connection that speaks HTTP/1.1"};
  }
  if (auto refusal = judge_version(head.at(version), head)) {
    refusal->offset = version.begin;
    return refusal;
  }
  if (!http::is_known_method(method)) return Refusal{501, "unknown method"};
  http::RequestTarget parts;
  if (const char* fault = http::parse_request_target(method, head.target(), &parts)) {
    return Refusal{400, fault, head.target_.begin};
  }
  if (method == "CONNECT") return Refusal{501, "CONNECT: this server is no proxy"};
  const auto span_of = [&](std::string_view part) -> Span {
    if (part.empty()) return {};
    return {static_cast<uint32_t>(part.data() - head.arena()), static_cast<uint32_t>(part.size())};
  };
  head.target_form_ = parts.form;
  head.authority_ = span_of(parts.authority);
  head.path_ = span_of(parts.path);
  head.query_ = span_of(parts.query);
  return std::nullopt;
}

}  // namespace cppcorn::http1
