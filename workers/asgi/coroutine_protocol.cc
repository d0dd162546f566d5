#include "workers/asgi/coroutine_protocol.h"

namespace cppcorn::asgi {

using python::GilHeld;
using python::PyRef;

PyObject* from_send_result(PySendResult status, PyObject** result) {
  if (status == PYGEN_NEXT) return *result;
  if (status == PYGEN_ERROR) return nullptr;
  const PyRef value = PyRef::steal(*result);
  if (value.get() == Py_None) {
    PyErr_SetNone(PyExc_StopIteration);
    return nullptr;
  }
  // Made by hand: PyErr_SetObject would take a tuple apart.
  const PyRef stop = PyRef::steal(PyObject_CallOneArg(PyExc_StopIteration, value.get()));
  if (stop) PyErr_SetObject(PyExc_StopIteration, stop.get());
  return nullptr;
}

void raise_thrown(PyObject* const* arguments, Py_ssize_t count) {
  if (count < 1 || count > 3) {
    PyErr_SetString(PyExc_TypeError, "throw() takes 1 to 3 arguments");
    return;
  }
  PyObject* type = arguments[0];
  if (PyExceptionInstance_Check(type)) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(type)), type);
    return;
  }
  if (!PyExceptionClass_Check(type)) {
    PyErr_SetString(PyExc_TypeError,
                    "exceptions must be classes or instances deriving from BaseException");
    return;
  }
  PyObject* value = count > 1 && arguments[1] != Py_None ? arguments[1] : nullptr;
  if (value == nullptr) {
    PyErr_SetNone(type);
  } else {
    PyErr_SetObject(type, value);
  }
}

std::vector<PyObject*> prepended(PyObject* first, PyObject* const* arguments, Py_ssize_t count) {
  std::vector<PyObject*> all{first};
  all.insert(all.end(), arguments, arguments + count);
  return all;
}

PyRef awaited(GilHeld&, PyRef object) {
  if (PyCoro_CheckExact(object.get())) return object;
  PyTypeObject* type = Py_TYPE(object.get());
  if (type->tp_as_async != nullptr && type->tp_as_async->am_await != nullptr) {
    PyRef iterator = PyRef::steal(type->tp_as_async->am_await(object.get()));
    if (iterator && !PyIter_Check(iterator.get()) && !PyCoro_CheckExact(iterator.get())) {
      PyErr_Format(PyExc_TypeError, "__await__() of %.100s returned no iterator", type->tp_name);
      return {};
    }
    return iterator;
  }
  // A function decorated with types.coroutine.
  if (PyGen_CheckExact(object.get())) return object;
  PyErr_Format(PyExc_TypeError,
               "the application returned %.100s, not an awaitable: is it an ASGI 3 application, "
               "async def app(scope, receive, send)?",
               type->tp_name);
  return {};
}

}  // namespace cppcorn::asgi
