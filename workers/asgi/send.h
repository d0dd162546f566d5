// send(): the messages of the app's response, turned into bytes on their way out. What an app sends
// in the wrong order, of the wrong type or with what HTTP forbids raises in the app, with a text
// that says what is wrong; nothing of such a message is sent.
#pragma once

#include "workers/asgi/cycle_object.h"

namespace cppcorn::asgi {

// Once, when the module is loaded; false with an exception pending.
bool prepare_send(python::GilHeld& gil);
// The OSError that send() raises when the client is gone (ASGI HTTP 2.4):
// cppcorn.ClientDisconnected.
PyObject* client_disconnected_type();

// The app calls send(message): an awaitable, or nullptr with an exception pending.
PyObject* send(python::GilHeld& gil, CycleObject& object, PyObject* message);
// For the awaitable that send() gave under back-pressure: None when the app may go on; empty
// without an exception when it has to wait on.
python::PyRef try_drain(python::GilHeld& gil, CycleObject& object);

}  // namespace cppcorn::asgi
