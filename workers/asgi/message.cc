#include "workers/asgi/message.h"

#include "workers/python/interned.h"

namespace cppcorn::asgi {

using python::GilHeld;
using python::Interned;
using python::interned;
using python::PyRef;

namespace {

struct KnownKind {
  PyObject* Interned::*type;
  MessageKind kind;
  const char* name;
};

// The commonest first.
constexpr KnownKind kKnownKinds[] = {
    {&Interned::http_response_body, MessageKind::kBody, "http.response.body"},
    {&Interned::http_response_start, MessageKind::kStart, "http.response.start"},
    {&Interned::http_response_trailers, MessageKind::kTrailers, "http.response.trailers"},
    {&Interned::http_response_early_hint, MessageKind::kEarlyHint, "http.response.early_hint"},
    {&Interned::http_response_pathsend, MessageKind::kPathSend, "http.response.pathsend"},
    {&Interned::http_response_zerocopysend, MessageKind::kZeroCopySend,
     "http.response.zerocopysend"},
};

const KnownKind* find_kind(PyObject* type) noexcept {
  // Literals of the app are interned like ours; what was put together at run time is compared by
  // its text.
  for (const KnownKind& known : kKnownKinds) {
    if (interned.*known.type == type) return &known;
  }
  for (const KnownKind& known : kKnownKinds) {
    if (PyUnicode_CompareWithASCIIString(type, known.name) == 0) return &known;
  }
  return nullptr;
}

}  // namespace

Message::Message(GilHeld&, PyObject* dict) : dict_(dict) {
  PyRef type = get(interned.type);
  if (!type) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "the message has no \"type\"");
    return;
  }
  if (!PyUnicode_Check(type.get())) {
    PyErr_Format(PyExc_TypeError, "the \"type\" of a message must be str, not %.100s",
                 Py_TYPE(type.get())->tp_name);
    return;
  }
  if (const KnownKind* known = find_kind(type.get())) {
    kind_ = known->kind;
    name_ = known->name;
  }
  type_ = std::move(type);
}

PyRef Message::get(PyObject* key) const {
  return PyRef::borrow(PyDict_GetItemWithError(dict_, key));
}

std::optional<bool> Message::flag(PyObject* key) const {
  const PyRef value = get(key);
  if (!value) return PyErr_Occurred() ? std::nullopt : std::optional(false);
  if (value.get() == Py_True) return true;
  if (value.get() == Py_False) return false;
  const int truth = PyObject_IsTrue(value.get());
  return truth < 0 ? std::nullopt : std::optional(truth == 1);
}

std::optional<uint64_t> Message::number(PyObject* key, bool* valid) const {
  *valid = true;
  const PyRef value = get(key);
  if (!value || value.get() == Py_None) {
    *valid = PyErr_Occurred() == nullptr;
    return std::nullopt;
  }
  const long long number = PyLong_Check(value.get()) ? PyLong_AsLongLong(value.get()) : -1;
  if (number >= 0) return static_cast<uint64_t>(number);
  PyErr_Clear();
  PyErr_Format(PyExc_ValueError, "%s: \"%U\" must be an int of at least 0, not %R", name_, key,
               value.get());
  *valid = false;
  return std::nullopt;
}

}  // namespace cppcorn::asgi
