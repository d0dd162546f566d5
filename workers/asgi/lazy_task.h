// LazyTasks: runs the first step of a request's coroutine in an asyncio.Task that is none yet.
// asyncio.Task.__init__ is the dearest step of a small request (about 0.8 µs of Python's 1.5), and
// most requests of such a kind never need it. So the first step runs with an allocated, empty Task
// as the loop's current one. The moment somebody looks at it (reads or sets an attribute, awaits
// it, prints it), or when the coroutine suspends, Task.__init__ runs on that very object, and from
// then on it is an ordinary task.
//
//   empty --looked at, or suspended--> a task, whose first step is due on the loop
//     \--ended, and nobody kept it--> freed
//
// That first step, which asyncio schedules for every new task, is handed what the coroutine yielded
// in ours (CycleObject::Handover), so asyncio takes over as if it had driven the coroutine from the
// start: futures, cancellation and the outcome go the same ways. Of asyncio's private interface
// only _enter_task and _leave_task are used. What differs: asyncio.all_tasks() does not list a
// request before its task is needed, as it lists no eager task that ends at once.
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
  // Whether a first step runs: an application that runs the loop inside of it (which asyncio
  // forbids, but some patch) gets ordinary tasks there.
  bool busy() const noexcept { return busy_; }
  // Runs the request's coroutine up to its first suspension or its end, in the context, and lets
  // the cycle know its task. False with an exception pending: the coroutine cannot go on.
  bool run_first_step(python::GilHeld& gil, CycleObject& request, PyObject* loop,
                      PyObject* context);

 private:
  python::PyRef enter_task_;
  python::PyRef leave_task_;
  bool busy_ = false;
};

}  // namespace cppcorn::asgi
