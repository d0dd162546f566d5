#include "src/net/timer.h"

#include <utility>

#include "src/net/handle.h"

namespace cppcorn::net {

struct Timer::Impl : Handle<Timer::Impl, uv_timer_t> {
  Impl(EventLoop& loop, std::function<void()> on_due) : callback(std::move(on_due)) {
    CPPCORN_CHECK(uv_timer_init(loop.uv(), &uv_) == 0);
    opened();
  }

  void start(uint64_t delay_ms) noexcept {
    event_loop()
        .now_ms();  // libuv counts from its cached time, which is old when Python has run since
    uv_timer_start(&uv_, on_timer, delay_ms, 0);
  }
  void stop() noexcept { uv_timer_stop(&uv_); }

  static void on_timer(uv_timer_t* uv) noexcept {
    Impl& timer = *from(uv);
    // UV_RUN_ONCE would wait for events after a timer that was due before the wait.
    timer.event_loop().wake();
    timer.callback();
  }

  std::function<void()> callback;
};

Timer::Timer(EventLoop& loop, std::function<void()> callback)
    : impl_(new Impl(loop, std::move(callback))) {}
Timer::~Timer() { impl_->let_go(); }
void Timer::start(uint64_t delay_ms) noexcept { impl_->start(delay_ms); }
void Timer::stop() noexcept { impl_->stop(); }

}  // namespace cppcorn::net
