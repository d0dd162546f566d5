#include "workers/wsgi/app_runner.h"

#include <algorithm>
#include <string>
#include <utility>

#include "src/base/log.h"
#include "workers/python/convert.h"
#include "workers/python/decref_queue.h"
#include "workers/python/errors.h"
#include "workers/python/interned.h"
#include "workers/wsgi/file_wrapper.h"
#include "workers/wsgi/input.h"

namespace cppcorn::wsgi {

using python::GilHeld;
using python::GilRelease;
using python::interned;
using python::PyRef;

namespace {

thread_local Responder* current_responder = nullptr;

// What has a close() that must be called: anything but the two most usual results.
bool may_need_close(PyObject* result) noexcept {
  return !PyList_CheckExact(result) && !PyTuple_CheckExact(result);
}

// len(result) where the type has one; -1 else.
Py_ssize_t length_of(PyObject* result) {
  const PyTypeObject* type = Py_TYPE(result);
  const bool has_length =
      (type->tp_as_sequence != nullptr && type->tp_as_sequence->sq_length != nullptr) ||
      (type->tp_as_mapping != nullptr && type->tp_as_mapping->mp_length != nullptr);
  if (!has_length) return -1;
  const Py_ssize_t length = PyObject_Size(result);
  if (length < 0) PyErr_Clear();
  return length;
}

// An exception of ours, about what the app returned, has not passed through any Python code.
const char* describe(PyObject* exception) {
  if (exception == nullptr) return "an error without an exception";
  const PyRef traceback = PyRef::steal(PyException_GetTraceback(exception));
  return traceback ? "the application raised" : "the application broke the rules of WSGI";
}

}  // namespace

Responder* AppRunner::current() noexcept { return current_responder; }

void AppRunner::run(GilHeld& gil) {
  RequestQueue& queue = context_.engine.queue();
  RequestQueue::Seat& seat = queue.enter();
  current_responder = &responder_;
  for (bool more = true; more;) {
    while (Call* call = queue.pop(seat)) {
      serve(gil, *call);
      python::drop_queued(gil);
    }
    python::drop_queued(gil);
    const GilRelease release(gil);
    more = queue.sleep(seat);
  }
  current_responder = nullptr;
  queue.leave(seat);
}

void AppRunner::serve(GilHeld& gil, Call& call) {
  if (skip(call)) return context_.engine.outbox().release(call);
  responder_.begin(call);
  const PyRef result = call_app(gil, call);
  const Sent sent = result ? send(gil, result.get()) : Sent::kRaised;
  const bool closes = result && may_need_close(result.get());
  if (!closes && sent == Sent::kMore && responder_.must_post() && !responder_.too_long()) {
    // The most usual end: one message says that the response is complete and the thread done with
    // it.
    if (call.streams_body) leave_input(gil);  // which reads from the call
    responder_.post(gil, true);
    responder_.end();
    start_response_.detach(gil);
    leave_input(gil);
    return;
  }
  settle(gil, call, sent);
  if (closes) close(gil, call, result.get());
  leave(gil, call);
}

// Nobody waits for the answer any more, and asking for it changed nothing (RFC 9110 section 9.2.1).
// Nothing is begun once the worker is to stop at once, which has cut all connections.
bool AppRunner::skip(Call& call) {
  if (!call.gone.load(std::memory_order_relaxed)) return false;
  if (context_.engine.stopping()) return true;
  const std::string_view method = call.head().method();
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

PyRef AppRunner::call_app(GilHeld& gil, Call& call) {
  uint64_t body_bytes = 0;
  if (call.head().has_body()) {
    input_ = make_body_input(gil, call, &body_bytes);
    if (!input_) return {};
  }
  const PyRef environ = context_.environs.make(gil, call, input_.get(), body_bytes);
  if (!environ) return {};
  PyObject* callable = start_response_.attach(gil);
  if (callable == nullptr) return {};
  PyObject* arguments[] = {nullptr, environ.get(), callable};
  return PyRef::steal(PyObject_Vectorcall(context_.app.get(), arguments + 1,
                                          2 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
}

PyRef AppRunner::make_body_input(GilHeld& gil, Call& call, uint64_t* body_bytes) {
  if (call.streams_body) return make_streaming_input(gil, context_.engine.outbox(), call);
  *body_bytes = call.body.size();
  return make_input(gil, std::move(call.body));
}

// --- What the app returned ----------------------------------------------------------------------

AppRunner::Sent AppRunner::send(GilHeld& gil, PyObject* result) {
  if (PyList_CheckExact(result) || PyTuple_CheckExact(result)) return send_sequence(gil, result);
  if (Py_IS_TYPE(result, file_wrapper_type())) return send_file(gil, result);
  return iterate(gil, result);
}

// All blocks are there: the body's length is known.
AppRunner::Sent AppRunner::send_sequence(GilHeld& gil, PyObject* sequence) {
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence);
  if (count == 0) return responder_.finish(gil);
  if (count > 1 && responder_.started() && !responder_.head_left()) {
    uint64_t total = 0;
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyObject* block = PySequence_Fast_GET_ITEM(sequence, i);
      if (PyBytes_Check(block)) total += static_cast<uint64_t>(PyBytes_GET_SIZE(block));
    }
    if (!responder_.announce_length(gil, total)) return Sent::kRaised;
  }
  // The list may change while a block waits for room: its size and items are read anew.
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence); ++i) {
    const PyRef block = PyRef::borrow(PySequence_Fast_GET_ITEM(sequence, i));
    const Sent sent =
        responder_.block(gil, block.get(), i + 1 == PySequence_Fast_GET_SIZE(sequence));
    if (sent == Sent::kEnough) break;
    if (sent != Sent::kMore) return sent;
  }
  return responder_.finish(gil);
}

AppRunner::Sent AppRunner::send_file(GilHeld& gil, PyObject* wrapper) {
  auto range = file_range_of(gil, wrapper);
  if (!range || !responder_.started()) return iterate(gil, wrapper);
  // An app that announced less means a part of the file.
  if (const auto room = responder_.remaining()) range->size = std::min(range->size, *room);
  return responder_.file(gil, std::move(*range));
}

AppRunner::Sent AppRunner::iterate(GilHeld& gil, PyObject* result) {
  const bool single = length_of(result) == 1;
  const PyRef iterator = PyRef::steal(PyObject_GetIter(result));
  if (!iterator) return Sent::kRaised;
  for (;;) {
    const PyRef block = PyRef::steal(PyIter_Next(iterator.get()));
    if (!block) break;
    const Sent sent = responder_.block(gil, block.get(), single);
    if (sent == Sent::kEnough || (single && sent == Sent::kMore)) return responder_.finish(gil);
    if (sent != Sent::kMore) return sent;
  }
  return PyErr_Occurred() != nullptr ? Sent::kRaised : responder_.finish(gil);
}

// --- The end ------------------------------------------------------------------------------------

void AppRunner::settle(GilHeld& gil, Call& call, Sent sent) {
  if (sent == Sent::kRaised) {
    log(gil, call, nullptr);
  } else if (sent == Sent::kTooShort) {
    log(gil, call, "the response is shorter than its Content-Length: it is cut off");
  } else {
    if (responder_.too_long()) {
      log(gil, call, "the response is longer than its Content-Length: the rest was not sent");
    }
    if (responder_.must_post()) responder_.post(gil, false);
    return;
  }
  context_.engine.outbox().fail(call, 500);
}

// PEP 3333: whether the response was sent or not, and whatever it raises.
void AppRunner::close(GilHeld& gil, Call& call, PyObject* result) {
  const PyRef function = PyRef::steal(PyObject_GetAttr(result, interned.close));
  PyRef returned;
  if (function) {
    returned = PyRef::steal(PyObject_CallNoArgs(function.get()));
  } else if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
    PyErr_Clear();
    return;
  }
  if (!returned) log(gil, call, "close() of the response raised");
}

void AppRunner::leave_input(GilHeld& gil) noexcept {
  if (!input_) return;
  detach_input(gil, input_.get());
  input_.reset();
}

void AppRunner::leave(GilHeld& gil, Call& call) {
  responder_.end();
  start_response_.detach(gil);
  leave_input(gil);
  context_.engine.outbox().release(call);
}

void AppRunner::log(GilHeld& gil, const Call& call, const char* what) {
  PyRef exception = python::take_exception(gil);
  if (what == nullptr) what = describe(exception.get());
  std::string message(call.head().method());
  message.append(" ").append(log::escape_for_log(call.head().target())).append(": ").append(what);
  const PyRef text = python::make_utf8(gil, message);
  PyRef logged;
  if (text) {
    PyObject* arguments[] = {text.get(), exception ? exception.get() : Py_None};
    logged = PyRef::steal(PyObject_Vectorcall(context_.log.get(), arguments, 2, nullptr));
  }
  if (!logged) python::write_unraisable(gil, "the log of an error in the application");
}

}  // namespace cppcorn::wsgi
