#include "workers/asgi/cycle_object.h"

#include <new>

#include "workers/asgi/coroutine_protocol.h"
#include "workers/asgi/engine.h"
#include "workers/asgi/receive.h"
#include "workers/asgi/send.h"
#include "workers/python/errors.h"

namespace cppcorn::asgi {

using python::GilHeld;
using python::PyRef;
using Handover = CycleObject::Handover;
using Stage = CycleObject::Stage;

namespace {

PyTypeObject* cycle_type = nullptr;
PyObject* text_throw = nullptr;
PyObject* text_close = nullptr;
PyObject* text_done = nullptr;
PyObject* text_set_result = nullptr;
PyObject* text_cancel = nullptr;
PyObject* text_message = nullptr;  // ("msg",)
PyObject* text_future_blocking = nullptr;

CycleObject& self_of(PyObject* object) noexcept { return *reinterpret_cast<CycleObject*>(object); }
PyObject* as_object(CycleObject& self) noexcept { return reinterpret_cast<PyObject*>(&self); }

// --- What the app gets ---

PyObject* receive_function(PyObject* self, PyObject*) {
  GilHeld gil = GilHeld::by_interpreter();
  return receive(gil, self_of(self));
}

PyObject* send_function(PyObject* self, PyObject* message) {
  GilHeld gil = GilHeld::by_interpreter();
  return send(gil, self_of(self), message);
}

PyMethodDef receive_definition = {"receive", receive_function, METH_NOARGS,
                                  "receive() -> the next message from the client"};
PyMethodDef send_definition = {"send", send_function, METH_O,
                               "send(message): a part of the response, on its way to the client"};

// Calls app(scope, receive, send) and gives what `await` would iterate over. Runs inside the task,
// so that an app that is no coroutine function sees its task and context too.
PyRef call_app(GilHeld& gil, CycleObject& self) {
  Engine& engine = self.cycle->engine();
  const PyRef app = PyRef::borrow(engine.app());
  const PyRef scope = engine.scopes().build(gil, self.cycle->exchange());
  const PyRef receive = PyRef::steal(PyCFunction_New(&receive_definition, as_object(self)));
  const PyRef send = PyRef::steal(PyCFunction_New(&send_definition, as_object(self)));
  if (!scope || !receive || !send) return {};
  PyObject* arguments[] = {nullptr, scope.get(), receive.get(), send.get()};
  PyRef returned = PyRef::steal(
      PyObject_Vectorcall(app.get(), arguments + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
  return returned ? awaited(gil, std::move(returned)) : PyRef();
}

// --- The coroutine ---

// The app's coroutine has ended, with the pending exception or without. What is left pending is the
// outcome of ours: cancellation, and what only asyncio can report because the engine is gone.
PySendResult ended(GilHeld& gil, CycleObject& self, PyObject** result) {
  *result = nullptr;
  self.stage = Stage::kEnded;
  PyRef exception = python::take_exception(gil);
  self.coroutine.reset();
  bool goes_on = static_cast<bool>(exception);
  if (self.cycle != nullptr) {
    goes_on = self.cycle->engine().app_ended(gil, *self.cycle, exception.get());
  }
  if (goes_on) {
    python::raise_again(gil, std::move(exception));
    return PYGEN_ERROR;
  }
  *result = Py_NewRef(Py_None);
  return PYGEN_RETURN;
}

// --- The handover from LazyTasks to a task ---

// What the task's first step is told: what ours yielded, or how it ended.
PySendResult take_over(GilHeld& gil, CycleObject& self, PyObject** result) {
  self.handover = Handover::kNone;
  PyRef handed = std::move(self.handed);
  *result = nullptr;
  if (self.stage != Stage::kEnded) {
    *result = handed ? handed.release() : Py_NewRef(Py_None);
    return PYGEN_NEXT;
  }
  if (handed) {
    python::raise_again(gil, std::move(handed));
    return PYGEN_ERROR;
  }
  *result = Py_NewRef(Py_None);
  return PYGEN_RETURN;
}

// future.cancel(msg=the message of a CancelledError).
PyObject* cancel_with_message(PyObject* future, PyObject* exception) {
  PyObject* message = Py_None;
  if (PyExceptionInstance_Check(exception)) {
    PyObject* args = reinterpret_cast<PyBaseExceptionObject*>(exception)->args;
    if (args != nullptr && PyTuple_GET_SIZE(args) > 0) message = PyTuple_GET_ITEM(args, 0);
  }
  PyObject* arguments[] = {future, message};
  return PyObject_VectorcallMethod(text_cancel, arguments, 1, text_message);
}

// A task that waits is cancelled by way of the future that it waits for; ours does not know that
// future yet. True: the future was cancelled, and is what the task has to wait for.
bool cancel_handed(GilHeld& gil, PyObject* handed, PyObject* exception) {
  const PyRef blocking = PyRef::steal(PyObject_GetAttr(handed, text_future_blocking));
  if (blocking.get() != Py_True) {
    PyErr_Clear();
    return false;
  }
  const PyRef cancelled = PyRef::steal(cancel_with_message(handed, exception));
  if (!cancelled) python::write_unraisable(gil, "cppcorn's cancellation of a request");
  if (cancelled.get() == Py_True) return true;
  if (PyObject_SetAttr(handed, text_future_blocking, Py_False) != 0) PyErr_Clear();
  return false;
}

// throw() in place of the task's first step: it was cancelled before that. Gives the future that
// the task has to wait for; empty: the exception goes to the coroutine.
PyRef take_over_thrown(GilHeld& gil, CycleObject& self, PyObject* exception) {
  self.handover = Handover::kNone;
  PyRef handed = std::move(self.handed);
  if (self.stage == Stage::kEnded || !handed || handed.get() == Py_None) return {};
  return cancel_handed(gil, handed.get(), exception) ? handed : PyRef();
}

PySendResult step(PyObject* object, PyObject* value, PyObject** result) {
  GilHeld gil = GilHeld::by_interpreter();
  return step_request(gil, self_of(object), value, result);
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
  GilHeld gil = GilHeld::by_interpreter();
  CycleObject& self = self_of(object);
  const PyRef alive = PyRef::borrow(object);
  PyObject* result = nullptr;
  if (self.handover == Handover::kDue) {
    PyObject* exception = count == 1 ? arguments[0] : Py_None;
    PyRef waited_for = take_over_thrown(gil, self, exception);
    if (waited_for) return waited_for.release();
  }
  if (!self.coroutine) {
    const bool fresh = self.stage == Stage::kNew;
    raise_thrown(arguments, count);
    return fresh ? from_send_result(ended(gil, self, &result), &result) : nullptr;
  }
  const PyRef coroutine = self.coroutine;
  const std::vector<PyObject*> call = prepended(coroutine.get(), arguments, count);
  PyObject* yielded = PyObject_VectorcallMethod(text_throw, call.data(), call.size(), nullptr);
  if (yielded != nullptr) return yielded;
  if (PyErr_ExceptionMatches(PyExc_StopIteration)) PyErr_Clear();
  return from_send_result(ended(gil, self, &result), &result);
}

PyObject* close_method(PyObject* object, PyObject*) {
  GilHeld gil = GilHeld::by_interpreter();
  CycleObject& self = self_of(object);
  const PyRef alive = PyRef::borrow(object);
  self.handover = Handover::kNone;
  self.handed.reset();
  if (self.stage == Stage::kEnded) Py_RETURN_NONE;
  PyObject* result = nullptr;
  if (self.coroutine) {
    const PyRef coroutine = self.coroutine;
    const PyRef closed = PyRef::steal(PyObject_CallMethodNoArgs(coroutine.get(), text_close));
    if (!closed) return from_send_result(ended(gil, self, &result), &result);
  }
  PyErr_SetNone(PyExc_GeneratorExit);
  if (ended(gil, self, &result) != PYGEN_ERROR) return result;
  if (!PyErr_ExceptionMatches(PyExc_GeneratorExit)) return nullptr;
  PyErr_Clear();
  Py_RETURN_NONE;
}

// The attributes by which tools look into a coroutine (asyncio's repr and stacks, debuggers) are
// those of the app's.
PyObject* get_attribute(PyObject* object, void* name) {
  const PyRef coroutine = self_of(object).coroutine;
  if (!coroutine) Py_RETURN_NONE;
  PyObject* value = PyObject_GetAttrString(coroutine.get(), static_cast<const char*>(name));
  if (value != nullptr || !PyErr_ExceptionMatches(PyExc_AttributeError)) return value;
  PyErr_Clear();
  Py_RETURN_NONE;
}

PyObject* get_name(PyObject* object, void* name) {
  const PyRef coroutine = self_of(object).coroutine;
  if (coroutine) {
    PyObject* value = PyObject_GetAttrString(coroutine.get(), static_cast<const char*>(name));
    if (value != nullptr) return value;
    PyErr_Clear();
  }
  return PyUnicode_FromString("http_request");
}

PyObject* get_running(PyObject* object, void*) {
  const PyRef coroutine = self_of(object).coroutine;
  if (!coroutine || !PyCoro_CheckExact(coroutine.get())) Py_RETURN_FALSE;
  return PyObject_GetAttrString(coroutine.get(), "cr_running");
}

PyObject* get_suspended(PyObject* object, void*) {
  const PyRef coroutine = self_of(object).coroutine;
  if (!coroutine || !PyCoro_CheckExact(coroutine.get())) Py_RETURN_FALSE;
  return PyObject_GetAttrString(coroutine.get(), "cr_suspended");
}

void* attribute(const char* name) noexcept { return const_cast<char*>(name); }

int traverse(PyObject* object, visitproc visit, void* arg) {
  const CycleObject& self = self_of(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self.coroutine.get());
  Py_VISIT(self.handed.get());
  for (const PyRef& waiter : self.receivers) Py_VISIT(waiter.get());
  for (const PyRef& waiter : self.senders) Py_VISIT(waiter.get());
  return 0;
}

int clear(PyObject* object) {
  CycleObject& self = self_of(object);
  self.coroutine.reset();
  self.handed.reset();
  std::vector<PyRef> waiters;
  waiters.swap(self.receivers);
  waiters.clear();
  waiters.swap(self.senders);
  waiters.clear();
  return 0;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  CycleObject& self = self_of(object);
  if (self.cycle != nullptr) self.cycle->engine().orphaned(*self.cycle);
  clear(object);
  self.coroutine.~PyRef();
  self.handed.~PyRef();
  self.receivers.~vector();
  self.senders.~vector();
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

PyGetSetDef attributes[] = {
    {"__name__", get_name, nullptr, nullptr, attribute("__name__")},
    {"__qualname__", get_name, nullptr, nullptr, attribute("__qualname__")},
    {"cr_await", get_attribute, nullptr, nullptr, attribute("cr_await")},
    {"cr_code", get_attribute, nullptr, nullptr, attribute("cr_code")},
    {"cr_frame", get_attribute, nullptr, nullptr, attribute("cr_frame")},
    {"cr_origin", get_attribute, nullptr, nullptr, attribute("cr_origin")},
    {"cr_suspended", get_suspended, nullptr, nullptr, nullptr},
    {"cr_running", get_running, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>("The coroutine of one HTTP request, around that of the application.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(next)},
    {Py_am_await, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_am_send, reinterpret_cast<void*>(step)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {0, nullptr},
};

PyType_Spec spec = {"cppcorn._cppcorn.HttpRequest", sizeof(CycleObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
                        Py_TPFLAGS_DISALLOW_INSTANTIATION,
                    slots};

// Ends the wait of each future in the queue; what they waited for is looked at by whoever wakes up.
void wake(GilHeld& gil, std::vector<PyRef>& queue) {
  if (queue.empty()) return;
  std::vector<PyRef> futures;
  futures.swap(queue);
  for (const PyRef& future : futures) {
    const PyRef done = PyRef::steal(PyObject_CallMethodNoArgs(future.get(), text_done));
    if (done.get() == Py_True) continue;  // cancelled in the meantime
    PyRef set;
    if (done) set = PyRef::steal(PyObject_CallMethodOneArg(future.get(), text_set_result, Py_None));
    if (!set) python::write_unraisable(gil, "cppcorn's receive() or send()");
  }
}

}  // namespace

PySendResult step_request(GilHeld& gil, CycleObject& self, PyObject* value, PyObject** result) {
  const PyRef alive = PyRef::borrow(as_object(self));
  if (self.handover == Handover::kDue) return take_over(gil, self, result);
  if (self.stage == Stage::kNew) {
    if (self.cycle == nullptr)
      return ended(gil, self, result);  // the engine is gone: nobody to answer
    self.stage = Stage::kRunning;
    self.coroutine = call_app(gil, self);
    if (!self.coroutine) return ended(gil, self, result);
  } else if (!self.coroutine) {
    PyErr_SetString(PyExc_RuntimeError, "cannot reuse an already awaited coroutine");
    *result = nullptr;
    return PYGEN_ERROR;
  }
  const PyRef coroutine = self.coroutine;
  const PySendResult sent = PyIter_Send(coroutine.get(), value, result);
  if (sent == PYGEN_NEXT) return PYGEN_NEXT;
  if (sent == PYGEN_RETURN) Py_CLEAR(*result);
  return ended(gil, self, result);
}

bool prepare_cycle_type(GilHeld&) {
  if (cycle_type != nullptr) return true;
  text_throw = PyUnicode_InternFromString("throw");
  text_close = PyUnicode_InternFromString("close");
  text_done = PyUnicode_InternFromString("done");
  text_set_result = PyUnicode_InternFromString("set_result");
  text_cancel = PyUnicode_InternFromString("cancel");
  text_message = Py_BuildValue("(s)", "msg");
  text_future_blocking = PyUnicode_InternFromString("_asyncio_future_blocking");
  if (!text_throw || !text_close || !text_done || !text_set_result || !text_cancel ||
      !text_message || !text_future_blocking) {
    return false;
  }
  cycle_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return cycle_type != nullptr;
}

PyRef make_cycle_object(GilHeld&, HttpCycle& cycle) {
  auto* self = PyObject_GC_New(CycleObject, cycle_type);
  if (self == nullptr) return {};
  self->cycle = &cycle;
  self->stage = Stage::kNew;
  self->handover = Handover::kNone;
  new (&self->coroutine) PyRef();
  new (&self->handed) PyRef();
  new (&self->receivers) std::vector<PyRef>();
  new (&self->senders) std::vector<PyRef>();
  cycle.object = self;
  PyObject_GC_Track(self);
  return PyRef::steal(reinterpret_cast<PyObject*>(self));
}

void wake_receivers(GilHeld& gil, CycleObject& object) { wake(gil, object.receivers); }
void wake_senders(GilHeld& gil, CycleObject& object) { wake(gil, object.senders); }

void part_from_cycle(GilHeld& gil, CycleObject& object) {
  object.cycle = nullptr;
  const PyRef alive = PyRef::borrow(as_object(object));
  wake_receivers(gil, object);
  wake_senders(gil, object);
}

}  // namespace cppcorn::asgi
