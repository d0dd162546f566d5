#include "workers/asgi/worker.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <string>

#include "workers/python/decref_queue.h"
#include "workers/python/errors.h"

namespace cppcorn::asgi {

using python::GilHeld;
using python::PyRef;

namespace {

// The path that a unix socket is bound to ("@..." for an abstract one), empty for others.
std::string unix_path_of(int fd) {
  sockaddr_un address{};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  if (address.sun_family != AF_UNIX || size <= offsetof(sockaddr_un, sun_path)) return {};
  const size_t bytes = size - offsetof(sockaddr_un, sun_path);
  if (address.sun_path[0] == '\0') return "@" + std::string(address.sun_path + 1, bytes - 1);
  return std::string(address.sun_path, strnlen(address.sun_path, bytes));
}

std::vector<std::string> unix_paths_of(const std::vector<UniqueFd>& listeners) {
  std::vector<std::string> paths;
  paths.reserve(listeners.size());
  for (const UniqueFd& listener : listeners) paths.push_back(unix_path_of(listener.get()));
  return paths;
}

}  // namespace

AsgiWorker::AsgiWorker(std::shared_ptr<asyncio::LoopDriver> driver, config::Settings settings,
                       std::vector<UniqueFd> listeners)
    : driver_(std::move(driver)),
      settings_(std::move(settings)),
      listeners_(std::move(listeners)),
      engine_(std::make_unique<Engine>(*driver_)) {}

AsgiWorker::~AsgiWorker() {
  static_cast<void>(engine_.release());
  static_cast<void>(server_.release());
  new std::shared_ptr<OrderBox>(std::move(orders_));
}

bool AsgiWorker::start(GilHeld& gil, Engine::Host host) {
  ScopeBuilder::Options options;
  options.root_path = settings_.root_path;
  options.root_path_in_target = settings_.root_path_in_target;
  options.unix_servers = unix_paths_of(listeners_);
  if (!engine_->prepare(gil, options)) return false;
  if (!engine_->set_host(gil, std::move(host))) return false;
  engine_->set_disconnect_grace(settings_.asgi_disconnect_grace_period_ms);
  driver_->set_dispatcher(engine_.get());
  auto server = server::Server::create(driver_->loop(), settings_, config::AppKind::kAsgi, *engine_,
                                       std::move(listeners_));
  if (!server) {
    python::raise(gil, PyExc_OSError, server.error().message);
    return false;
  }
  server_ = std::move(*server);
  server_->start();
  driver_->needs_turn(gil);
  return true;
}

void AsgiWorker::drain(GilHeld& gil, PyRef on_drained) {
  if (!server_) return;
  // The upcall comes from inside the loop, perhaps without the GIL: the reference waits in a box
  // that only the posted task opens.
  auto callback = std::make_shared<PyRef>(std::move(on_drained));
  server_->drain([this, callback] {
    driver_->post([callback](GilHeld& held) {
      const PyRef called = PyRef::steal(PyObject_CallNoArgs(callback->get()));
      if (!called) python::write_unraisable(held, "cppcorn's end of draining");
    });
  });
  driver_->needs_turn(gil);
}

void AsgiWorker::follow(control::WorkerControl& control, PyRef on_order) {
  orders_ = OrderBox::make(*driver_, control, std::move(on_order));
}

void AsgiWorker::stop(GilHeld& gil) {
  if (!server_) return;
  server_->stop();
  driver_->needs_turn(gil);
}

void AsgiWorker::close(GilHeld& gil) {
  if (!engine_) return;
  orders_.reset();
  driver_->set_dispatcher(nullptr);
  engine_->detach(gil);
  if (server_) server_->stop();
  server_.reset();
  engine_.reset();
  python::drop_queued(gil);
}

}  // namespace cppcorn::asgi
