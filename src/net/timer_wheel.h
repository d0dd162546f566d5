// TimerWheel: deadlines for tens of thousands of connections. Setting, moving and cancelling one is
// O(1) and allocates nothing; they fire up to kTickMs late, never early. One uv timer serves all,
// armed only for the next slot that holds something, so that an idle server sleeps. One per worker
// loop; timers unlink themselves when destroyed.
#pragma once

#include <cstdint>
#include <memory>

#include "src/base/intrusive_list.h"
#include "src/net/event_loop.h"

namespace cppcorn::net {

class Deadline : public ListHook<Deadline> {
 public:
  uint64_t due_ms() const noexcept { return due_ms_; }
  bool set() const noexcept { return linked(); }
  void cancel() noexcept { unlink(); }

 protected:
  ~Deadline() = default;
  // May destroy this object (through EventLoop::delete_later) and set or cancel any deadline.
  virtual void on_deadline() noexcept = 0;

 private:
  friend class TimerWheel;
  uint64_t due_ms_ = 0;
};

class TimerWheel {
 public:
  static constexpr uint64_t kTickMs = 64;

  explicit TimerWheel(EventLoop& loop);
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  // Sets or moves the deadline to now + delay_ms.
  void set(Deadline& deadline, uint64_t delay_ms) noexcept;

 private:
  struct Impl;
  Impl* impl_;  // dies in its close callback
};

}  // namespace cppcorn::net
