// TrailerSection: the fields behind a chunked body (RFC 9112 section 7.1.2), gathered in pieces.
// Made by the parser when the first trailer field comes, dead with the request.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "protocols/http/refusal.h"
#include "protocols/http/request_head.h"
#include "src/base/byte_buffer.h"

namespace cppcorn::http1 {

class TrailerSection {
 public:
  void begin_field();
  void append_name(std::string_view piece);
  void append_value(std::string_view piece);
  size_t count() const noexcept { return spans_.size(); }

  // The section is complete. Fields that would change the framing or routing of the message that
  // they follow are refused: only a smuggler sends them. Fields that RFC 9110 section 6.5.1 forbids
  // for other reasons (authentication, request modifiers, content description) are dropped, as it
  // lets a recipient do with any.
  std::optional<http::Refusal> finish();
  // Valid after finish().
  const std::vector<http::Field>& fields() const noexcept { return fields_; }

 private:
  ByteBuffer text_;
  std::vector<http::RequestHead::FieldSpan> spans_;
  std::vector<http::Field> fields_;
};

}  // namespace cppcorn::http1
