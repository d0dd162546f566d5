#include "workers/asgi/awaitable.h"

#include <algorithm>
#include <new>

#include "workers/asgi/coroutine_protocol.h"
#include "workers/asgi/engine.h"
#include "workers/asgi/receive.h"
#include "workers/asgi/send.h"
#include "workers/python/errors.h"

namespace cppcorn::asgi {

using python::GilHeld;
using python::PyRef;

namespace {

PyTypeObject* awaitable_type = nullptr;
PyObject* shared_none = nullptr;
PyObject* text_throw = nullptr;
PyObject* text_close = nullptr;

struct Awaitable {
  PyObject_HEAD enum class Stage : unsigned char { kAlwaysNone, kWaiting, kOver } stage;
  WaitFor what;
  PyRef object;    // kWaiting: the CycleObject
  PyRef future;    // kWaiting, suspended: what wakes us
  PyRef iterator;  // of the future
};

Awaitable& self_of(PyObject* object) noexcept { return *reinterpret_cast<Awaitable*>(object); }
CycleObject& cycle_object(const Awaitable& self) noexcept {
  return *reinterpret_cast<CycleObject*>(self.object.get());
}

Awaitable* make(Awaitable::Stage stage) {
  auto* self = PyObject_GC_New(Awaitable, awaitable_type);
  if (self == nullptr) return nullptr;
  self->stage = stage;
  new (&self->object) PyRef();
  new (&self->future) PyRef();
  new (&self->iterator) PyRef();
  return self;
}

std::vector<PyRef>& waiters(const Awaitable& self) noexcept {
  CycleObject& object = cycle_object(self);
  return self.what == WaitFor::kMessage ? object.receivers : object.senders;
}

// Nobody will wait for our future any more.
void leave_queue(Awaitable& self) noexcept {
  self.iterator.reset();
  if (!self.future) return;
  std::vector<PyRef>& queue = waiters(self);
  const auto mine = std::find_if(queue.begin(), queue.end(), [&](const PyRef& waiter) {
    return waiter.get() == self.future.get();
  });
  PyRef removed;
  if (mine != queue.end()) {
    removed = std::move(*mine);
    queue.erase(mine);
  }
  self.future.reset();
}

// What is waited for, if it is there: nothing and no exception means that it isn't.
PyRef outcome(GilHeld& gil, const Awaitable& self) {
  const CycleObject& object = cycle_object(self);
  // It may have been handed to another loop: what it looks at is the loop's thread's, GIL or not.
  if (object.cycle != nullptr && !object.cycle->engine().driver().on_loop_thread()) {
    PyErr_SetString(PyExc_RuntimeError,
                    "receive() and send() can only be awaited on the thread of the event loop");
    return {};
  }
  return self.what == WaitFor::kMessage ? try_receive(gil, cycle_object(self))
                                        : try_drain(gil, cycle_object(self));
}

bool suspend(GilHeld& gil, Awaitable& self) {
  CycleObject& object = cycle_object(self);
  self.future = object.cycle->engine().make_future(gil);
  if (!self.future) return false;
  PyTypeObject* type = Py_TYPE(self.future.get());
  if (type->tp_as_async == nullptr || type->tp_as_async->am_await == nullptr) {
    PyErr_SetString(PyExc_TypeError, "the event loop's create_future() gave no awaitable");
    return false;
  }
  self.iterator = PyRef::steal(type->tp_as_async->am_await(self.future.get()));
  if (!self.iterator) return false;
  waiters(self).push_back(self.future);
  return true;
}

PySendResult over(Awaitable& self, PyObject* value, PyObject** result) {
  self.stage = Awaitable::Stage::kOver;
  leave_queue(self);
  self.object.reset();
  *result = value;
  return value == nullptr ? PYGEN_ERROR : PYGEN_RETURN;
}

PySendResult step_waiting(GilHeld& gil, PyObject* object, PyObject* sent, PyObject** result) {
  Awaitable& self = self_of(object);
  const PyRef alive = PyRef::borrow(object);
  for (;;) {
    if (self.iterator) {
      const PyRef iterator = self.iterator;
      const PySendResult step = PyIter_Send(iterator.get(), sent, result);
      if (step == PYGEN_NEXT) return PYGEN_NEXT;
      if (step == PYGEN_ERROR) return over(self, nullptr, result);
      Py_DECREF(*result);
      leave_queue(self);
    }
    PyRef value = outcome(gil, self);
    if (value) return over(self, value.release(), result);
    if (PyErr_Occurred() || !suspend(gil, self)) return over(self, nullptr, result);
    sent = Py_None;
  }
}

PySendResult step(PyObject* object, PyObject* sent, PyObject** result) {
  GilHeld gil = GilHeld::by_interpreter();
  Awaitable& self = self_of(object);
  switch (self.stage) {
    case Awaitable::Stage::kAlwaysNone: *result = Py_NewRef(Py_None); return PYGEN_RETURN;
    case Awaitable::Stage::kWaiting: return step_waiting(gil, object, sent, result);
    case Awaitable::Stage::kOver: break;
  }
  PyErr_SetString(PyExc_RuntimeError, "cannot reuse an already awaited receive() or send()");
  *result = nullptr;
  return PYGEN_ERROR;
}

PyObject* next(PyObject* object) {
  PyObject* result = nullptr;
  return from_send_result(step(object, Py_None, &result), &result);
}

PyObject* send_method(PyObject* object, PyObject* value) {
  PyObject* result = nullptr;
  return from_send_result(step(object, value, &result), &result);
}

PyObject* throw_method(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
  Awaitable& self = self_of(object);
  const PyRef alive = PyRef::borrow(object);
  if (self.iterator) {
    const PyRef iterator = self.iterator;
    const std::vector<PyObject*> call = prepended(iterator.get(), arguments, count);
    PyObject* yielded = PyObject_VectorcallMethod(text_throw, call.data(), call.size(), nullptr);
    if (yielded != nullptr) return yielded;
  } else {
    raise_thrown(arguments, count);
  }
  PyObject* ignored = nullptr;
  if (self.stage != Awaitable::Stage::kAlwaysNone) over(self, nullptr, &ignored);
  return nullptr;
}

PyObject* close_method(PyObject* object, PyObject*) {
  Awaitable& self = self_of(object);
  const PyRef alive = PyRef::borrow(object);
  PyObject* ignored = nullptr;
  if (self.stage != Awaitable::Stage::kAlwaysNone) over(self, nullptr, &ignored);
  Py_RETURN_NONE;
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  const Awaitable& self = self_of(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self.object.get());
  Py_VISIT(self.future.get());
  Py_VISIT(self.iterator.get());
  return 0;
}

int clear(PyObject* object) {
  Awaitable& self = self_of(object);
  if (self.object) leave_queue(self);
  self.future.reset();
  self.iterator.reset();
  self.object.reset();
  if (self.stage != Awaitable::Stage::kAlwaysNone) self.stage = Awaitable::Stage::kOver;
  return 0;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  clear(object);
  Awaitable& self = self_of(object);
  self.object.~PyRef();
  self.future.~PyRef();
  self.iterator.~PyRef();
  PyObject_GC_Del(object);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"send", send_method, METH_O, nullptr},
    {"throw", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(throw_method)),
     METH_FASTCALL, nullptr},
    {"close", close_method, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("What receive() and send() return: await it.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(next)},
    {Py_am_await, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_am_send, reinterpret_cast<void*>(step)},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {"cppcorn._cppcorn.Awaitable", sizeof(Awaitable), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
                        Py_TPFLAGS_DISALLOW_INSTANTIATION,
                    slots};

}  // namespace

bool prepare_awaitable_types(GilHeld&) {
  if (shared_none != nullptr) return true;
  text_throw = PyUnicode_InternFromString("throw");
  text_close = PyUnicode_InternFromString("close");
  awaitable_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (text_throw == nullptr || text_close == nullptr || awaitable_type == nullptr) return false;
  shared_none = reinterpret_cast<PyObject*>(make(Awaitable::Stage::kAlwaysNone));
  return shared_none != nullptr;
}

PyObject* ready_none(GilHeld&) { return Py_NewRef(shared_none); }

PyObject* make_wait(GilHeld&, CycleObject& object, WaitFor what) {
  Awaitable* self = make(Awaitable::Stage::kWaiting);
  if (self == nullptr) return nullptr;
  self->what = what;
  self->object = PyRef::borrow(reinterpret_cast<PyObject*>(&object));
  PyObject_GC_Track(self);
  return reinterpret_cast<PyObject*>(self);
}

}  // namespace cppcorn::asgi
