// Status codes and their standard reason phrases (RFC 9110 section 15).
#pragma once

#include <string_view>

namespace cppcorn::http {

// "Not Found" for 404; empty for a code that no RFC names.
std::string_view reason_phrase(int status) noexcept;
// Responses that never have a body: 1xx, 204 and 304 (RFC 9110 section 6.4.1).
constexpr bool status_has_no_body(int status) noexcept {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace cppcorn::http
