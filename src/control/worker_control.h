// WorkerControl: the worker's end of the control channel: gets the start message, tells the master
// how things stand, and watches that the worker ends when it must. One a worker, made by the
// extension before there is a loop and kept until the process ends.
//
// A small native thread, which never takes the GIL and has all signals blocked, waits for orders.
// Whatever Python does meanwhile, the worker is gone a bounded time after an order to end or after
// its master's death: the thread itself leaves with _exit once the deadline has passed.
//
//   order   who gives it                              the thread leaves kDeadlineGraceMs after
//   kDrain  drain from the master                     its timeout
//           EOF: the master is gone, however          graceful_timeout
//           drain_self(): SIGTERM to the worker       graceful_timeout
//   kStop   stop from the master, after a kDrain too  kStopTimeoutMs
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "src/control/messages.h"

namespace cppcorn::control {

// The descriptor of the channel in a worker; the environment variable says it to `python -m
// cppcorn.worker`.
constexpr int kControlFd = 3;
constexpr const char* kControlFdVariable = "CPPCORN_CONTROL_FD";

// How long a worker may take to close everything and run the lifespan's shutdown after a stop.
constexpr uint64_t kStopTimeoutMs = 2000;
// The master kills a worker kKillGraceMs after its time is over (and says so in the log); the
// worker's own thread comes later, and only when there is no master to do it.
constexpr uint64_t kKillGraceMs = 1000;
constexpr uint64_t kDeadlineGraceMs = 2000;

class WorkerControl {
 public:
  // The exit code when the thread ended the worker because its deadline had passed.
  static constexpr int kExitDeadline = 1;
  // The master sends the start message right behind the spawn; this only guards against a hand-made
  // channel.
  static constexpr int kStartTimeoutMs = 30'000;

  enum class Order : uint8_t { kNone, kDrain, kStop };
  // Called on the control thread, without the GIL: at most once with kDrain, then at most once with
  // kStop. It must only pass the order on (net::Notifier) and not block.
  using OrderCallback = std::function<void(Order order, uint64_t timeout_ms)>;

  // Blocks until the start message is there; takes over the descriptor and those of the listeners
  // (all close-on-exec from now on), sends hello, begins the thread. An error, one line, was sent
  // to the master as well (stage "protocol" or "boot"): exit with kExitBoot.
  static Result<std::unique_ptr<WorkerControl>> connect(UniqueFd channel, std::string python,
                                                        std::string version);
  ~WorkerControl();  // ends the thread and closes the channel; no deadline holds any more
  WorkerControl(const WorkerControl&) = delete;
  WorkerControl& operator=(const WorkerControl&) = delete;

  const Start& start() const noexcept;
  // Once; in the order of start().listeners.
  std::vector<UniqueFd> take_listeners();

  // Says who carries orders out. Until then, while the application is imported, an order to end is
  // followed by the thread at once with _exit(0): nothing is being served. Null takes the callback
  // away again, after which no call of it is running (not to be called from inside it).
  void set_order_callback(OrderCallback callback);
  // The last order; any thread.
  Order order() const noexcept;
  // As if the master had said drain with the graceful timeout. Any thread, async-signal-safe.
  void drain_self() noexcept;

  // Messages up, from any thread. They never fail: when the master is gone there is nobody to tell.
  void send_ready(std::string kind, std::string reason, std::string app);
  void send_failed(Stage stage, std::string message, std::string traceback);
  void send_draining();
  void send_bye();

 private:
  struct Impl;
  explicit WorkerControl(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// To be called first in a worker, on its main thread: asks the kernel for a SIGTERM when the master
// dies. False when the master was gone before: leave at once.
bool bind_to_master(pid_t master_pid) noexcept;

// SIGTERM drains this worker (control must live until the process ends); what a terminal or a
// script sends to the whole process group (INT, QUIT, HUP, USR1, USR2, WINCH) is the master's
// business and does nothing here. They are handlers and not SIG_IGN, so that programs which the
// application starts get the default again. Python's own idea of SIGINT stays as it was: give it a
// handler in Python too when asyncio.Runner is used, which would install its own.
void install_worker_signal_handlers(WorkerControl& control) noexcept;

}  // namespace cppcorn::control
