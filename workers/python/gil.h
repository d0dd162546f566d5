// The GIL as types. A function that may run Python takes GilHeld& as its first argument: whoever
// has one holds the GIL, so that a call from a thread or a libuv callback without it does not
// compile. Tokens live on the stack.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace cppcorn::python {

// Proof that this thread holds the GIL. Never stored, never handed to another thread.
class GilHeld {
 public:
  GilHeld(const GilHeld&) = delete;
  GilHeld& operator=(const GilHeld&) = delete;
  // For functions that the interpreter calls (slots, methods, module initialisation): there the GIL
  // is held by contract.
  static GilHeld by_interpreter() noexcept { return GilHeld(); }

 protected:
  GilHeld() noexcept = default;
};

// Takes the GIL for a scope, from a thread of our own or from anywhere where it may be held
// already.
class GilAcquire : public GilHeld {
 public:
  GilAcquire() noexcept : state_(PyGILState_Ensure()) {}
  ~GilAcquire() { PyGILState_Release(state_); }

 private:
  PyGILState_STATE state_;
};

// Lets go of the GIL for a scope. No PyObject may be touched, nor a reference dropped, until it
// ends.
class GilRelease {
 public:
  explicit GilRelease(GilHeld&) noexcept : thread_(PyEval_SaveThread()) {}
  ~GilRelease() { PyEval_RestoreThread(thread_); }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* thread_;
};

}  // namespace cppcorn::python
