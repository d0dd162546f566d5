#include "workers/wsgi/start_response.h"

#include <structmember.h>

#include <cstddef>

#include "workers/python/convert.h"

namespace cppcorn::wsgi {

using python::GilHeld;
using python::PyRef;

namespace {

struct StartResponseObject {
  PyObject_HEAD vectorcallfunc vectorcall;
  Responder* responder;  // nullptr: the request is over
};

PyTypeObject* type_object = nullptr;

StartResponseObject* cast(PyObject* self) noexcept {
  return reinterpret_cast<StartResponseObject*>(self);
}

bool check_live(PyObject* self) {
  if (cast(self)->responder != nullptr) return true;
  PyErr_SetString(PyExc_RuntimeError, "the request that this belongs to is over");
  return false;
}

// write(bytes): PEP 3333's way for apps that cannot iterate. A body longer than announced is cut
// off, as when it is iterated; the thread that iterates reports it.
PyObject* write(PyObject* self, PyObject* bytes) {
  auto gil = GilHeld::by_interpreter();
  if (!check_live(self)) return nullptr;
  if (cast(self)->responder->block(gil, bytes, false) == Responder::Sent::kRaised) return nullptr;
  Py_RETURN_NONE;
}

PyMethodDef write_method = {"write", write, METH_O, nullptr};

struct Arguments {
  PyObject* status = nullptr;
  PyObject* headers = nullptr;
  PyObject* exc_info = nullptr;
};

// The names are those of PEP 3333; some apps pass exc_info by its name.
bool by_name(PyObject* name, PyObject* value, Arguments* arguments) {
  PyObject** place = nullptr;
  if (PyUnicode_CompareWithASCIIString(name, "status") == 0) place = &arguments->status;
  if (PyUnicode_CompareWithASCIIString(name, "headers") == 0) place = &arguments->headers;
  if (PyUnicode_CompareWithASCIIString(name, "response_headers") == 0) place = &arguments->headers;
  if (PyUnicode_CompareWithASCIIString(name, "exc_info") == 0) place = &arguments->exc_info;
  if (place == nullptr || *place != nullptr) {
    PyErr_Format(PyExc_TypeError, "start_response() got an unexpected argument %R", name);
    return false;
  }
  *place = value;
  return true;
}

bool parse(PyObject* const* args, size_t count, PyObject* names, Arguments* arguments) {
  if (count > 3) {
    PyErr_Format(PyExc_TypeError, "start_response() takes 2 or 3 arguments (%zu given)", count);
    return false;
  }
  if (count > 0) arguments->status = args[0];
  if (count > 1) arguments->headers = args[1];
  if (count > 2) arguments->exc_info = args[2];
  const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
  for (Py_ssize_t i = 0; i < named; ++i) {
    if (!by_name(PyTuple_GET_ITEM(names, i), args[count + static_cast<size_t>(i)], arguments)) {
      return false;
    }
  }
  if (arguments->status != nullptr && arguments->headers != nullptr) return true;
  PyErr_SetString(PyExc_TypeError, "start_response() takes a status and a list of headers");
  return false;
}

PyObject* call(PyObject* self, PyObject* const* args, size_t count_and_flag, PyObject* names) {
  auto gil = GilHeld::by_interpreter();
  Arguments arguments;
  const size_t count = static_cast<size_t>(PyVectorcall_NARGS(count_and_flag));
  if (!parse(args, count, names, &arguments)) return nullptr;
  // Headers that are no list are made by Python code, and the request may be over behind it.
  const PyRef headers = PyRef::steal(
      PySequence_Fast(arguments.headers, "the headers must be a list of tuples (name, value)"));
  if (!headers || !check_live(self)) return nullptr;
  Responder& responder = *cast(self)->responder;
  if (!responder.start(gil, arguments.status, headers.get(), arguments.exc_info)) return nullptr;
  return PyCFunction_New(&write_method, self);
}

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(StartResponseObject, vectorcall), READONLY,
     nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

}  // namespace

bool make_start_response_type(GilHeld&) noexcept {
  if (type_object != nullptr) return true;
  PyType_Slot slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
      {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
      {Py_tp_members, members},
      {0, nullptr},
  };
  PyType_Spec spec = {
      "cppcorn._cppcorn.StartResponse", sizeof(StartResponseObject), 0,
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  type_object = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return type_object != nullptr;
}

PyObject* StartResponse::attach(GilHeld&) noexcept {
  if (!callable_) {
    callable_ = PyRef::steal(type_object->tp_alloc(type_object, 0));
    if (!callable_) return nullptr;
    cast(callable_.get())->vectorcall = call;
  }
  cast(callable_.get())->responder = &responder_;
  return callable_.get();
}

void StartResponse::detach(GilHeld&) noexcept {
  if (!callable_) return;
  cast(callable_.get())->responder = nullptr;
  if (Py_REFCNT(callable_.get()) != 1) callable_.reset();
}

}  // namespace cppcorn::wsgi
