// WsgiServer: the WSGI worker as its Python half (cppcorn/wsgi.py) sees it: the engine, what the
// pool threads share, and the main thread's wait. Made on the main thread; never destroyed, as
// objects that the app keeps may point into it.
#pragma once

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "src/config/settings.h"
#include "src/control/worker_control.h"
#include "workers/python/ref.h"
#include "workers/wsgi/app_runner.h"
#include "workers/wsgi/engine.h"

namespace cppcorn::wsgi {

class WsgiServer {
 public:
  // What the Python half has to give.
  struct Parts {
    python::PyRef app;
    python::PyRef log;     // log(message, exception or None)
    python::PyRef errors;  // wsgi.errors
  };

  explicit WsgiServer(config::Settings settings);

  // Before anything else. False with an exception pending.
  bool set_up(python::GilHeld& gil, Parts parts);
  // Carries out the master's orders, which may come from here on. control lives until the process
  // ends.
  void follow(control::WorkerControl& control);
  // Begins to accept. The error says what could not be set up.
  Status start(python::GilHeld& gil, std::vector<UniqueFd> listeners);
  // A pool thread's whole life.
  void run_thread(python::GilHeld& gil);
  // The main thread's: waits until all is over, and runs the handlers of signals meanwhile. False
  // with an exception pending that a handler raised.
  bool wait(python::GilHeld& gil);

  Engine& engine() noexcept { return engine_; }

 private:
  bool make_wakeup_pipe();
  static int set_wakeup_fd(python::GilHeld& gil, int fd);
  void drain_wakeup_pipe() noexcept;

  const config::Settings settings_;
  Engine engine_;
  AppContext context_;
  control::WorkerControl* control_ = nullptr;
  UniqueFd wakeup_read_;
  UniqueFd wakeup_write_;
  std::atomic<bool> ended_{false};
};

// The function that is wsgi.early_hints: for the request that the calling thread is at.
PyObject* early_hints_function(python::GilHeld& gil) noexcept;

}  // namespace cppcorn::wsgi
