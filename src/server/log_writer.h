// LogWriter: writes lines to a file or standard output on a thread of its own, so that a slow disk
// or pipe never holds up a request. Lines are gathered for kGatherMs and leave in one write. Owned
// by the access log; its destructor writes what is left.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "src/base/log.h"
#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace cppcorn::server {

class LogWriter {
 public:
  static constexpr int kGatherMs = 20;
  // What waits for a destination that does not take it; lines beyond are dropped and counted.
  static constexpr size_t kPendingMax = size_t{8} << 20;
  // So long a non-blocking destination may take nothing before lines are lost.
  static constexpr int kStuckMs = 10'000;

  // "-" is standard output; a file is appended to, and created with 0644 less the umask.
  static Result<std::unique_ptr<LogWriter>> open(const std::string& destination);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // line ends in a newline. Thread-safe.
  void write(std::string_view line) noexcept;
  uint64_t dropped() const noexcept;

 private:
  explicit LogWriter(UniqueFd fd);
  void run() noexcept;
  void write_out(std::string_view bytes) noexcept;
  bool wait_until_writable() noexcept;
  void report_lost(int error) noexcept;
  void report_dropped(uint64_t dropped) noexcept;

  UniqueFd fd_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string pending_;
  uint64_t dropped_ = 0;
  bool stopping_ = false;
  uint64_t reported_ = 0;                  // the thread's: of dropped_
  log::RateLimit trouble_log_{1, 10'000};  // the thread's
  std::thread thread_;
};

}  // namespace cppcorn::server
