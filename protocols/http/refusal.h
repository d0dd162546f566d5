// Refusal: why a request was not accepted: the status that the client is due and a cause for the
// log. A value type; its text is a literal.
#pragma once

#include <cstdint>
#include <string_view>

namespace cppcorn::http {

struct Refusal {
  int status = 400;         // 400, 413, 414, 417, 431, 501 or 505; 408 is the connection's own
  std::string_view reason;  // a literal: "Content-Length and Transfer-Encoding together"
  uint64_t offset = 0;      // bytes from the beginning of this request to the fault
};

}  // namespace cppcorn::http
