// FdWatcher: tells when a descriptor that somebody else owns can be read or written (uv_poll,
// level-triggered). Destroy it, or stop() it, before the descriptor is closed.
#pragma once

#include <functional>

#include "src/net/event_loop.h"

namespace cppcorn::net {

class FdWatcher {
 public:
  enum Events : int { kNone = 0, kReadable = 1, kWritable = 2, kDisconnect = 4 };

  // callback(events, error): error is 0 or a negative errno. A descriptor that epoll cannot watch
  // (a regular file) is an error of start().
  FdWatcher(EventLoop& loop, int fd, std::function<void(int events, int error)> callback);
  ~FdWatcher();
  FdWatcher(const FdWatcher&) = delete;
  FdWatcher& operator=(const FdWatcher&) = delete;

  int start(int events) noexcept;  // 0 or a negative errno; replaces what was watched for
  void stop() noexcept;
  int fd() const noexcept;

 private:
  struct Impl;
  Impl* impl_;  // dies in its close callback
};

}  // namespace cppcorn::net
