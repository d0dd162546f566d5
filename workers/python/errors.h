// Python exceptions, seen from C++: taken off the thread, kept as objects, written as text. One
// exception object is the whole thing (its traceback hangs on it), on every Python from 3.11 on.
#pragma once

#include <string>
#include <string_view>

#include "workers/python/ref.h"

namespace cppcorn::python {

// Takes the pending exception off this thread, normalised; empty when there is none.
PyRef take_exception(GilHeld&) noexcept;
// Makes it pending again.
void raise_again(GilHeld&, PyRef exception) noexcept;
// Raises an exception of a type with a text made ready (PyErr_SetString for string_view).
void raise(GilHeld&, PyObject* type, std::string_view text) noexcept;

// The traceback and the exception with all its causes, as `python` would print them, without the
// last line end. Never fails: what cannot be formatted is described.
std::string format_exception(GilHeld&, PyObject* exception);
// "ValueError: text".
std::string describe_exception(GilHeld&, PyObject* exception);
// Takes the pending exception and formats it.
std::string take_traceback(GilHeld&);

// Reports the pending exception to sys.unraisablehook, for places that can give it to nobody. where
// is a literal.
void write_unraisable(GilHeld&, const char* where) noexcept;

}  // namespace cppcorn::python
