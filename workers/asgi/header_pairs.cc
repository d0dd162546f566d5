#include "workers/asgi/header_pairs.h"

namespace cppcorn::asgi {

using python::GilHeld;
using python::PyRef;

namespace {

bool is_sequence(PyObject* object) noexcept {
  return PyTuple_CheckExact(object) || PyList_CheckExact(object);
}

bool is_plain_pair(PyObject* pair) noexcept {
  return is_sequence(pair) && PySequence_Fast_GET_SIZE(pair) == 2 &&
         PyBytes_Check(PySequence_Fast_GET_ITEM(pair, 0)) &&
         PyBytes_Check(PySequence_Fast_GET_ITEM(pair, 1));
}

bool is_plain(PyObject* headers) noexcept {
  if (!is_sequence(headers)) return false;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(headers);
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!is_plain_pair(PySequence_Fast_GET_ITEM(headers, i))) return false;
  }
  return true;
}

bool is_bytes(PyObject* object, const char* what, const char* message_type, Py_ssize_t index) {
  if (PyBytes_Check(object)) return true;
  PyErr_Format(PyExc_TypeError, "%s: the %s of header %zd must be bytes, not %.100s (%R)",
               message_type, what, index, Py_TYPE(object)->tp_name, object);
  return false;
}

PyRef plain_pair(PyObject* item, const char* message_type, Py_ssize_t index) {
  PyRef pair = PyRef::steal(PySequence_Tuple(item));
  if (!pair) {
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
      PyErr_Format(PyExc_TypeError, "%s: header %zd must be a pair (name, value), not %.100s",
                   message_type, index, Py_TYPE(item)->tp_name);
    }
    return {};
  }
  if (PyTuple_GET_SIZE(pair.get()) != 2) {
    PyErr_Format(PyExc_TypeError, "%s: header %zd must have two items, name and value, not %zd",
                 message_type, index, PyTuple_GET_SIZE(pair.get()));
    return {};
  }
  if (!is_bytes(PyTuple_GET_ITEM(pair.get(), 0), "name", message_type, index) ||
      !is_bytes(PyTuple_GET_ITEM(pair.get(), 1), "value", message_type, index)) {
    return {};
  }
  return pair;
}

}  // namespace

PyRef plain_headers(GilHeld&, PyObject* headers, const char* message_type) {
  if (headers == nullptr || headers == Py_None) return PyRef::steal(PyTuple_New(0));
  if (is_plain(headers)) return PyRef::borrow(headers);
  const PyRef items = PyRef::steal(PySequence_Tuple(headers));
  if (!items) {
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
      PyErr_Format(PyExc_TypeError, "%s: headers must be an iterable of pairs of bytes, not %.100s",
                   message_type, Py_TYPE(headers)->tp_name);
    }
    return {};
  }
  const Py_ssize_t count = PyTuple_GET_SIZE(items.get());
  PyRef plain = PyRef::steal(PyTuple_New(count));
  if (!plain) return {};
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyRef pair = plain_pair(PyTuple_GET_ITEM(items.get(), i), message_type, i);
    if (!pair) return {};
    PyTuple_SET_ITEM(plain.get(), i, pair.release());
  }
  return plain;
}

}  // namespace cppcorn::asgi
