// FdWatcher: tells when a descriptor that somebody else owns can be read or written (uv_poll,
// level-triggered). The descriptor becomes non-blocking. Destroy it, or stop() it, before the
// descriptor is closed: libuv aborts the process when it cannot add one to its epoll.
#pragma once

#include <functional>

#include "src/net/event_loop.h"

namespace cppcorn::net {

class FdWatcher {
 public:
  enum Events : int { kNone = 0, kReadable = 1, kWritable = 2, kDisconnect = 4 };

  // callback(events, error): error is 0 or a negative errno (an error on the descriptor, EPOLLERR):
  // then nothing is watched any more until start(). The callback may destroy this object.
  FdWatcher(EventLoop& loop, int fd, std::function<void(int events, int error)> callback);
  ~FdWatcher();
  FdWatcher(const FdWatcher&) = delete;
  FdWatcher& operator=(const FdWatcher&) = delete;

  // 0 or a negative errno; replaces what was watched for. EPERM: a descriptor that epoll cannot
  // watch (a regular file); EEXIST: another watcher of the loop has it.
  int start(int events) noexcept;
  void stop() noexcept;
  int fd() const noexcept;

 private:
  struct Impl;
  Impl* impl_;  // dies in its close callback
};

}  // namespace cppcorn::net
