// Listener: accepts connections from a listening socket that the master bound and every worker
// inherited. uv_poll with our own accept4, because uv_listen closes clients without a word at
// EMFILE. Owned by the acceptor.
#pragma once

#include <functional>
#include <memory>

#include "src/base/unique_fd.h"
#include "src/net/event_loop.h"
#include "src/net/socket_address.h"

namespace cppcorn::net {

class Listener {
 public:
  class Handler {
   public:
    // A connection: non-blocking, close-on-exec, TCP_NODELAY set on TCP.
    virtual void on_accept(Listener& listener, UniqueFd socket, const SocketAddress& peer) = 0;
    // accept4 failed with EMFILE, ENFILE, ENOBUFS or ENOMEM (error is this errno): accepting pauses
    // for kPauseMs and goes on by itself.
    virtual void on_accept_paused(Listener& listener, int error) = 0;

   protected:
    ~Handler() = default;
  };

  static constexpr int kPauseMs = 500;
  // Accepted per turn at most, so that one worker does not take everything and events of others are
  // not starved.
  static constexpr int kBatch = 16;

  Listener(EventLoop& loop, UniqueFd socket, Handler& handler);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void start() noexcept;
  void stop() noexcept;
  const SocketAddress& local_address() const noexcept;  // read once: of a unix socket, family only

 private:
  struct Impl;
  Impl* impl_;  // dies in its close callback
};

}  // namespace cppcorn::net
