// LineBuffer: cuts a stream of bytes into lines of bounded length. A value in whoever reads a
// control channel.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cppcorn::control {

class LineBuffer {
 public:
  explicit LineBuffer(size_t line_bytes_max) noexcept : line_bytes_max_(line_bytes_max) {}

  // False when a line is longer than allowed: the stream is then of no use any more.
  bool append(std::string_view bytes);
  // The next whole line without its newline; it is valid until the next call of either function.
  std::optional<std::string_view> next_line();

 private:
  size_t line_bytes_max_;
  size_t consumed_ = 0;  // of buffer_: lines that were handed out
  std::string buffer_;
};

}  // namespace cppcorn::control
