#include "workers/asgi/engine.h"

#include "src/base/log.h"
#include "workers/asgi/client_gone.h"
#include "workers/asgi/send.h"
#include "workers/python/convert.h"
#include "workers/python/errors.h"

namespace cppcorn::asgi {

using python::GilHeld;
using python::PyRef;
using Response = HttpCycle::Response;

namespace {

// Cycles kept for the next request; more than a busy worker has at once only cost memory.
constexpr size_t kPoolMax = 64;
constexpr int kInternalServerError = 500;
constexpr int kServiceUnavailable = 503;

PyRef attribute_of_module(const char* module_name, const char* name) {
  const PyRef module = PyRef::steal(PyImport_ImportModule(module_name));
  return module ? PyRef::steal(PyObject_GetAttrString(module.get(), name)) : PyRef();
}

// "GET /path?query" of a request, for the log.
std::string request_line(const HttpCycle& cycle) {
  const http::RequestHead& head = const_cast<HttpCycle&>(cycle).exchange().head();
  return std::string(head.method()) + " " + log::escape_for_log(head.target());
}

}  // namespace

Engine::~Engine() = default;

bool Engine::prepare(GilHeld& gil, const ScopeBuilder::Options& options) {
  task_type_ = attribute_of_module("asyncio", "Task");
  cancelled_error_ = attribute_of_module("asyncio", "CancelledError");
  task_keywords_ = PyRef::steal(Py_BuildValue("(ss)", "loop", "context"));
  create_task_keywords_ = PyRef::steal(Py_BuildValue("(s)", "context"));
  return task_type_ && cancelled_error_ && task_keywords_ && create_task_keywords_ &&
         scopes_.prepare(gil, options);
}

bool Engine::set_host(GilHeld& gil, Host host) {
  if (host.lazy_tasks && !lazy_tasks_.prepare(gil)) return false;
  scopes_.set_state(host.state);
  host_ = std::move(host);
  return true;
}

// --- Loop ---

void Engine::on_request(server::ExchangeRef exchange) {
  std::unique_ptr<HttpCycle> cycle;
  if (pool_.empty()) {
    cycle = std::make_unique<HttpCycle>(*this);
  } else {
    cycle = std::move(pool_.back());
    pool_.pop_back();
  }
  HttpCycle& begun = *cycle.release();  // owned by live_ until release()
  begun.begin(std::move(exchange));
  live_.push_back(begun);
  ++live_count_;
  pend(begun);
}

void Engine::pend(HttpCycle& cycle) noexcept {
  if (static_cast<ListHook<PendingTag>&>(cycle).linked()) return;
  // Upcalls also come just before the loop waits: it must not, then.
  if (pending_.empty()) driver_.loop().wake();
  pending_.push_back(cycle);
}

bool Engine::has_work() const noexcept {
  return !const_cast<Engine*>(this)->pending_.empty() || !orphans_.empty();
}

void Engine::dispatch(GilHeld& gil) {
  if (!orphans_.empty()) bury_orphans(gil);
  while (!pending_.empty()) {
    HttpCycle& cycle = pending_.pop_front();
    if (!cycle.started) {
      cycle.started = true;
      begin(gil, cycle);
    } else if (cycle.object != nullptr) {
      tell(gil, cycle);
    }
  }
}

void Engine::begin(GilHeld& gil, HttpCycle& cycle) {
  const PyRef coroutine = make_cycle_object(gil, cycle);
  if (coroutine && run_task(gil, *cycle.object)) return;
  // An eager task's request may be over when making the task fails: the cycle is another's then.
  if (coroutine && reinterpret_cast<CycleObject*>(coroutine.get())->cycle == nullptr) {
    return python::write_unraisable(gil, "cppcorn's making of a task");
  }
  PyRef exception = python::take_exception(gil);
  if (cycle.object != nullptr) cycle.object->stage = CycleObject::Stage::kEnded;
  app_ended(gil, cycle, exception.get());
}

// The one place where an app gets its task. False with an exception pending.
bool Engine::run_task(GilHeld& gil, CycleObject& object) {
  const PyRef context =
      PyRef::steal(host_.context ? PyContext_Copy(host_.context.get()) : PyContext_New());
  if (!context) return false;
  if (host_.lazy_tasks) {
    using Outcome = LazyTasks::Outcome;
    const Outcome outcome =
        lazy_tasks_.run_first_step(gil, object, host_.loop.get(), context.get());
    if (outcome != Outcome::kRefused) return outcome == Outcome::kDone;
  }
  PyRef task = make_task(gil, reinterpret_cast<PyObject*>(&object), context.get());
  if (!task) return false;
  // An eager task may have ended already.
  if (object.cycle != nullptr) object.cycle->task = std::move(task);
  return true;
}

PyRef Engine::make_task(GilHeld&, PyObject* coroutine, PyObject* context) {
  if (host_.create_task) {
    PyObject* arguments[] = {nullptr, coroutine, context};
    return PyRef::steal(PyObject_Vectorcall(host_.create_task.get(), arguments + 1,
                                            1 | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                            create_task_keywords_.get()));
  }
  PyObject* arguments[] = {nullptr, coroutine, host_.loop.get(), context};
  return PyRef::steal(PyObject_Vectorcall(
      task_type_.get(), arguments + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, task_keywords_.get()));
}

void Engine::tell(GilHeld& gil, HttpCycle& cycle) {
  CycleObject& object = *cycle.object;
  const PyRef alive = PyRef::borrow(reinterpret_cast<PyObject*>(&object));
  wake_receivers(gil, object);
  wake_senders(gil, object);
  if (cycle.disconnected() && disconnect_grace_ms_) cancel_after_grace(gil, cycle);
}

// A client that has closed its own direction counts: one that has closed both looks just like it
// until something is sent. Not behind a complete response, where the task's work is for nobody who
// could leave.
void Engine::cancel_after_grace(GilHeld& gil, HttpCycle& cycle) {
  if (cycle.response_state == Response::kComplete || !cycle.task) return;
  const PyRef cancel = PyRef::steal(PyObject_GetAttrString(cycle.task.get(), "cancel"));
  PyRef handle;
  if (cancel) {
    const double seconds = static_cast<double>(*disconnect_grace_ms_) / 1000;
    handle = PyRef::steal(
        PyObject_CallMethod(host_.loop.get(), "call_later", "dO", seconds, cancel.get()));
  }
  if (!handle) python::write_unraisable(gil, "cppcorn's cancellation after a disconnect");
}

PyRef Engine::make_future(GilHeld&) {
  return PyRef::steal(PyObject_CallMethod(host_.loop.get(), "create_future", nullptr));
}

// --- The end of a request ---

bool Engine::app_ended(GilHeld& gil, HttpCycle& cycle, PyObject* exception) {
  const bool cancelled =
      exception != nullptr && PyErr_GivenExceptionMatches(exception, cancelled_error_.get());
  report(gil, cycle, exception);
  if (cycle.response_state != Response::kComplete && cycle.connected()) {
    cycle.exchange().fail(cancelled && cancelling_ ? kServiceUnavailable : kInternalServerError);
    driver_.needs_turn(gil);
  }
  release(gil, cycle);
  return cancelled;
}

void Engine::report(GilHeld& gil, HttpCycle& cycle, PyObject* exception) {
  const bool complete = cycle.response_state == Response::kComplete;
  if (exception == nullptr) {
    // Told that the client is gone, an app may just return (event streams do), although that
    // client has only closed its own direction.
    if (complete || !cycle.connected() || cycle.disconnected()) return;
    const bool unstarted = cycle.response_state == Response::kStart;
    log_error(gil,
              std::string("ASGI application returned without ") +
                  (unstarted ? "starting" : "completing") + " its response [" +
                  request_line(cycle) + "]",
              nullptr);
    return;
  }
  if (PyErr_GivenExceptionMatches(exception, PyExc_GeneratorExit)) return;
  if (PyErr_GivenExceptionMatches(exception, cancelled_error_.get())) {
    if (complete && !cancelling_) return;
    log::warning("ASGI application was cancelled{} [{}]",
                 cancelling_ ? ": the time to finish is over" : " before its response was complete",
                 request_line(cycle));
    return;
  }
  // The app was told that its client is gone, by the exception that send() raises for that: no
  // mistake of the app's. What it raised because of that may hide one, and is said to who asks.
  if (!complete && !cycle.connected() && is_client_gone(gil, exception)) {
    const bool plain = PyErr_GivenExceptionMatches(exception, client_disconnected_type()) != 0;
    if (plain || !log::enabled(log::Level::kDebug)) return;
    log::debug("ASGI application ended because its client is gone, by {} [{}]",
               python::describe_exception(gil, exception), request_line(cycle));
    return;
  }
  log_error(gil, "Exception in ASGI application [" + request_line(cycle) + "]", exception);
}

// By way of Python's logging, where an application may listen. If that fails, at least the error
// log has it.
void Engine::log_error(GilHeld& gil, const std::string& text, PyObject* exception) {
  const PyRef message = python::make_utf8(gil, text);
  PyRef logged;
  if (message && host_.log_exception) {
    logged = PyRef::steal(PyObject_CallFunctionObjArgs(host_.log_exception.get(), message.get(),
                                                       exception ? exception : Py_None, nullptr));
  }
  if (logged) return;
  PyErr_Clear();
  log::error("{}{}{}", text, exception ? "\n" : "",
             exception ? python::format_exception(gil, exception) : "");
}

void Engine::release(GilHeld& gil, HttpCycle& cycle) {
  const PyRef task = std::move(cycle.task);
  if (CycleObject* object = std::exchange(cycle.object, nullptr)) part_from_cycle(gil, *object);
  cycle.reset();
  --live_count_;
  std::unique_ptr<HttpCycle> owned(&cycle);
  if (pool_.size() < kPoolMax) pool_.push_back(std::move(owned));
  if (live_count_ == 0 && idle_callback_) tell_idle(gil);
}

void Engine::orphaned(HttpCycle& cycle) noexcept {
  cycle.object = nullptr;
  orphans_.push_back(&cycle);
}

void Engine::bury_orphans(GilHeld& gil) {
  std::vector<HttpCycle*> orphans;
  orphans.swap(orphans_);
  for (HttpCycle* cycle : orphans) app_ended(gil, *cycle, nullptr);
}

// --- Draining ---

void Engine::cancel_tasks(GilHeld& gil) {
  cancelling_ = true;
  std::vector<PyRef> tasks;
  for (HttpCycle* cycle = live_.first(); cycle != nullptr; cycle = live_.next(*cycle)) {
    if (cycle->task) tasks.push_back(cycle->task);
  }
  for (const PyRef& task : tasks) {
    const PyRef cancelled = PyRef::steal(PyObject_CallMethod(task.get(), "cancel", nullptr));
    if (!cancelled) python::write_unraisable(gil, "cppcorn's cancellation of requests");
  }
}

void Engine::when_idle(GilHeld& gil, PyRef callback) {
  idle_callback_ = std::move(callback);
  if (live_count_ == 0) tell_idle(gil);
}

void Engine::tell_idle(GilHeld& gil) {
  const PyRef callback = std::move(idle_callback_);
  const PyRef handle =
      PyRef::steal(PyObject_CallMethod(host_.loop.get(), "call_soon", "O", callback.get()));
  if (!handle) python::write_unraisable(gil, "cppcorn's end of draining");
}

void Engine::detach(GilHeld& gil) {
  idle_callback_.reset();
  bury_orphans(gil);
  while (!live_.empty()) release(gil, live_.front());
  pool_.clear();
  host_ = Host{};
}

}  // namespace cppcorn::asgi
