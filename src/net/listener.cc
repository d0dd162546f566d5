#include "src/net/listener.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "src/base/assert.h"
#include "src/net/handle.h"
#include "src/net/timer.h"

namespace cppcorn::net {
namespace {

// What an error of accept4 means.
enum class Outcome { kDrained, kSkip, kPause };

// accept(2): errors of a connection that died in the queue are to be skipped like a client that
// went away.
Outcome classify(int error) noexcept {
  switch (error) {
    case EAGAIN: return Outcome::kDrained;
    case EINTR:
    case ECONNABORTED:
    case EPERM:  // a firewall's rule
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH: return Outcome::kSkip;
    // EMFILE, ENFILE, ENOBUFS, ENOMEM; and what should not be: better a pause than a busy loop.
    default: return Outcome::kPause;
  }
}

}  // namespace

struct Listener::Impl : Handle<Listener::Impl, uv_poll_t> {
  Impl(Listener& self, EventLoop& loop, UniqueFd listening, Handler& accepted)
      : listener(self),
        handler(accepted),
        socket(std::move(listening)),
        address(SocketAddress::local_of(socket.get())),
        pause(std::make_unique<Timer>(loop, [this] { watch(); })) {
    CPPCORN_CHECK(uv_poll_init(loop.uv(), &uv_, socket.get()) == 0);
    opened();
    // Linux hands the option down to accepted sockets: one system call less for each of them.
    const int on = 1;
    if (address.is_ip()) setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  void start() noexcept {
    if (!std::exchange(started, true)) watch();
  }
  void stop() noexcept {
    if (!std::exchange(started, false)) return;
    pause->stop();
    uv_poll_stop(&uv_);
  }
  // The rest of the object lives until the close callback, under the feet of an upcall perhaps.
  void shut() noexcept {
    started = false;
    pause.reset();
    close();
    socket.reset();
    let_go();
  }

  void watch() noexcept { uv_poll_start(&uv_, UV_READABLE, on_readable); }

  static void on_readable(uv_poll_t* uv, int error, int) noexcept {
    Impl& impl = *from(uv);
    if (error != 0) return impl.pause_accepting(-error);
    for (int i = 0; i < kBatch && impl.started; ++i) {
      if (!impl.accept_one()) return;
    }
  }

  // False when there is nothing more to accept now.
  bool accept_one() noexcept {
    sockaddr_storage storage;
    socklen_t size = sizeof storage;
    auto* peer = reinterpret_cast<sockaddr*>(&storage);
    UniqueFd accepted(accept4(socket.get(), peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted.valid()) {
      const SocketAddress from_where =
          address.is_unix() ? address : SocketAddress::from(peer, size);
      handler.on_accept(listener, std::move(accepted), from_where);
      return true;
    }
    const int error = errno;
    const Outcome outcome = classify(error);
    if (outcome == Outcome::kPause) pause_accepting(error);
    return outcome == Outcome::kSkip;
  }

  // The descriptor stays readable, so it must not be watched meanwhile.
  void pause_accepting(int error) noexcept {
    uv_poll_stop(&uv_);
    pause->start(kPauseMs);
    handler.on_accept_paused(listener, error);
  }

  Listener& listener;
  Handler& handler;
  UniqueFd socket;
  SocketAddress address;
  std::unique_ptr<Timer> pause;
  bool started = false;
};

Listener::Listener(EventLoop& loop, UniqueFd socket, Handler& handler)
    : impl_(new Impl(*this, loop, std::move(socket), handler)) {}
Listener::~Listener() { impl_->shut(); }
void Listener::start() noexcept { impl_->start(); }
void Listener::stop() noexcept { impl_->stop(); }
const SocketAddress& Listener::local_address() const noexcept { return impl_->address; }

}  // namespace cppcorn::net
