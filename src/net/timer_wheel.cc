#include "src/net/timer_wheel.h"

#include <algorithm>
#include <array>
#include <bit>

#include "src/net/handle.h"

namespace cppcorn::net {
namespace {

// One revolution is 65 s, which holds the usual timeouts; later deadlines are looked at once a
// revolution.
constexpr uint64_t kSlots = 1024;
constexpr uint64_t kWordBits = 64;
constexpr uint64_t kWords = kSlots / kWordBits;
constexpr uint64_t kNever = UINT64_MAX;
// No deadline lies further away, so that no sum overflows.
constexpr uint64_t kDelayMsMax = uint64_t{1} << 40;

}  // namespace

// A slot holds the deadlines of one tick (modulo kSlots). A deadline that has been moved later
// stays where it is until its slot is visited: for a busy connection, moving it is then one store.
// A bit says that a slot may hold something.
struct TimerWheel::Impl : Handle<TimerWheel::Impl, uv_timer_t> {
  using List = IntrusiveList<Deadline, Deadline>;

  explicit Impl(EventLoop& loop) : done_tick(loop.now_ms() / kTickMs) {
    CPPCORN_CHECK(uv_timer_init(loop.uv(), &uv_) == 0);
    opened();
  }

  void insert(Deadline& deadline, uint64_t due_ms) noexcept {
    // Rounded up: visited when it is due, or a little later. A tick that has been visited does not
    // come again.
    const uint64_t tick = std::max((due_ms + kTickMs - 1) / kTickMs, done_tick + 1);
    slots[tick % kSlots].push_back(deadline);
    bits[tick % kSlots / kWordBits] |= bit_of(tick);
    arm(tick);
  }

  void arm(uint64_t tick) noexcept {
    if (tick >= armed_tick) return;
    armed_tick = tick;
    const uint64_t now = event_loop().now_ms();
    const uint64_t due_ms = tick * kTickMs;
    uv_timer_start(&uv_, on_timer, due_ms > now ? due_ms - now : 0, 0);
  }

  static void on_timer(uv_timer_t* uv) noexcept {
    Impl& wheel = *from(uv);
    // UV_RUN_ONCE would wait for events after a timer that was due before the wait.
    wheel.event_loop().wake();
    wheel.visit_due_slots();
  }

  void visit_due_slots() noexcept {
    const uint64_t now = event_loop().now_ms();
    const uint64_t last_tick = now / kTickMs;
    // After a long pause of the process one revolution visits everything.
    uint64_t tick = std::max(done_tick + 1, last_tick >= kSlots ? last_tick - kSlots + 1 : 0);
    // All that is due is gathered first, so that what callbacks set is not visited again in this
    // round.
    List due;
    for (; (tick = next_marked(tick, last_tick)) != kNever; ++tick) {
      bits[tick % kSlots / kWordBits] &= ~bit_of(tick);
      due.splice(slots[tick % kSlots]);
    }
    done_tick = last_tick;
    armed_tick = kNever;
    while (!due.empty()) {
      Deadline& deadline = due.pop_front();
      if (deadline.due_ms_ > now) {
        insert(deadline, deadline.due_ms_);
        continue;
      }
      deadline.on_deadline();
      if (!is_open()) return;
    }
    arm_next();
  }

  // For the next slot that holds something; slots that have been emptied by cancel() are forgotten
  // here.
  void arm_next() noexcept {
    const uint64_t last_tick = done_tick + kSlots;
    uint64_t tick = done_tick + 1;
    for (; (tick = next_marked(tick, last_tick)) != kNever; ++tick) {
      if (!slots[tick % kSlots].empty()) return arm(tick);
      bits[tick % kSlots / kWordBits] &= ~bit_of(tick);
    }
  }

  // The first tick in [tick, last] whose slot is marked, or kNever. The range is at most one
  // revolution.
  uint64_t next_marked(uint64_t tick, uint64_t last) const noexcept {
    while (tick <= last) {
      const uint64_t offset = tick % kWordBits;
      const uint64_t rest = bits[tick % kSlots / kWordBits] >> offset;
      if (rest != 0) {
        tick += static_cast<uint64_t>(std::countr_zero(rest));
        return tick <= last ? tick : kNever;
      }
      tick += kWordBits - offset;
    }
    return kNever;
  }

  static uint64_t bit_of(uint64_t tick) noexcept { return uint64_t{1} << (tick % kWordBits); }

  std::array<List, kSlots> slots;
  std::array<uint64_t, kWords> bits{};
  uint64_t done_tick;            // visited up to here
  uint64_t armed_tick = kNever;  // the timer is set for this one
};

TimerWheel::TimerWheel(EventLoop& loop) : impl_(new Impl(loop)) {}

TimerWheel::~TimerWheel() {
  for (Impl::List& slot : impl_->slots) {
    while (!slot.empty()) slot.pop_front();
  }
  impl_->let_go();
}

void TimerWheel::set(Deadline& deadline, uint64_t delay_ms) noexcept {
  const uint64_t due_ms = impl_->event_loop().now_ms() + std::min(delay_ms, kDelayMsMax);
  const bool stays = deadline.linked() && due_ms >= deadline.due_ms_;
  deadline.due_ms_ = due_ms;
  if (stays) return;
  deadline.unlink();
  impl_->insert(deadline, due_ms);
}

}  // namespace cppcorn::net
