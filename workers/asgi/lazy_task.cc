#include "workers/asgi/lazy_task.h"

#include "workers/python/errors.h"

namespace cppcorn::asgi {

using python::GilHeld;
using python::PyRef;

namespace {

// What an empty task needs to become one. Lives on the stack of run_first_step(): no task stays
// empty beyond it.
struct FirstStep {
  CycleObject& request;
  PyObject* loop;
  PyObject* context;
};

PyTypeObject* asyncio_task = nullptr;
PyTypeObject* lazy_type = nullptr;

// Behind asyncio's own fields, whose size only the type knows. Not null: the task is empty.
FirstStep*& first_step_of(PyObject* task) noexcept {
  return *reinterpret_cast<FirstStep**>(reinterpret_cast<char*>(task) + asyncio_task->tp_basicsize);
}

bool initialise(PyObject* task, const FirstStep& step) {
  const PyRef arguments = PyRef::steal(PyTuple_Pack(1, reinterpret_cast<PyObject*>(&step.request)));
  const PyRef keywords =
      PyRef::steal(Py_BuildValue("{s:O,s:O}", "loop", step.loop, "context", step.context));
  return arguments && keywords && asyncio_task->tp_init(task, arguments.get(), keywords.get()) == 0;
}

// Makes an empty task an ordinary one; true if it is one. False with an exception pending.
bool ensure_task(PyObject* task) {
  const FirstStep* step = std::exchange(first_step_of(task), nullptr);
  if (step == nullptr) return true;
  if (!initialise(task, *step)) return false;
  step->request.handover = CycleObject::Handover::kDue;
  return true;
}

PyObject* get_attribute(PyObject* task, PyObject* name) {
  return ensure_task(task) ? PyObject_GenericGetAttr(task, name) : nullptr;
}

int set_attribute(PyObject* task, PyObject* name, PyObject* value) {
  return ensure_task(task) ? PyObject_GenericSetAttr(task, name, value) : -1;
}

PyObject* represent(PyObject* task) {
  return ensure_task(task) ? asyncio_task->tp_repr(task) : nullptr;
}

PyObject* iterate(PyObject* task) {
  return ensure_task(task) ? asyncio_task->tp_iter(task) : nullptr;
}

PyObject* await(PyObject* task) {
  return ensure_task(task) ? asyncio_task->tp_as_async->am_await(task) : nullptr;
}

// Deallocation, traversal, weak references and the finalizer are asyncio.Task's own.
PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The task of a request: an asyncio.Task.")},
    {Py_tp_getattro, reinterpret_cast<void*>(get_attribute)},
    {Py_tp_setattro, reinterpret_cast<void*>(set_attribute)},
    {Py_tp_repr, reinterpret_cast<void*>(represent)},
    {Py_tp_iter, reinterpret_cast<void*>(iterate)},
    {Py_am_await, reinterpret_cast<void*>(await)},
    {0, nullptr},
};

bool prepare_type() {
  if (lazy_type != nullptr) return true;
  const PyRef module = PyRef::steal(PyImport_ImportModule("_asyncio"));
  PyRef base = PyRef::steal(module ? PyObject_GetAttrString(module.get(), "Task") : nullptr);
  if (!base) return false;
  asyncio_task = reinterpret_cast<PyTypeObject*>(base.get());
  const PyRef bases = PyRef::steal(PyTuple_Pack(1, base.get()));
  PyType_Spec spec = {"cppcorn._cppcorn.Task",
                      static_cast<int>(asyncio_task->tp_basicsize + sizeof(FirstStep*)), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};
  lazy_type = reinterpret_cast<PyTypeObject*>(bases ? PyType_FromSpecWithBases(&spec, bases.get())
                                                    : nullptr);
  static_cast<void>(base.release());  // for as long as the process, as the type itself
  return lazy_type != nullptr;
}

// The loop's current task, for a scope.
class Current {
 public:
  Current(GilHeld& gil, PyObject* enter, PyObject* leave, PyObject* loop, PyObject* task)
      : gil_(gil), leave_(leave), loop_(loop), task_(task), entered_(call(enter)) {}
  ~Current() {
    if (entered_ && !call(leave_)) python::write_unraisable(gil_, "cppcorn's first step of a task");
  }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;
  bool entered() const noexcept { return entered_; }

 private:
  bool call(PyObject* function) {
    PyObject* arguments[] = {nullptr, loop_, task_};
    return static_cast<bool>(PyRef::steal(
        PyObject_Vectorcall(function, arguments + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr)));
  }

  GilHeld& gil_;
  PyObject* leave_;
  PyObject* loop_;
  PyObject* task_;
  bool entered_;
};

// Steps the coroutine; what comes of it is left in the request for the task. kError: the coroutine
// was not entered, and an exception is pending.
PySendResult step_in_context(GilHeld& gil, CycleObject& request, PyObject* context) {
  if (PyContext_Enter(context) != 0) return PYGEN_ERROR;
  PyObject* result = nullptr;
  const PySendResult sent = step_request(gil, request, Py_None, &result);
  PyRef yielded = PyRef::steal(result);
  if (sent == PYGEN_ERROR) {
    request.handed = python::take_exception(gil);
  } else if (sent == PYGEN_NEXT) {
    request.handed = std::move(yielded);
  }
  if (PyContext_Exit(context) != 0) python::write_unraisable(gil, "cppcorn's context of a request");
  return sent == PYGEN_NEXT ? PYGEN_NEXT : PYGEN_RETURN;
}

}  // namespace

bool LazyTasks::prepare(GilHeld&) {
  if (!prepare_type()) return false;
  const PyRef module = PyRef::steal(PyImport_ImportModule("asyncio"));
  const PyRef task = PyRef::steal(module ? PyObject_GetAttrString(module.get(), "Task") : nullptr);
  if (!task) return false;
  if (task.get() != reinterpret_cast<PyObject*>(asyncio_task)) {
    PyErr_SetString(PyExc_RuntimeError, "lazy tasks need asyncio's own Task, in C");
    return false;
  }
  const PyRef tasks = PyRef::steal(PyImport_ImportModule("asyncio.tasks"));
  if (!tasks) return false;
  enter_task_ = PyRef::steal(PyObject_GetAttrString(tasks.get(), "_enter_task"));
  leave_task_ = PyRef::steal(PyObject_GetAttrString(tasks.get(), "_leave_task"));
  return enter_task_ && leave_task_;
}

bool LazyTasks::run_first_step(GilHeld& gil, CycleObject& request, PyObject* loop,
                               PyObject* context) {
  const PyRef alive = PyRef::borrow(reinterpret_cast<PyObject*>(&request));
  const PyRef task = PyRef::steal(lazy_type->tp_alloc(lazy_type, 0));
  if (!task) return false;
  FirstStep step{request, loop, context};
  first_step_of(task.get()) = &step;
  request.cycle->task = task;
  PySendResult sent = PYGEN_ERROR;
  {
    const Current current(gil, enter_task_.get(), leave_task_.get(), loop, task.get());
    if (current.entered()) {
      busy_ = true;
      sent = step_in_context(gil, request, context);
      busy_ = false;
    }
  }
  // Who kept the task of a request that has ended may still ask it for its result.
  const bool needed = sent == PYGEN_NEXT || (sent == PYGEN_RETURN && Py_REFCNT(task.get()) > 1);
  const bool whole = sent != PYGEN_ERROR && (!needed || ensure_task(task.get()));
  first_step_of(task.get()) = nullptr;
  if (request.handover == CycleObject::Handover::kNone) request.handed.reset();
  return whole;
}

}  // namespace cppcorn::asgi
