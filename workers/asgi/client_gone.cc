#include "workers/asgi/client_gone.h"

#include "workers/asgi/send.h"

namespace cppcorn::asgi {

using python::GilHeld;
using python::PyRef;

namespace {

// How deep groups may nest and how long a chain of causes may be: an app can make rings of them.
constexpr int kDepthMax = 32;

bool is_gone(PyObject* exception, int depth);

bool group_is_gone(PyObject* group, int depth) {
  const PyRef members = PyRef::steal(PyObject_GetAttrString(group, "exceptions"));
  if (!members || !PyTuple_Check(members.get())) {
    PyErr_Clear();
    return false;
  }
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(members.get()); ++i) {
    if (!is_gone(PyTuple_GET_ITEM(members.get(), i), depth + 1)) return false;
  }
  return PyTuple_GET_SIZE(members.get()) > 0;
}

bool is_gone(PyObject* exception, int depth) {
  if (depth > kDepthMax) return false;
  if (PyErr_GivenExceptionMatches(exception, client_disconnected_type())) return true;
  if (PyErr_GivenExceptionMatches(exception, PyExc_BaseExceptionGroup) &&
      group_is_gone(exception, depth)) {
    return true;
  }
  const PyRef cause = PyRef::steal(PyException_GetCause(exception));
  if (cause && is_gone(cause.get(), depth + 1)) return true;
  const PyRef context = PyRef::steal(PyException_GetContext(exception));
  return context && is_gone(context.get(), depth + 1);
}

}  // namespace

bool is_client_gone(GilHeld&, PyObject* exception) { return is_gone(exception, 0); }

}  // namespace cppcorn::asgi
