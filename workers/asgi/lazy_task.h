// LazyTasks: runs the first step of a request's coroutine in an asyncio.Task that is allocated but
// not initialised. asyncio.Task.__init__ is the dearest step of a small request (about 0.8 µs of
// Python's 1.5), and most requests of such a kind never need it. So the first step runs with an
// empty Task as the loop's current one. The moment somebody looks at it (reads or sets an
// attribute, awaits it, prints it), or when the coroutine suspends, Task.__init__ runs on that very
// object, and from then on it is an ordinary task.
//
//   empty --looked at, or suspended--> made --first step over--> asyncio drives it
//     \--ended, and nobody kept it--> freed
//
// Task.__init__ asks the loop to call the new task's first step soon. That one call is caught, and
// made at once when our first step is over; it is handed what the coroutine yielded in ours
// (CycleObject::Handover), so asyncio takes over as if it had driven the coroutine from the start:
// futures, the order of wake-ups, cancellation and the outcome go the same ways. Of asyncio's
// private interface only _enter_task and _leave_task are used.
//
// What an application can tell: asyncio.all_tasks() does not list a task before it is made; its
// type is a subclass of asyncio.Task; functions of the class that are called past the object
// (asyncio.Task.get_name(task)) see an empty one; and threads other than the loop's cannot look at
// an empty one. So this is a choice of whoever knows the application (--asgi-lazy-tasks).
//
// One per engine, which owns it; only on the loop's thread.
#pragma once

#include "workers/asgi/cycle_object.h"
#include "workers/python/ref.h"

namespace cppcorn::asgi {

class LazyTasks {
 public:
  // False with an exception pending, also where asyncio.Task is not the C implementation, on which
  // this depends.
  bool prepare(python::GilHeld& gil);
  enum class Outcome : unsigned char {
    kDone,     // the request has ended, or asyncio drives it
    kFailed,   // an exception is pending: the coroutine cannot go on
    kRefused,  // nothing was run: another task runs (an application that runs the loop in a task)
  };
  // Runs the request's coroutine up to its first suspension or its end, in the context, and lets
  // the cycle know its task.
  Outcome run_first_step(python::GilHeld& gil, CycleObject& request, PyObject* loop,
                         PyObject* context);

 private:
  python::PyRef enter_task_;
  python::PyRef leave_task_;
};

}  // namespace cppcorn::asgi
