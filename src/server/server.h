// Server: everything a worker needs to serve: listeners, connections, limits, deadlines, access
// log. Runs on one loop (in ASGI the asyncio thread, in WSGI the I/O thread). Owned by the
// worker (ASGI: AsgiWorker; WSGI: the engine's I/O thread); dies after drain() or stop() has let
// every connection go, before the loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "src/config/settings.h"
#include "src/net/event_loop.h"
#include "src/server/request_handler.h"

namespace cppcorn::server {

class Server {
 public:
  // kind is the engine's: some limits depend on it. handler outlives the server. The listeners are
  // the sockets inherited from the master. An error says what could not be set up.
  static Result<std::unique_ptr<Server>> create(net::EventLoop& loop,
                                                const config::Settings& settings,
                                                config::AppKind kind, RequestHandler& handler,
                                                std::vector<UniqueFd> listeners);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Begins to accept.
  void start();
  // Stops accepting and lets connections finish: answers say "connection: close", idle ones stay at
  // most Deadlines::drain_idle_ms for a request that is on its way. on_drained is called from the
  // loop once no connection is left.
  void drain(std::function<void()> on_drained);
  // Closes everything now. Engines see disconnected exchanges.
  void stop();

  bool draining() const noexcept;
  size_t connections() const noexcept;
  size_t requests_in_flight() const noexcept;
  uint64_t requests_total() const noexcept;
  // Shared by all responses: for engines that encode on their own threads.
  const ResponseShared& response_shared() const noexcept;
  net::EventLoop& loop() const noexcept;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cppcorn::server
