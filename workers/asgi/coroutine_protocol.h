// The parts of Python's coroutine protocol (send, throw, close; PEP 492) that our two
// coroutine-like types share.
#pragma once

#include <vector>

#include "workers/python/ref.h"

namespace cppcorn::asgi {

// The outcome of a step as the methods `send` and `__next__` tell it: a value that was yielded, or
// nullptr with StopIteration (or the error) pending. Takes over *result, which is read
// after the step that makes the status, whatever order arguments are evaluated in.
PyObject* from_send_result(PySendResult status, PyObject** result);
// Makes pending what throw(exception) or throw(type, value, traceback) was called with.
void raise_thrown(PyObject* const* arguments, Py_ssize_t count);
// first followed by arguments, for a vectorcall.
std::vector<PyObject*> prepended(PyObject* first, PyObject* const* arguments, Py_ssize_t count);
// The iterator that `await object` would run; empty with TypeError pending when it is not
// awaitable. A coroutine is its own.
python::PyRef awaited(python::GilHeld& gil, python::PyRef object);

}  // namespace cppcorn::asgi
