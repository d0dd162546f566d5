#include "src/control/line_buffer.h"

#include <utility>

namespace cppcorn::control {

bool LineBuffer::append(std::string_view bytes) {
  buffer_.erase(0, std::exchange(consumed_, 0));
  buffer_ += bytes;
  // Only what follows the last newline can grow. A line that became too long and whole in this very
  // call passes: it exceeds the limit by one read at most.
  const size_t newline = buffer_.rfind('\n');
  const size_t unfinished =
      newline == std::string::npos ? buffer_.size() : buffer_.size() - newline - 1;
  return unfinished < line_bytes_max_;
}

std::optional<std::string_view> LineBuffer::next_line() {
  const size_t end = buffer_.find('\n', consumed_);
  if (end == std::string::npos) return std::nullopt;
  const std::string_view line = std::string_view(buffer_).substr(consumed_, end - consumed_);
  consumed_ = end + 1;
  return line;
}

}  // namespace cppcorn::control
