#include "src/server/server.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "src/base/log.h"
#include "src/net/listener.h"
#include "src/net/stream.h"
#include "src/server/connection.h"
#include "src/server/server_core.h"
#include "src/server/server_options.h"

namespace cppcorn::server {

struct Server::Impl final : ServerCore, net::Listener::Handler, net::TurnEndTask {
  Impl(net::EventLoop& on_loop, RequestHandler& for_handler) : ServerCore(on_loop, for_handler) {}

  // net::Listener::Handler
  void on_accept(net::Listener& listener, UniqueFd socket, const net::SocketAddress& peer) override;
  void on_accept_paused(net::Listener& listener, int error) override;
  // ServerCore
  void room_changed() noexcept override;
  void connection_closed(Connection& connection) noexcept override;
  // net::TurnEndTask: tells that the drain is over, outside of every connection's call.
  void on_turn_end() noexcept override;

  bool full() const noexcept { return connections_max > 0 && connections >= connections_max; }
  uint16_t number_of(const net::Listener& listener) const noexcept;
  void stop_listening() noexcept;
  void check_drained() noexcept;

  ResponseLines lines;
  std::vector<std::unique_ptr<net::Listener>> listeners;
  IntrusiveList<Connection> registry;
  std::function<void()> on_drained;
  log::RateLimit accept_log{1, 10'000};
  bool accepting = false;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Server>> Server::create(net::EventLoop& loop,
                                               const config::Settings& settings,
                                               config::AppKind kind, RequestHandler& handler,
                                               std::vector<UniqueFd> listeners) {
  auto impl = std::make_unique<Impl>(loop, handler);
  const Status applied = apply_settings(settings, kind, impl->lines, *impl);
  if (!applied) return applied.error();
  for (UniqueFd& socket : listeners) {
    impl->listeners.push_back(std::make_unique<net::Listener>(loop, std::move(socket), *impl));
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::~Server() { stop(); }

void Server::start() {
  impl_->accepting = true;
  for (auto& listener : impl_->listeners) listener->start();
}

void Server::drain(std::function<void()> on_drained) {
  impl_->on_drained = std::move(on_drained);
  if (!impl_->draining) {
    impl_->draining = true;
    impl_->stop_listening();
    for (Connection* connection = impl_->registry.first(); connection;
         connection = impl_->registry.next(*connection)) {
      connection->drain();
    }
  }
  impl_->check_drained();
}

void Server::stop() {
  impl_->draining = true;
  impl_->stop_listening();
  while (!impl_->registry.empty()) impl_->registry.front().close();
}

bool Server::draining() const noexcept { return impl_->draining; }
size_t Server::connections() const noexcept { return impl_->connections; }
size_t Server::requests_in_flight() const noexcept { return impl_->in_flight; }
uint64_t Server::requests_total() const noexcept { return impl_->requests_total; }
const ResponseShared& Server::response_shared() const noexcept { return impl_->response_shared; }
net::EventLoop& Server::loop() const noexcept { return impl_->loop; }

void Server::Impl::stop_listening() noexcept {
  accepting = false;
  listeners.clear();
}

uint16_t Server::Impl::number_of(const net::Listener& listener) const noexcept {
  const auto same = [&listener](const auto& one) { return one.get() == &listener; };
  return static_cast<uint16_t>(std::find_if(listeners.begin(), listeners.end(), same) -
                               listeners.begin());
}

void Server::Impl::on_accept(net::Listener& listener, UniqueFd socket,
                             const net::SocketAddress& peer) {
  if (full() && !idle.empty()) idle.front().close();
  Endpoints endpoints;
  endpoints.peer = peer;
  endpoints.local = listener.local_address();
  endpoints.listener = number_of(listener);
  if (endpoints.local.is_wildcard()) endpoints.local = net::SocketAddress::local_of(socket.get());
  auto* connection = new Connection(
      *this, net::make_socket_stream(loop, std::move(socket), use_sendfile), endpoints);
  registry.push_back(*connection);
  ++connections;
  connection->start();
  room_changed();
}

void Server::Impl::on_accept_paused(net::Listener&, int error) {
  unsigned suppressed = 0;
  if (!accept_log.allow(loop.now_ms(), &suppressed)) return;
  log::error(
      "Accepting is paused for {} ms: {}. {} connections are open: raise the limit of open files "
      "(ulimit -n), or lower --worker-connections",
      net::Listener::kPauseMs, strerror(error), connections);
}

// With as many connections as there may be, and none of them idle, new ones wait in the kernel's
// queue.
void Server::Impl::room_changed() noexcept {
  const bool room = !full() || !idle.empty();
  if (draining || room == accepting) return;
  accepting = room;
  for (auto& listener : listeners) room ? listener->start() : listener->stop();
}

void Server::Impl::connection_closed(Connection& connection) noexcept {
  static_cast<cppcorn::ListHook<>&>(connection).unlink();
  --connections;
  loop.delete_later(std::unique_ptr<net::Deferred>(&connection));
  room_changed();
  check_drained();
}

void Server::Impl::check_drained() noexcept {
  if (!on_drained || connections > 0) return;
  loop.at_turn_end(*this);
  loop.wake();
}

void Server::Impl::on_turn_end() noexcept {
  if (connections == 0 && on_drained) std::exchange(on_drained, nullptr)();
}

}  // namespace cppcorn::server
