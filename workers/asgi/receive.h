// receive(): the messages http.request and http.disconnect, made from what a cycle has noted.
#pragma once

#include "workers/asgi/cycle_object.h"

namespace cppcorn::asgi {

// The next message if there is one now; empty without an exception when the app has to wait.
python::PyRef try_receive(python::GilHeld& gil, CycleObject& object);
// The app calls receive(): an awaitable, or nullptr with an exception pending.
PyObject* receive(python::GilHeld& gil, CycleObject& object);

}  // namespace cppcorn::asgi
