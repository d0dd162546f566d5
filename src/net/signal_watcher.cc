#include "src/net/signal_watcher.h"

#include <utility>

#include "src/net/handle.h"

namespace cppcorn::net {

struct SignalWatcher::Impl : Handle<SignalWatcher::Impl, uv_signal_t> {
  Impl(EventLoop& loop, int signal, std::function<void()> on_caught)
      : callback(std::move(on_caught)) {
    CPPCORN_CHECK(uv_signal_init(loop.uv(), &uv_) == 0);
    opened();
    uv_unref(uv_handle());
    CPPCORN_CHECK(uv_signal_start(&uv_, on_signal, signal) == 0);
  }

  static void on_signal(uv_signal_t* uv, int) noexcept {
    Impl& watcher = *from(uv);
    if (watcher.is_open()) watcher.callback();
  }

  std::function<void()> callback;
};

SignalWatcher::SignalWatcher(EventLoop& loop, int signal, std::function<void()> callback)
    : impl_(new Impl(loop, signal, std::move(callback))) {}
SignalWatcher::~SignalWatcher() { impl_->let_go(); }

}  // namespace cppcorn::net
