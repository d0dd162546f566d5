// LoopDriver: runs the worker's libuv loop under an asyncio loop, on the asyncio loop's thread.
// Either it is the asyncio loop's selector (`select`: a turn of libuv per call), or a foreign loop
// such as uvloop drives it (`turn` whenever backend_fd is readable or backend_timeout_ms has
// passed). What libuv's callbacks noted is dispatched after each turn, with the GIL, in one go: no
// callback of libuv ever runs Python.
//
// The asyncio loop's own descriptors stay in an epoll set of their own (that of
// selectors.DefaultSelector, so that every detail of registering, closing and reusing descriptors
// is the standard library's); libuv watches that set as one descriptor. A uv_poll handle for each
// would abort the process when an app closes a descriptor that it still watches.
//
// Owned by whoever runs the loop and by the `select` function; the loop's thread destroys it, after
// everything on its EventLoop.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "src/base/unique_fd.h"
#include "src/net/event_loop.h"
#include "src/net/fd_watcher.h"
#include "workers/python/ref.h"

namespace cppcorn::asyncio {

// Work that libuv's callbacks left behind.
class Dispatcher {
 public:
  // Runs all of it. An exception that is left pending leaves the asyncio loop.
  virtual void dispatch(python::GilHeld& gil) = 0;
  // Something waits: the loop must not sleep.
  virtual bool has_work() const noexcept = 0;

 protected:
  ~Dispatcher() = default;
};

class LoopDriver : public std::enable_shared_from_this<LoopDriver> {
 public:
  LoopDriver();
  ~LoopDriver();
  LoopDriver(const LoopDriver&) = delete;
  LoopDriver& operator=(const LoopDriver&) = delete;

  net::EventLoop& loop() noexcept { return loop_; }
  void set_dispatcher(Dispatcher* dispatcher) noexcept { dispatcher_ = dispatcher; }
  // Runs task at the next dispatch. Loop thread; from callbacks too.
  void post(std::function<void(python::GilHeld&)> task);
  // Whether the caller runs on the thread that the loop runs on.
  bool on_loop_thread() const noexcept { return thread_ == PyThread_get_thread_ident(); }

  // --- As a selector ---
  // inner_select(0) gives the ready list of the asyncio loop's own descriptors; inner_fd is
  // readable when it would not be empty. Returns the function that is the selector's `select`;
  // empty with an exception pending.
  python::PyRef make_select(python::GilHeld& gil, python::PyRef inner_select, int inner_fd);
  // timeout as of selectors.BaseSelector.select: None, or seconds; rounded up to whole ms.
  PyObject* select(python::GilHeld& gil, PyObject* timeout);
  // The inner descriptor is about to be closed.
  void forget_selector(python::GilHeld& gil) noexcept;

  // For signal.set_wakeup_fd(): a signal then ends the loop's sleep, so that its handler in Python
  // runs. libuv does not come back for a signal by itself. -1 with an exception pending.
  int wakeup_fd(python::GilHeld& gil);

  // --- Under a foreign loop ---
  // request_turn is called (once, until the turn) when something must be sent or was started
  // outside of a turn.
  void set_foreign(python::PyRef request_turn) noexcept { request_turn_ = std::move(request_turn); }
  // Handles what is ready without waiting, dispatches, and leaves nothing half-started. False:
  // exception pending.
  bool turn(python::GilHeld& gil);
  int backend_fd() const noexcept { return loop_.backend_fd(); }
  int backend_timeout_ms() const noexcept;

  // To be called after work was given to libuv from Python (bytes to send): under a foreign loop
  // asks for a turn.
  void needs_turn(python::GilHeld& gil) {
    if (request_turn_ && !turn_requested_) request_turn(gil);
  }

 private:
  int poll_timeout_ms(PyObject* timeout) const;  // -2 with an exception pending
  bool poll(python::GilHeld& gil, int timeout_ms);
  bool dispatch(python::GilHeld& gil);
  bool has_work() const noexcept;
  void request_turn(python::GilHeld& gil);

  net::EventLoop loop_;
  Dispatcher* dispatcher_ = nullptr;
  std::vector<std::function<void(python::GilHeld&)>> posted_;
  unsigned long thread_;

  python::PyRef inner_select_;
  std::unique_ptr<net::FdWatcher> inner_watcher_;
  bool inner_ready_ = false;

  UniqueFd wakeup_read_;
  UniqueFd wakeup_write_;
  std::unique_ptr<net::FdWatcher> wakeup_watcher_;

  python::PyRef request_turn_;
  bool turn_requested_ = false;
  bool polling_ = false;
};

}  // namespace cppcorn::asyncio
