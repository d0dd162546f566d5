// What receive() and send() return: awaitables that finish at once when there is nothing to wait
// for, so that the app goes on without a Future or a turn of the loop. They are coroutine-like
// (send, throw, close), because apps hand them to asyncio.create_task() and wait_for() as they can
// with servers whose receive is an `async def`.
#pragma once

#include "workers/asgi/cycle_object.h"

namespace cppcorn::asgi {

enum class WaitFor : unsigned char { kMessage, kDrain };

// Once, when the module is loaded; false with an exception pending.
bool prepare_awaitable_types(python::GilHeld& gil);
// Finishes at once with None: one shared object, as often as it is awaited.
PyObject* ready_none(python::GilHeld& gil);
// Waits for a message (and finishes with it) or until the output has drained (and finishes with
// None).
PyObject* make_wait(python::GilHeld& gil, CycleObject& object, WaitFor what);

}  // namespace cppcorn::asgi
