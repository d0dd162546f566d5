// Telling an app's failure from its noticing that the client is gone.
#pragma once

#include "workers/python/ref.h"

namespace cppcorn::asgi {

// True when the exception is the ClientDisconnected of send(), or was raised because of one
// (Starlette raises its own), or is a group of nothing but such.
bool is_client_gone(python::GilHeld& gil, PyObject* exception);

}  // namespace cppcorn::asgi
