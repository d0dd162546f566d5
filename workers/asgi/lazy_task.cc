#include "workers/asgi/lazy_task.h"

#include "workers/python/errors.h"

namespace cppcorn::asgi {

using python::GilHeld;
using python::PyRef;

namespace {

// What an empty task needs to become one, and how far that is. Lives on the stack of
// run_first_step(): no task stays empty beyond it.
struct FirstStep {
  CycleObject& request;
  PyObject* loop;
  PyObject* context;
  unsigned long thread = PyThread_get_thread_ident();
  enum class State : unsigned char { kEmpty, kMaking, kMade, kFailed } state = State::kEmpty;
  PyRef call_soon;  // the loop's own, while another stands in for it
  PyRef task_step;  // what Task.__init__ wanted to be called soon
};
using State = FirstStep::State;

PyTypeObject* asyncio_task = nullptr;
PyTypeObject* lazy_type = nullptr;
PyObject* text_call_soon = nullptr;
PyObject* text_dict = nullptr;
PyObject* text_self = nullptr;

// Behind asyncio's own fields, whose size only the type knows. Null: an ordinary task.
FirstStep*& first_step_of(PyObject* task) noexcept {
  return *reinterpret_cast<FirstStep**>(reinterpret_cast<char*>(task) + asyncio_task->tp_basicsize);
}

// loop.call_soon while a task is made: keeps the task's own step, and lets others pass (a finalizer
// may run in between).
PyObject* catch_step(PyObject* task, PyObject* const* arguments, Py_ssize_t count,
                     PyObject* keywords) {
  FirstStep* step = first_step_of(task);
  if (step == nullptr || !step->call_soon) {
    PyErr_SetString(PyExc_RuntimeError, "call_soon of a moment that has passed");
    return nullptr;
  }
  const PyRef owner =
      PyRef::steal(count > 0 ? PyObject_GetAttr(arguments[0], text_self) : Py_NewRef(Py_None));
  if (!owner) PyErr_Clear();
  if (owner.get() == task) {
    step->task_step = PyRef::borrow(arguments[0]);
    Py_RETURN_NONE;
  }
  const PyRef call_soon = step->call_soon;
  return PyObject_Vectorcall(call_soon.get(), arguments, static_cast<size_t>(count), keywords);
}

PyMethodDef catch_definition = {
    "call_soon", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(catch_step)),
    METH_FASTCALL | METH_KEYWORDS, nullptr};

// Puts catch_step() in the place of loop.call_soon, for a scope.
class CaughtCalls {
 public:
  CaughtCalls(GilHeld& gil, PyObject* task, FirstStep& step) : gil_(gil), step_(step) {
    const PyRef attributes = PyRef::steal(PyObject_GetAttr(step.loop, text_dict));
    const PyRef function = PyRef::steal(PyCFunction_New(&catch_definition, task));
    if (!attributes || !function) return;
    own_ = PyRef::borrow(PyDict_GetItemWithError(attributes.get(), text_call_soon));
    if (!own_ && PyErr_Occurred()) return;
    step.call_soon = PyRef::steal(PyObject_GetAttr(step.loop, text_call_soon));
    caught_ = step.call_soon && PyObject_SetAttr(step.loop, text_call_soon, function.get()) == 0;
  }
  ~CaughtCalls() {
    step_.call_soon.reset();
    if (!caught_) return;
    PyRef pending = python::take_exception(gil_);
    const int restored = own_ ? PyObject_SetAttr(step_.loop, text_call_soon, own_.get())
                              : PyObject_DelAttr(step_.loop, text_call_soon);
    if (restored != 0) python::write_unraisable(gil_, "cppcorn's making of a task");
    if (pending) python::raise_again(gil_, std::move(pending));
  }
  CaughtCalls(const CaughtCalls&) = delete;
  CaughtCalls& operator=(const CaughtCalls&) = delete;
  explicit operator bool() const noexcept { return caught_; }

 private:
  GilHeld& gil_;
  FirstStep& step_;
  PyRef own_;  // what an application has put into the loop object
  bool caught_ = false;
};

bool initialise(GilHeld& gil, PyObject* task, FirstStep& step) {
  const PyRef arguments = PyRef::steal(PyTuple_Pack(1, reinterpret_cast<PyObject*>(&step.request)));
  const PyRef keywords =
      PyRef::steal(Py_BuildValue("{s:O,s:O}", "loop", step.loop, "context", step.context));
  if (!arguments || !keywords) return false;
  const CaughtCalls caught(gil, task, step);
  if (!caught || asyncio_task->tp_init(task, arguments.get(), keywords.get()) != 0) return false;
  if (step.task_step) return true;
  PyErr_SetString(PyExc_RuntimeError, "a new task did not ask its loop for a first step");
  return false;
}

// Makes an empty task an ordinary one. False with an exception pending.
bool ensure_task(GilHeld& gil, PyObject* task) {
  FirstStep* step = first_step_of(task);
  if (step == nullptr || step->state != State::kEmpty) return true;
  if (PyThread_get_thread_ident() != step->thread) {
    PyErr_SetString(PyExc_RuntimeError,
                    "the task of a request that has just begun belongs to the loop's thread "
                    "(--asgi-lazy-tasks)");
    return false;
  }
  step->state = State::kMaking;
  const bool made = initialise(gil, task, *step);
  step->state = made ? State::kMade : State::kFailed;
  return made;
}

bool ensure_task(PyObject* task) {
  GilHeld gil = GilHeld::by_interpreter();
  return ensure_task(gil, task);
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
  text_call_soon = PyUnicode_InternFromString("call_soon");
  text_dict = PyUnicode_InternFromString("__dict__");
  text_self = PyUnicode_InternFromString("__self__");
  if (!text_call_soon || !text_dict || !text_self) return false;
  const PyRef module = PyRef::steal(PyImport_ImportModule("_asyncio"));
  PyRef base = PyRef::steal(module ? PyObject_GetAttrString(module.get(), "Task") : nullptr);
  if (!base) return false;
  asyncio_task = reinterpret_cast<PyTypeObject*>(base.get());
  const PyRef bases = PyRef::steal(PyTuple_Pack(1, base.get()));
  PyType_Spec spec = {"cppcorn._cppcorn.Task",
                      static_cast<int>(asyncio_task->tp_basicsize + sizeof(void*)), 0,
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
    if (!entered_) return;
    PyRef pending = python::take_exception(gil_);
    if (!call(leave_)) python::write_unraisable(gil_, "cppcorn's first step of a task");
    if (pending) python::raise_again(gil_, std::move(pending));
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

// Steps the coroutine; what comes of it is left in the request for the task. PYGEN_ERROR: the
// coroutine was not entered, and an exception is pending.
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

// Lets asyncio take over: the task's own first step, which gets what ours came to.
void hand_over(GilHeld& gil, const FirstStep& step) {
  step.request.handover = CycleObject::Handover::kDue;
  PyRef stepped;
  if (PyContext_Enter(step.context) == 0) {
    stepped = PyRef::steal(PyObject_CallNoArgs(step.task_step.get()));
    if (!stepped) python::write_unraisable(gil, "cppcorn's first step of a task");
    if (PyContext_Exit(step.context) == 0) return;
  }
  python::write_unraisable(gil, "cppcorn's context of a request");
}

// Behind the first step: makes the task if it is needed, and hands over to it.
LazyTasks::Outcome finish_first_step(GilHeld& gil, PyObject* task, FirstStep& step,
                                     PySendResult sent) {
  const bool suspended = sent == PYGEN_NEXT;
  // Who kept the task of a request that has ended may still ask it for its result.
  const bool kept = sent == PYGEN_RETURN && Py_REFCNT(task) > 1;
  const bool whole = (!suspended && !kept) || ensure_task(gil, task);
  first_step_of(task) = nullptr;
  if (step.state == State::kMade && sent != PYGEN_ERROR) {
    hand_over(gil, step);
    return LazyTasks::Outcome::kDone;
  }
  step.request.handed.reset();
  if (sent == PYGEN_ERROR) return LazyTasks::Outcome::kFailed;
  if (!suspended) {
    if (!whole) python::write_unraisable(gil, "cppcorn's making of a task");
    return LazyTasks::Outcome::kDone;
  }
  // It failed before, when the application looked, and may have been caught there.
  if (whole) {
    PyErr_SetString(PyExc_RuntimeError, "the task of this request could not be made");
  }
  return LazyTasks::Outcome::kFailed;
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

LazyTasks::Outcome LazyTasks::run_first_step(GilHeld& gil, CycleObject& request, PyObject* loop,
                                             PyObject* context) {
  const PyRef alive = PyRef::borrow(reinterpret_cast<PyObject*>(&request));
  const PyRef task = PyRef::steal(lazy_type->tp_alloc(lazy_type, 0));
  if (!task) return Outcome::kFailed;
  FirstStep step{request, loop, context};
  first_step_of(task.get()) = &step;
  PySendResult sent = PYGEN_ERROR;
  {
    const Current current(gil, enter_task_.get(), leave_task_.get(), loop, task.get());
    if (!current.entered()) {
      PyErr_Clear();
      first_step_of(task.get()) = nullptr;
      return Outcome::kRefused;
    }
    request.cycle->task = task;
    sent = step_in_context(gil, request, context);
  }
  return finish_first_step(gil, task.get(), step, sent);
}

}  // namespace cppcorn::asgi
