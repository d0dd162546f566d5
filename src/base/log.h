// The error log of a process, master or worker: lines of gunicorn's form,
//   [2026-11-21 08:41:00 +0000] [4711] [INFO] text
// Set up once at start, written by every thread. Never called per request on the good path; what a
// client can cause over and over must go through a RateLimit. Text from clients is escaped by the
// caller (escape_for_log).
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "src/base/result.h"

namespace cppcorn::log {

enum class Level { kTrace, kDebug, kInfo, kWarning, kError, kCritical };

// Whether lines could be appended to the file, which need not be there, but its folder must. Makes
// nothing. The error says what is wrong with the path, without the path.
Status check_appendable(const std::string& path);
// Writes to standard error ("-") or appends to a file, which check_appendable() must allow. Until
// it is called, lines go to standard error.
Status set_up(std::string_view destination, Level level);
bool enabled(Level level) noexcept;
void write(Level level, std::string_view text) noexcept;

template <typename... Args>
void write_format(Level level, fmt::format_string<Args...> format, Args&&... args) noexcept {
  if (!enabled(level)) return;
  try {
    write(level, fmt::format(format, std::forward<Args>(args)...));
  } catch (...) {
    write(Level::kError, "a log line could not be formatted");
  }
}

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) noexcept {
  write_format(Level::kDebug, format, std::forward<Args>(args)...);
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) noexcept {
  write_format(Level::kInfo, format, std::forward<Args>(args)...);
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) noexcept {
  write_format(Level::kWarning, format, std::forward<Args>(args)...);
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) noexcept {
  write_format(Level::kError, format, std::forward<Args>(args)...);
}
template <typename... Args>
void critical(fmt::format_string<Args...> format, Args&&... args) noexcept {
  write_format(Level::kCritical, format, std::forward<Args>(args)...);
}

// The text with control characters, quotes and bytes above 0x7e as \xNN, cut after max bytes: safe
// in a log line.
std::string escape_for_log(std::string_view text, size_t max = 200);

// Lets at most `burst` lines through in each period and counts the rest, so that a client cannot
// fill the disk.
class RateLimit {
 public:
  constexpr RateLimit(unsigned burst, unsigned period_ms) noexcept
      : burst_(burst), period_ms_(period_ms) {}
  // True when a line may be written now; *suppressed is how many were held back since the last
  // period.
  bool allow(uint64_t now_ms, unsigned* suppressed) noexcept;

 private:
  unsigned burst_;
  unsigned period_ms_;
  uint64_t period_began_ms_ = 0;
  unsigned used_ = 0;
  unsigned held_back_ = 0;
};

}  // namespace cppcorn::log
