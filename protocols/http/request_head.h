// RequestHead: the method, target, version and header fields of one request, as every HTTP version
// delivers them. All text lives in one arena, so that a head costs one allocation, or none when it
// is recycled. The codec fills it; the exchange owns it until the response is complete and the app
// has let go; views into it die with it or with the next call of a building function.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "src/base/byte_buffer.h"

namespace cppcorn::http {

struct Field {
  std::string_view name;   // lower case
  std::string_view value;  // without white space at either end
};

// The four forms of RFC 9112 section 3.2.
enum class TargetForm : uint8_t { kOrigin, kAbsolute, kAuthority, kAsterisk };

class RequestHead {
 public:
  std::string_view method() const noexcept { return at(method_); }
  // The target exactly as it was sent.
  std::string_view target() const noexcept { return at(target_); }
  TargetForm target_form() const noexcept { return target_form_; }
  // The path as sent, percent-encoded: "/a%20b". "*" for the asterisk form, "/" when the absolute
  // form has none.
  std::string_view path() const noexcept { return at(path_); }
  // Behind the first "?", without it; empty when there is none.
  std::string_view query() const noexcept { return at(query_); }
  // The authority the request is for: of the absolute form, else the Host field; empty in HTTP/1.0
  // without Host.
  std::string_view authority() const noexcept { return at(authority_); }
  // 0 for HTTP/1.0, 1 for HTTP/1.1.
  int version_minor() const noexcept { return version_minor_; }

  size_t field_count() const noexcept { return fields_.size(); }
  Field field(size_t index) const noexcept {
    const FieldSpan& span = fields_[index];
    return {at(span.name), at(span.value)};
  }
  // The first field of that (lower-case) name, or an empty view with a null data().
  std::string_view find(std::string_view lower_case_name) const noexcept;

  // --- Facts that the codec found while it checked the head ---
  bool keep_alive() const noexcept { return keep_alive_; }  // what the client wants
  bool expects_continue() const noexcept { return expects_continue_; }
  bool accepts_trailers() const noexcept { return accepts_trailers_; }  // TE: trailers
  // Connection: upgrade with an Upgrade field.
  bool wants_upgrade() const noexcept { return wants_upgrade_; }
  bool is_head_method() const noexcept { return method() == "HEAD"; }
  bool has_body() const noexcept { return chunked_ || content_length_ > 0; }
  bool chunked() const noexcept { return chunked_; }
  bool has_content_length() const noexcept { return has_content_length_; }
  uint64_t content_length() const noexcept { return content_length_; }

  // Forgets everything but keeps the memory, for the next request.
  void clear() noexcept;
  size_t memory() const noexcept {
    return bytes_.capacity() + fields_.capacity() * sizeof(FieldSpan);
  }

  // --- Building: for codecs only ---
  struct Span {
    uint32_t begin = 0;
    uint32_t size = 0;
  };
  struct FieldSpan {
    Span name;
    Span value;
  };
  // Appends bytes to the arena; returns where they begin.
  uint32_t append(std::string_view bytes);
  char* arena() noexcept { return bytes_.data(); }
  uint32_t arena_size() const noexcept { return static_cast<uint32_t>(bytes_.size()); }
  std::vector<FieldSpan>& fields() noexcept { return fields_; }
  std::string_view at(Span span) const noexcept { return {bytes_.data() + span.begin, span.size}; }

  Span method_, target_, path_, query_, authority_;
  uint64_t content_length_ = 0;
  TargetForm target_form_ = TargetForm::kOrigin;
  uint8_t version_minor_ = 1;
  bool has_content_length_ = false;
  bool chunked_ = false;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  bool accepts_trailers_ = false;
  bool wants_upgrade_ = false;

 private:
  ByteBuffer bytes_;
  std::vector<FieldSpan> fields_;
};

}  // namespace cppcorn::http
