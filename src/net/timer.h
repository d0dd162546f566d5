// Timer: calls back once after a delay (uv_timer). For the few timers of a process; connections
// have the TimerWheel. Owned by whoever waits; may be destroyed or started again in its own
// callback.
#pragma once

#include <cstdint>
#include <functional>

#include "src/net/event_loop.h"

namespace cppcorn::net {

class Timer {
 public:
  Timer(EventLoop& loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces what was set. Counts from the loop's now_ms().
  void start(uint64_t delay_ms) noexcept;
  void stop() noexcept;

 private:
  struct Impl;
  Impl* impl_;  // dies in its close callback
};

}  // namespace cppcorn::net
