#include "workers/asyncio/loop_driver.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "workers/python/decref_queue.h"
#include "workers/python/errors.h"

namespace cppcorn::asyncio {

using python::GilHeld;
using python::GilRelease;
using python::PyRef;

namespace {

constexpr int kNoTimeout = -2;
// asyncio sleeps at most a day at a time; a longer wish is cut and asked again.
constexpr double kTimeoutMaxMs = 24.0 * 3600 * 1000;
// After a foreign loop's turn libuv may have started handles that it has not given to the kernel;
// each more turn does that. The bound keeps a busy server from starving the foreign loop: what is
// left asks for another turn.
constexpr int kForeignTurnsMax = 4;

}  // namespace

LoopDriver::LoopDriver() : thread_(PyThread_get_thread_ident()) {}

LoopDriver::~LoopDriver() = default;

void LoopDriver::post(std::function<void(GilHeld&)> task) {
  posted_.push_back(std::move(task));
  loop_.wake();
}

bool LoopDriver::has_work() const noexcept {
  return !posted_.empty() || (dispatcher_ != nullptr && dispatcher_->has_work());
}

bool LoopDriver::dispatch(GilHeld& gil) {
  python::drop_queued(gil);
  if (!posted_.empty()) {
    std::vector<std::function<void(GilHeld&)>> tasks;
    tasks.swap(posted_);
    for (auto& task : tasks) {
      task(gil);
      if (PyErr_Occurred()) python::write_unraisable(gil, "cppcorn's event loop");
    }
  }
  if (dispatcher_ != nullptr) dispatcher_->dispatch(gil);
  return PyErr_Occurred() == nullptr;
}

// --- As a selector ---

int LoopDriver::wakeup_fd(GilHeld&) {
  if (wakeup_watcher_) return wakeup_write_.get();
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
  }
  wakeup_read_.reset(ends[0]);
  wakeup_write_.reset(ends[1]);
  wakeup_watcher_ = std::make_unique<net::FdWatcher>(loop_, ends[0], [this](int, int) {
    char numbers[64];
    while (read(wakeup_read_.get(), numbers, sizeof(numbers)) > 0) {
    }
  });
  wakeup_watcher_->start(net::FdWatcher::kReadable);
  return ends[1];
}

PyRef LoopDriver::make_select(GilHeld& gil, PyRef inner_select, int inner_fd) {
  forget_selector(gil);
  inner_watcher_ =
      std::make_unique<net::FdWatcher>(loop_, inner_fd, [this](int, int) { inner_ready_ = true; });
  const int error = inner_watcher_->start(net::FdWatcher::kReadable);
  if (error < 0) {
    inner_watcher_.reset();
    errno = -error;
    PyErr_SetFromErrno(PyExc_OSError);
    return {};
  }
  inner_select_ = std::move(inner_select);

  static PyMethodDef definition = {
      "select",
      [](PyObject* capsule, PyObject* timeout) -> PyObject* {
        GilHeld gil = GilHeld::by_interpreter();
        void* owner = PyCapsule_GetPointer(capsule, nullptr);
        if (owner == nullptr) return nullptr;
        return static_cast<std::shared_ptr<LoopDriver>*>(owner)->get()->select(gil, timeout);
      },
      METH_O,
      "select(timeout): one turn of the loop; the asyncio loop's own events that are ready."};
  // The function keeps the driver alive: an app may keep the function.
  auto owner = std::make_unique<std::shared_ptr<LoopDriver>>(shared_from_this());
  const PyRef capsule = PyRef::steal(PyCapsule_New(owner.get(), nullptr, [](PyObject* dying) {
    delete static_cast<std::shared_ptr<LoopDriver>*>(PyCapsule_GetPointer(dying, nullptr));
  }));
  if (!capsule) return {};
  static_cast<void>(owner.release());  // the capsule's now
  return PyRef::steal(PyCFunction_New(&definition, capsule.get()));
}

void LoopDriver::forget_selector(GilHeld&) noexcept {
  inner_watcher_.reset();
  inner_select_.reset();
  inner_ready_ = false;
}

int LoopDriver::poll_timeout_ms(PyObject* timeout) const {
  if (has_work()) return 0;
  if (timeout == Py_None) return net::EventLoop::kForever;
  const double seconds = PyFloat_AsDouble(timeout);
  if (seconds == -1.0 && PyErr_Occurred()) return kNoTimeout;
  if (!(seconds > 0)) return 0;
  return static_cast<int>(std::ceil(std::min(seconds * 1000, kTimeoutMaxMs)));
}

bool LoopDriver::poll(GilHeld& gil, int timeout_ms) {
  if (timeout_ms == 0) {
    loop_.run_once(0);
    return true;
  }
  // A signal from now on ends the sleep, by the wakeup descriptor; one that came before is handled
  // here.
  if (PyErr_CheckSignals() < 0) return false;
  const GilRelease release(gil);
  loop_.run_once(timeout_ms);
  return true;
}

PyObject* LoopDriver::select(GilHeld& gil, PyObject* timeout) {
  if (!inner_watcher_ || polling_ || !on_loop_thread()) {
    PyErr_SetString(PyExc_RuntimeError, "this selector is closed or in use by another thread");
    return nullptr;
  }
  const int timeout_ms = poll_timeout_ms(timeout);
  if (timeout_ms == kNoTimeout) return nullptr;
  polling_ = true;
  const bool polled = poll(gil, timeout_ms);
  polling_ = false;
  // A signal's handler may raise: what libuv noted then waits for the next call, as asyncio's own
  // ready list does.
  if (!polled || PyErr_CheckSignals() < 0 || !dispatch(gil)) return nullptr;
  if (!inner_ready_) return PyList_New(0);
  inner_ready_ = false;
  const PyRef zero = PyRef::steal(PyLong_FromLong(0));
  return PyObject_CallOneArg(inner_select_.get(), zero.get());
}

// --- Under a foreign loop ---

int LoopDriver::backend_timeout_ms() const noexcept {
  return has_work() ? 0 : loop_.backend_timeout_ms();
}

bool LoopDriver::turn(GilHeld& gil) {
  if (polling_ || !on_loop_thread()) return true;
  turn_requested_ = true;  // what is given to libuv while this runs is handled by it
  int turns = 0;
  do {
    polling_ = true;
    loop_.run_once(0);
    polling_ = false;
    if (!dispatch(gil)) break;
  } while (++turns < kForeignTurnsMax && !loop_.settled());
  turn_requested_ = false;
  if (PyErr_Occurred()) return false;
  if (!loop_.settled()) needs_turn(gil);
  return true;
}

void LoopDriver::request_turn(GilHeld& gil) {
  turn_requested_ = true;
  const PyRef done = PyRef::steal(PyObject_CallNoArgs(request_turn_.get()));
  if (done) return;
  // The foreign loop is closed: nothing will be sent any more.
  turn_requested_ = false;
  python::write_unraisable(gil, "cppcorn's turn under a foreign loop");
}

}  // namespace cppcorn::asyncio
