// CycleObject: the Python side of a request: the coroutine that an asyncio task runs, around the
// app's own, and the `self` of receive() and send(). Owned by its task; apps may hold receive and
// send for ever, so it outlives its HttpCycle and then says that the request is over.
#pragma once

#include <vector>

#include "workers/asgi/http_cycle.h"
#include "workers/python/ref.h"

namespace cppcorn::asgi {

struct CycleObject {
  PyObject_HEAD HttpCycle*
      cycle;                // nullptr once the app's coroutine has ended or the engine is gone
  python::PyRef coroutine;  // the app's, once called and until it ends
  // Futures of tasks that wait in receive() and in send(): mostly none, sometimes one; several
  // tasks of one request may wait at once (Starlette's listen_for_disconnect beside the endpoint).
  std::vector<python::PyRef> receivers;
  std::vector<python::PyRef> senders;
  enum class Stage : unsigned char { kNew, kRunning, kEnded } stage;
  // kDue: LazyTasks drove the first step, and asyncio's task takes over now: its own first step
  // gets `handed`, what ours yielded or the exception that it ended with.
  enum class Handover : unsigned char { kNone, kDue } handover;
  python::PyRef handed;
};

// Makes the types. Once, when the module is loaded; false with an exception pending.
bool prepare_cycle_type(python::GilHeld& gil);
// A coroutine that will call the app; the cycle knows it from now on. Empty with an exception
// pending.
python::PyRef make_cycle_object(python::GilHeld& gil, HttpCycle& cycle);

// The coroutine's `send`, as of am_send.
PySendResult step_request(python::GilHeld& gil, CycleObject& object, PyObject* value,
                          PyObject** result);

// Lets those that wait look again.
void wake_receivers(python::GilHeld& gil, CycleObject& object);
void wake_senders(python::GilHeld& gil, CycleObject& object);
// The cycle is over: from now on receive() says so.
void part_from_cycle(python::GilHeld& gil, CycleObject& object);

}  // namespace cppcorn::asgi
