#include "src/net/notifier.h"

#include <utility>

#include "src/net/handle.h"

namespace cppcorn::net {

struct Notifier::Impl : Handle<Notifier::Impl, uv_async_t> {
  Impl(EventLoop& loop, std::function<void()> on_notified) : callback(std::move(on_notified)) {
    CPPCORN_CHECK(uv_async_init(loop.uv(), &uv_, on_async) == 0);
    opened();
  }

  void notify() noexcept { uv_async_send(&uv_); }
  void keep_loop_alive(bool keep) noexcept {
    if (keep) {
      uv_ref(uv_handle());
    } else {
      uv_unref(uv_handle());
    }
  }

  static void on_async(uv_async_t* uv) noexcept {
    Impl& notifier = *from(uv);
    if (notifier.is_open()) notifier.callback();
  }

  std::function<void()> callback;
};

Notifier::Notifier(EventLoop& loop, std::function<void()> callback)
    : impl_(new Impl(loop, std::move(callback))) {}
Notifier::~Notifier() { impl_->let_go(); }
void Notifier::notify() noexcept { impl_->notify(); }
void Notifier::keep_loop_alive(bool keep) noexcept { impl_->keep_loop_alive(keep); }

}  // namespace cppcorn::net
