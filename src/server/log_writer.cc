#include "src/server/log_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "src/base/block_signals.h"
#include "src/base/clock.h"

namespace cppcorn::server {
Result<std::unique_ptr<LogWriter>> LogWriter::open(const std::string& destination) {
  const int fd = destination == "-"
                     ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                     : ::open(destination.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return Error{fmt::format("cannot open the access log {}: {}", destination, strerror(errno))};
  }
  return std::unique_ptr<LogWriter>(new LogWriter(UniqueFd(fd)));
}

LogWriter::LogWriter(UniqueFd fd) : fd_(std::move(fd)) {
  const BlockSignals inherited_by_the_thread;
  thread_ = std::thread([this] { run(); });
}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void LogWriter::write(std::string_view line) noexcept {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    if (pending_.size() + line.size() > kPendingMax) {
      ++dropped_;
      return;
    }
    was_empty = pending_.empty();
    pending_.append(line);
  }
  if (was_empty) changed_.notify_one();
}

uint64_t LogWriter::dropped() const noexcept {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

void LogWriter::run() noexcept {
  std::string batch;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
    if (!stopping_) {
      changed_.wait_for(lock, std::chrono::milliseconds(kGatherMs), [this] { return stopping_; });
    }
    const bool last = stopping_;
    const uint64_t dropped = dropped_;
    std::swap(batch, pending_);
    lock.unlock();
    write_out(batch);
    report_dropped(dropped);
    batch.clear();
    lock.lock();
    if (last && pending_.empty()) return;
  }
}

// Standard output is shared with whoever started us, who may have made it non-blocking.
bool LogWriter::wait_until_writable() noexcept {
  pollfd watched{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
  const int ready = ::poll(&watched, 1, kStuckMs);
  if (ready == 0) errno = EAGAIN;
  return ready > 0;
}

// A full disk or a closed pipe must not hurt the service, but somebody has to know.
void LogWriter::report_lost(int error) noexcept {
  unsigned suppressed = 0;
  if (!trouble_log_.allow(monotonic_ms(), &suppressed)) return;
  log::error("Lines of the access log were lost: {}", strerror(error));
}

void LogWriter::report_dropped(uint64_t dropped) noexcept {
  unsigned suppressed = 0;
  if (dropped == reported_ || !trouble_log_.allow(monotonic_ms(), &suppressed)) return;
  log::error("{} lines of the access log were dropped: its destination is too slow",
             dropped - reported_);
  reported_ = dropped;
}

void LogWriter::write_out(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN && wait_until_writable()) continue;
    if (count < 0) return report_lost(errno);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

}  // namespace cppcorn::server
