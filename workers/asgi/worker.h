// AsgiWorker: an ASGI worker without its Python half (cppcorn/asgi.py): the server and the engine
// on the libuv loop of a driver. Made, used and closed on the loop's thread.
#pragma once

#include <memory>
#include <vector>

#include "src/base/unique_fd.h"
#include "src/config/settings.h"
#include "src/control/worker_control.h"
#include "src/server/server.h"
#include "workers/asgi/engine.h"
#include "workers/asgi/order_box.h"
#include "workers/asyncio/loop_driver.h"

namespace cppcorn::asgi {

class AsgiWorker {
 public:
  // The listeners are the sockets inherited from the master.
  AsgiWorker(std::shared_ptr<asyncio::LoopDriver> driver, config::Settings settings,
             std::vector<UniqueFd> listeners);
  // A worker that was not closed is leaked: without the loop's thread and the GIL nothing of it may
  // be touched.
  ~AsgiWorker();
  AsgiWorker(const AsgiWorker&) = delete;
  AsgiWorker& operator=(const AsgiWorker&) = delete;

  // Begins to accept, and answers with host. False with an exception pending.
  bool start(python::GilHeld& gil, Engine::Host host);
  // Stops accepting; on_drained is called from the loop once every connection is gone.
  void drain(python::GilHeld& gil, python::PyRef on_drained);
  // Passes the master's orders on to on_order(kind: str, timeout: float), which is called from the
  // loop; control outlives this worker.
  void follow(control::WorkerControl& control, python::PyRef on_order);
  // Closes every connection now; tasks learn of it by http.disconnect.
  void stop(python::GilHeld& gil);
  // Lets go of everything, Python included.
  void close(python::GilHeld& gil);

  Engine& engine() noexcept { return *engine_; }
  asyncio::LoopDriver& driver() noexcept { return *driver_; }
  const config::Settings& settings() const noexcept { return settings_; }
  size_t connections() const noexcept { return server_ ? server_->connections() : 0; }
  size_t requests_in_flight() const noexcept { return server_ ? server_->requests_in_flight() : 0; }

 private:
  std::shared_ptr<asyncio::LoopDriver> driver_;
  config::Settings settings_;
  std::vector<UniqueFd> listeners_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<server::Server> server_;
  std::shared_ptr<OrderBox> orders_;
};

}  // namespace cppcorn::asgi
