// The Date header line, made once a second (RFC 9110 section 5.6.7). One per worker thread that
// sends.
#pragma once

#include <cstdint>
#include <string_view>

namespace cppcorn::http {

class DateLine {
 public:
  // "date: Sat, 21 Nov 2026 08:41:00 GMT\r\n"; valid until the next call with another second.
  std::string_view at(int64_t realtime_s) noexcept;

 private:
  int64_t made_for_ = -1;
  char line_[38];
};

}  // namespace cppcorn::http
