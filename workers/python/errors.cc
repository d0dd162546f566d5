#include "workers/python/errors.h"

#include "workers/python/convert.h"

namespace cppcorn::python {
namespace {

// traceback.FUNCTION(exception) joined, or an empty text with nothing pending.
std::string format_by(GilHeld& gil, const char* function, PyObject* exception) {
  const PyRef module = PyRef::steal(PyImport_ImportModule("traceback"));
  PyRef lines;
  if (module) lines = PyRef::steal(PyObject_CallMethod(module.get(), function, "O", exception));
  PyRef joined;
  if (lines) {
    const PyRef empty = PyRef::steal(PyUnicode_FromString(""));
    if (empty) joined = PyRef::steal(PyUnicode_Join(empty.get(), lines.get()));
  }
  if (!joined) {
    PyErr_Clear();
    return {};
  }
  std::string text = to_utf8(gil, joined.get());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

PyRef take_exception(GilHeld&) noexcept {
#if PY_VERSION_HEX >= 0x030C0000
  return PyRef::steal(PyErr_GetRaisedException());
#else
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  if (type == nullptr) return {};
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  Py_DECREF(type);
  Py_XDECREF(traceback);
  return PyRef::steal(value);
#endif
}

void raise_again(GilHeld&, PyRef exception) noexcept {
#if PY_VERSION_HEX >= 0x030C0000
  PyErr_SetRaisedException(exception.release());
#else
  PyObject* value = exception.release();
  if (value == nullptr) return;
  PyErr_Restore(Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(value))), value,
                PyException_GetTraceback(value));
#endif
}

void raise(GilHeld& gil, PyObject* type, std::string_view text) noexcept {
  const PyRef message = make_utf8(gil, text);
  if (message) PyErr_SetObject(type, message.get());
}

std::string format_exception(GilHeld& gil, PyObject* exception) {
  std::string text = format_by(gil, "format_exception", exception);
  if (!text.empty()) return text;
  return std::string(Py_TYPE(exception)->tp_name) + " (its traceback could not be formatted)";
}

std::string describe_exception(GilHeld& gil, PyObject* exception) {
  std::string text = format_by(gil, "format_exception_only", exception);
  return text.empty() ? std::string(Py_TYPE(exception)->tp_name) : text;
}

std::string take_traceback(GilHeld& gil) {
  const PyRef exception = take_exception(gil);
  return exception ? format_exception(gil, exception.get()) : std::string("no exception");
}

void write_unraisable(GilHeld& gil, const char* where) noexcept {
  PyRef exception = take_exception(gil);
  if (!exception) return;
  const PyRef place = make_utf8(gil, where);
  if (!place) PyErr_Clear();
  raise_again(gil, std::move(exception));
  PyErr_WriteUnraisable(place.get());
}

}  // namespace cppcorn::python
