#include "workers/asgi/send.h"

#include <string>
#include <vector>

#include "protocols/http/status.h"
#include "workers/asgi/awaitable.h"
#include "workers/asgi/engine.h"
#include "workers/asgi/file_messages.h"
#include "workers/asgi/header_pairs.h"
#include "workers/asgi/message.h"
#include "workers/python/convert.h"
#include "workers/python/decref_queue.h"
#include "workers/python/errors.h"
#include "workers/python/interned.h"

namespace cppcorn::asgi {

using http1::EncodeError;
using python::GilHeld;
using python::interned;
using python::PyRef;
using Response = HttpCycle::Response;

namespace {

PyObject* client_disconnected = nullptr;

// 1xx statuses are sent by early hints only.
constexpr int kEarlyHints = 103;

// Raises what the encoder refused. what: the header's name, or empty.
PyObject* refuse(GilHeld& gil, const Message& message, EncodeError error,
                 std::string_view what = {}) {
  std::string text = message.name();
  text += ": ";
  text += http1::to_string(error);
  if (!what.empty()) text.append(": ").append(what.substr(0, 100));
  // A body of another length than was promised is the app's bug, not a bad argument (and
  // RuntimeError in uvicorn).
  const bool wrong_length =
      error == EncodeError::kBodyTooLong || error == EncodeError::kBodyTooShort;
  python::raise(gil, wrong_length ? PyExc_RuntimeError : PyExc_ValueError, text);
  return nullptr;
}

PyObject* refuse_order(const Message& message, Response state) {
  const char* expected = "http.response.start";
  if (state == Response::kBody) expected = "http.response.body";
  if (state == Response::kTrailers) expected = "http.response.trailers";
  if (state == Response::kComplete) {
    PyErr_Format(PyExc_RuntimeError,
                 "unexpected ASGI message '%U': the response is complete already", message.type());
  } else {
    PyErr_Format(PyExc_RuntimeError, "expected ASGI message '%s', but got '%U'", expected,
                 message.type());
  }
  return nullptr;
}

PyObject* refuse_gone() {
  PyErr_SetString(client_disconnected, "the client has disconnected");
  return nullptr;
}

// The request is still there to be answered, and by this message. To be asked after the last Python
// that reading the message ran.
bool may_send(const CycleObject& object, const Message& message, Response needed) {
  if (object.cycle == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "send() was called after the request was over");
    return false;
  }
  const Response state = object.cycle->response_state;
  if (state != Response::kComplete && !object.cycle->connected()) {
    refuse_gone();
    return false;
  }
  if (state == needed) return true;
  refuse_order(message, state);
  return false;
}

// What was encoded goes out. The awaitable that the app gets: it waits while the client is slow.
PyObject* after_block(GilHeld& gil, CycleObject& object) {
  HttpCycle& cycle = *object.cycle;
  cycle.exchange().commit();
  cycle.engine().driver().needs_turn(gil);
  if (!cycle.connected() || cycle.exchange().queued_bytes() <= server::Exchange::kHighWater) {
    return ready_none(gil);
  }
  return make_wait(gil, object, WaitFor::kDrain);
}

PyObject* after_end(GilHeld& gil, CycleObject& object) {
  HttpCycle& cycle = *object.cycle;
  cycle.response_state = Response::kComplete;
  cycle.exchange().commit();
  cycle.engine().driver().needs_turn(gil);
  cycle.discard_body();
  wake_receivers(gil, object);
  return ready_none(gil);
}

// --- http.response.start ---

std::optional<int> status_of(const Message& message) {
  const PyRef value = message.get(interned.status);
  if (value && PyLong_Check(value.get())) {
    const long status = PyLong_AsLong(value.get());
    if (status >= 0 && status <= 999) return static_cast<int>(status);
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError, "%s: invalid status %R", message.name(), value.get());
    return std::nullopt;
  }
  if (PyErr_Occurred()) return std::nullopt;
  if (value) {
    PyErr_Format(PyExc_TypeError, "%s: \"status\" must be int, not %.100s", message.name(),
                 Py_TYPE(value.get())->tp_name);
  } else {
    PyErr_Format(PyExc_ValueError, "%s: \"status\" is missing", message.name());
  }
  return std::nullopt;
}

PyObject* start(GilHeld& gil, CycleObject& object, const Message& message) {
  const std::optional<int> status = status_of(message);
  if (!status) return nullptr;
  const std::optional<bool> trailers = message.flag(interned.trailers);
  if (!trailers) return nullptr;
  const PyRef given = message.get(interned.headers);
  if (!given && PyErr_Occurred()) return nullptr;
  // Last: from here on no Python runs that could change a list which is read as it is.
  const PyRef headers = plain_headers(gil, given.get(), message.name());
  if (!headers || !may_send(object, message, Response::kStart)) return nullptr;

  server::ResponseWriter& response = object.cycle->exchange().response();
  EncodeError error = response.start(*status);
  if (error != EncodeError::kNone) return refuse(gil, message, error);
  std::string_view refused;
  for_each_header(headers.get(), [&](std::string_view name, std::string_view value) {
    error = response.add_header(name, value);
    refused = name;
    return error == EncodeError::kNone;
  });
  if (error != EncodeError::kNone) {
    response.restart();
    return refuse(gil, message, error, refused);
  }
  object.cycle->trailers_promised = *trailers;
  object.cycle->response_state = Response::kBody;
  return ready_none(gil);
}

// --- http.response.body ---

// A first block that cannot be what the head's Content-Length says is refused while the head has
// not left, so that the client gets a 500 and not half a response.
EncodeError check_promise(server::Exchange& exchange, uint64_t bytes, bool last) {
  const server::ResponseWriter& response = exchange.response();
  if (response.head_left() || exchange.head().is_head_method()) return EncodeError::kNone;
  const std::optional<uint64_t> promised = response.encoder().content_length();
  if (!promised || http::status_has_no_body(response.encoder().status())) return EncodeError::kNone;
  if (bytes > *promised) return EncodeError::kBodyTooLong;
  return last && bytes < *promised ? EncodeError::kBodyTooShort : EncodeError::kNone;
}

EncodeError write_body(GilHeld& gil, server::Exchange& exchange, PyObject* body, bool last) {
  server::ResponseWriter& response = exchange.response();
  const std::string_view bytes = python::bytes_view(body);
  const EncodeError promise = check_promise(exchange, bytes.size(), last);
  if (promise != EncodeError::kNone) return promise;
  if (bytes.size() < BufferChain::kForeignMin) {
    return response.body(bytes, last, exchange.date_line(), exchange.now_s());
  }
  return response.body(python::foreign_bytes(gil, body), last, exchange.date_line(),
                       exchange.now_s());
}

// The body as bytes: the specification's only type; what else has a buffer is copied. Empty with
// TypeError pending.
PyRef body_bytes(const Message& message) {
  PyRef body = message.get(interned.body);
  if (!body) return PyErr_Occurred() ? PyRef() : PyRef::borrow(interned.empty_bytes);
  if (PyBytes_Check(body.get())) return body;
  if (PyObject_CheckBuffer(body.get())) return PyRef::steal(PyBytes_FromObject(body.get()));
  PyErr_Format(PyExc_TypeError, "%s: \"body\" must be bytes, not %.100s", message.name(),
               Py_TYPE(body.get())->tp_name);
  return {};
}

// A block of the body has been written; last if the app says that no more follows.
PyObject* after_body(GilHeld& gil, CycleObject& object, bool last) {
  HttpCycle& cycle = *object.cycle;
  if (!last) return after_block(gil, object);
  if (!cycle.trailers_promised) return after_end(gil, object);
  cycle.response_state = Response::kTrailers;
  return after_block(gil, object);
}

PyObject* body(GilHeld& gil, CycleObject& object, const Message& message) {
  const PyRef bytes = body_bytes(message);
  const std::optional<bool> more = bytes ? message.flag(interned.more_body) : std::nullopt;
  if (!more || !may_send(object, message, Response::kBody)) return nullptr;
  HttpCycle& cycle = *object.cycle;
  const bool ends_response = !*more && !cycle.trailers_promised;
  const EncodeError error = write_body(gil, cycle.exchange(), bytes.get(), ends_response);
  if (error != EncodeError::kNone) return refuse(gil, message, error);
  return after_body(gil, object, !*more);
}

PyObject* file_body(GilHeld& gil, CycleObject& object, const Message& message) {
  std::optional<bool> more = false;
  std::optional<FileRange> range;
  if (message.kind() == MessageKind::kPathSend) {
    range = open_path(gil, message);
  } else {
    more = message.flag(interned.more_body);
    if (more) range = duplicate_file(gil, message);
  }
  if (!more || !range || !may_send(object, message, Response::kBody)) return nullptr;
  server::Exchange& exchange = object.cycle->exchange();
  const bool ends_response = !*more && !object.cycle->trailers_promised;
  EncodeError error = check_promise(exchange, range->size, ends_response);
  if (error == EncodeError::kNone) {
    error = exchange.response().file(std::move(*range), ends_response, exchange.date_line(),
                                     exchange.now_s());
  }
  if (error != EncodeError::kNone) return refuse(gil, message, error);
  return after_body(gil, object, !*more);
}

// --- http.response.trailers ---

PyObject* trailers(GilHeld& gil, CycleObject& object, const Message& message) {
  const std::optional<bool> more = message.flag(interned.more_trailers);
  if (!more) return nullptr;
  const PyRef given = message.get(interned.headers);
  if (!given && PyErr_Occurred()) return nullptr;
  const PyRef headers = plain_headers(gil, given.get(), message.name());
  if (!headers || !may_send(object, message, Response::kTrailers)) return nullptr;

  HttpCycle& cycle = *object.cycle;
  for_each_header(headers.get(), [&](std::string_view name, std::string_view value) {
    cycle.trailers.emplace_back(name, value);
    return true;
  });
  if (cycle.trailers.size() > HttpCycle::kTrailersMax) {
    PyErr_Format(PyExc_ValueError, "%s: more than %zu trailers", message.name(),
                 HttpCycle::kTrailersMax);
    return nullptr;
  }
  if (*more) return ready_none(gil);
  std::vector<http::Field> fields;
  for (const auto& [name, value] : cycle.trailers) fields.push_back({name, value});
  server::Exchange& exchange = cycle.exchange();
  const EncodeError error =
      exchange.response().finish(fields, exchange.date_line(), exchange.now_s());
  if (error == EncodeError::kNone) return after_end(gil, object);
  cycle.trailers.clear();
  return refuse(gil, message, error);
}

// --- http.response.early_hint ---

PyObject* early_hint(GilHeld& gil, CycleObject& object, const Message& message) {
  const PyRef given = message.get(interned.links);
  if (!given && PyErr_Occurred()) return nullptr;
  const PyRef links = PyRef::steal(given ? PySequence_Tuple(given.get()) : PyTuple_New(0));
  if (!links) return nullptr;
  std::vector<http::Field> fields;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(links.get()); ++i) {
    PyObject* link = PyTuple_GET_ITEM(links.get(), i);
    if (!PyBytes_Check(link)) {
      PyErr_Format(PyExc_TypeError, "%s: link %zd must be bytes, not %.100s", message.name(), i,
                   Py_TYPE(link)->tp_name);
      return nullptr;
    }
    fields.push_back({"link", python::bytes_view(link)});
  }
  const Response state = object.cycle ? object.cycle->response_state : Response::kComplete;
  if (!may_send(object, message, state == Response::kStart ? Response::kStart : Response::kBody)) {
    return nullptr;
  }
  server::ResponseWriter& response = object.cycle->exchange().response();
  // Too late to be early: the specification lets a server ignore it.
  if (fields.empty() || response.head_left()) return ready_none(gil);
  const EncodeError error = response.inform(kEarlyHints, fields);
  if (error != EncodeError::kNone) return refuse(gil, message, error);
  return after_block(gil, object);
}

}  // namespace

bool prepare_send(GilHeld&) {
  if (client_disconnected != nullptr) return true;
  client_disconnected =
      PyErr_NewExceptionWithDoc("cppcorn.ClientDisconnected",
                                "Raised by send() in an ASGI application when the client is gone. "
                                "It need not be caught: it is not logged.",
                                PyExc_ConnectionError, nullptr);
  return client_disconnected != nullptr;
}

PyObject* client_disconnected_type() { return client_disconnected; }

PyObject* send(GilHeld& gil, CycleObject& object, PyObject* dict) {
  if (object.cycle != nullptr && !object.cycle->engine().driver().on_loop_thread()) {
    PyErr_SetString(PyExc_RuntimeError, "send() belongs to the thread of the event loop");
    return nullptr;
  }
  if (!PyDict_Check(dict)) {
    PyErr_Format(PyExc_TypeError, "send() takes a message, a dict, not %.100s",
                 Py_TYPE(dict)->tp_name);
    return nullptr;
  }
  const Message message(gil, dict);
  if (!message.valid()) return nullptr;
  switch (message.kind()) {
    case MessageKind::kStart: return start(gil, object, message);
    case MessageKind::kBody: return body(gil, object, message);
    case MessageKind::kTrailers: return trailers(gil, object, message);
    case MessageKind::kEarlyHint: return early_hint(gil, object, message);
    case MessageKind::kPathSend:
    case MessageKind::kZeroCopySend: return file_body(gil, object, message);
    case MessageKind::kOther: break;
  }
  return refuse_order(message, object.cycle ? object.cycle->response_state : Response::kComplete);
}

PyRef try_drain(GilHeld& gil, CycleObject& object) {
  if (object.cycle == nullptr) return PyRef::borrow(Py_None);
  HttpCycle& cycle = *object.cycle;
  if (!cycle.connected()) {
    refuse_gone();
    return {};
  }
  if (!cycle.must_wait_for_drain()) return PyRef::borrow(Py_None);
  cycle.ask_for_drain();
  cycle.engine().driver().needs_turn(gil);
  return {};
}

}  // namespace cppcorn::asgi
