#include "src/net/fd_watcher.h"

#include <utility>

#include "src/net/handle.h"

namespace cppcorn::net {

static_assert(FdWatcher::kReadable == int{UV_READABLE} &&
              FdWatcher::kWritable == int{UV_WRITABLE} &&
              FdWatcher::kDisconnect == int{UV_DISCONNECT});

struct FdWatcher::Impl : Handle<FdWatcher::Impl, uv_poll_t> {
  Impl(EventLoop& owner, int descriptor, std::function<void(int, int)> on_events)
      : loop(owner), fd(descriptor), callback(std::move(on_events)) {}

  int start(int wanted) noexcept {
    if (wanted == kNone) return stop(), 0;
    if (!is_open()) {
      const int error = uv_poll_init(loop.uv(), &uv_, fd);
      if (error != 0) return error;
      opened();
    }
    return uv_poll_start(&uv_, wanted, on_poll);
  }
  void stop() noexcept {
    if (is_open()) uv_poll_stop(&uv_);
  }

  static void on_poll(uv_poll_t* uv, int status, int events) noexcept {
    from(uv)->callback(events, status);
  }

  EventLoop& loop;
  int fd;
  std::function<void(int, int)> callback;
};

FdWatcher::FdWatcher(EventLoop& loop, int fd, std::function<void(int events, int error)> callback)
    : impl_(new Impl(loop, fd, std::move(callback))) {}
FdWatcher::~FdWatcher() { impl_->let_go(); }
int FdWatcher::start(int events) noexcept { return impl_->start(events); }
void FdWatcher::stop() noexcept { impl_->stop(); }
int FdWatcher::fd() const noexcept { return impl_->fd; }

}  // namespace cppcorn::net
