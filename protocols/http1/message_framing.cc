#include "protocols/http1/message_framing.h"

#include "protocols/http/host.h"
#include "protocols/http/token.h"

namespace cppcorn::http1 {
namespace {

using http::Refusal;
using http::RequestHead;

// What the fields say, gathered in one pass; judged together afterwards, because the order of
// fields means nothing.
struct Gathered {
  const RequestHead::FieldSpan* host = nullptr;
  const RequestHead::FieldSpan* content_length = nullptr;
  const RequestHead::FieldSpan* transfer_encoding = nullptr;
  const RequestHead::FieldSpan* expect = nullptr;
  bool close = false;
  bool keep_alive = false;
  bool upgrade_option = false;
  bool upgrade_field = false;
};

Refusal bad(const RequestHead::FieldSpan& field, std::string_view reason, int status = 400) {
  return {status, reason, field.name.begin};
}

// 1*DIGIT that fits 64 bits: no sign, no list, no white space within (CVE-2022-24761 took "+10" and
// "0x01").
bool parse_length(std::string_view text, uint64_t* length) noexcept {
  if (text.empty()) return false;
  uint64_t value = 0;
  for (const char byte : text) {
    if (byte < '0' || byte > '9') return false;
    if (__builtin_mul_overflow(value, uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<uint64_t>(byte - '0'), &value)) {
      return false;
    }
  }
  *length = value;
  return true;
}

void read_connection(std::string_view list, Gathered* found) noexcept {
  std::string_view option;
  while (http::next_list_member(list, option)) {
    if (http::equals_ignoring_case(option, "close")) found->close = true;
    if (http::equals_ignoring_case(option, "keep-alive")) found->keep_alive = true;
    if (http::equals_ignoring_case(option, "upgrade")) found->upgrade_option = true;
  }
}

std::optional<Refusal> gather(RequestHead& head, Gathered* found) {
  for (const RequestHead::FieldSpan& field : head.fields()) {
    const std::string_view name = head.at(field.name);
    const std::string_view value = head.at(field.value);
    switch (name.size()) {
      case 2:
        if (name == "te" && http::list_contains(value, "trailers")) head.accepts_trailers_ = true;
        break;
      case 4:
        if (name != "host") break;
        if (found->host != nullptr) return bad(field, "two Host fields");
        found->host = &field;
        break;
      case 6:
        // The first expectation that isn't met decides; equal ones may be repeated.
        if (name != "expect") break;
        if (found->expect == nullptr ||
            http::equals_ignoring_case(head.at(found->expect->value), "100-continue")) {
          found->expect = &field;
        }
        break;
      case 7:
        if (name == "upgrade" && !value.empty()) found->upgrade_field = true;
        break;
      case 10:
        if (name == "connection") read_connection(value, found);
        break;
      case 14:
        if (name != "content-length") break;
        // RFC 9112 section 6.3 would let equal ones pass; no honest client sends them.
        if (found->content_length != nullptr) return bad(field, "two Content-Length fields");
        found->content_length = &field;
        break;
      case 17:
        if (name != "transfer-encoding") break;
        if (found->transfer_encoding != nullptr) return bad(field, "two Transfer-Encoding fields");
        found->transfer_encoding = &field;
        break;
      default: break;
    }
  }
  return std::nullopt;
}

// Only "chunked", alone and once. Another coding in a sound list is one that we don't implement
// (RFC 9112 section 6.1 asks for 501); chunked twice, or not last, is nobody's framing.
std::optional<Refusal> judge_transfer_encoding(RequestHead& head,
                                               const RequestHead::FieldSpan& field) {
  const std::string_view value = head.at(field.value);
  if (http::equals_ignoring_case(value, "chunked")) {
    head.chunked_ = true;
    return std::nullopt;
  }
  std::string_view list = value;
  std::string_view coding;
  bool chunked_seen = false;
  while (http::next_list_member(list, coding)) {
    const std::string_view name = http::trim(coding.substr(0, coding.find(';')));
    if (!http::is_token(name)) return bad(field, "invalid Transfer-Encoding");
    if (chunked_seen) return bad(field, "chunked is not the last transfer coding");
    chunked_seen = http::equals_ignoring_case(name, "chunked");
  }
  return bad(field, "transfer coding other than chunked", 501);
}

std::optional<Refusal> judge_body(RequestHead& head, const http::Limits& limits,
                                  const Gathered& found) {
  if (found.transfer_encoding != nullptr) {
    if (found.content_length != nullptr) {
      return bad(*found.transfer_encoding, "Content-Length and Transfer-Encoding together");
    }
    // RFC 9112 section 6.1: such a message has faulty framing, even if it looks sound.
    if (head.version_minor() == 0) {
      return bad(*found.transfer_encoding, "Transfer-Encoding in HTTP/1.0");
    }
    return judge_transfer_encoding(head, *found.transfer_encoding);
  }
  if (found.content_length == nullptr) return std::nullopt;
  if (!parse_length(head.at(found.content_length->value), &head.content_length_)) {
    return bad(*found.content_length, "invalid Content-Length");
  }
  head.has_content_length_ = true;
  if (limits.body_bytes_max != 0 && head.content_length_ > limits.body_bytes_max) {
    return bad(*found.content_length, "body larger than the limit", 413);
  }
  return std::nullopt;
}

// Takes Host as the authority, or writes the authority of the absolute form over it, so that no app
// sees two.
std::optional<Refusal> judge_host(RequestHead& head, const Gathered& found) {
  if (found.host == nullptr) {
    if (head.version_minor() != 0) return Refusal{400, "no Host field", head.arena_size()};
  } else if (!http::is_valid_host_field(head.at(found.host->value))) {
    return bad(*found.host, "invalid Host");
  }
  if (head.target_form() == http::TargetForm::kAbsolute) {
    if (found.host != nullptr) {
      const auto index = static_cast<size_t>(found.host - head.fields().data());
      head.fields()[index].value = head.authority_;
    } else {
      const RequestHead::Span name{head.append("host"), 4};
      head.fields().push_back({name, head.authority_});
    }
  } else if (found.host != nullptr) {
    head.authority_ = found.host->value;
  }
  return std::nullopt;
}

// RFC 9110 section 10.1.1; an expectation of an HTTP/1.0 client is ignored.
std::optional<Refusal> judge_expectation(RequestHead& head, const Gathered& found) {
  if (found.expect == nullptr || head.version_minor() == 0) return std::nullopt;
  if (!http::equals_ignoring_case(head.at(found.expect->value), "100-continue")) {
    return bad(*found.expect, "expectation other than 100-continue", 417);
  }
  head.expects_continue_ = head.has_body();
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> decide_framing(RequestHead& head, const http::Limits& limits) {
  Gathered found;
  if (auto refusal = gather(head, &found)) return refusal;
  if (auto refusal = judge_body(head, limits, found)) return refusal;
  if (auto refusal = judge_expectation(head, found)) return refusal;
  head.keep_alive_ = !found.close && (head.version_minor() != 0 || found.keep_alive);
  head.wants_upgrade_ = found.upgrade_option && found.upgrade_field && head.version_minor() != 0;
  // Last, because it may add a field, and `found` points into the list.
  return judge_host(head, found);
}

}  // namespace cppcorn::http1
