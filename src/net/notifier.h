// Notifier: wakes a loop from any thread (uv_async). Calls that come before the callback has run
// are one call. Owned by whoever listens; destroyed on the loop's thread, after the other threads
// have stopped calling notify().
#pragma once

#include <functional>
#include <memory>

#include "src/net/event_loop.h"

namespace cppcorn::net {

class Notifier {
 public:
  Notifier(EventLoop& loop, std::function<void()> callback);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void notify() noexcept;  // thread-safe, async-signal-safe
  // Whether this notifier keeps EventLoop::run() alive on its own (it does by default).
  void keep_loop_alive(bool keep) noexcept;

 private:
  struct Impl;
  Impl* impl_;  // dies in its close callback
};

}  // namespace cppcorn::net
