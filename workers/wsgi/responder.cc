#include "workers/wsgi/responder.h"

#include <algorithm>
#include <string>
#include <vector>

#include "protocols/http/status.h"
#include "src/base/clock.h"
#include "workers/python/convert.h"
#include "workers/python/decref_queue.h"
#include "workers/python/errors.h"

namespace cppcorn::wsgi {

using http1::EncodeError;
using python::GilHeld;
using python::GilRelease;
using python::PyRef;

namespace {

PyObject* exception_of(EncodeError error) noexcept {
  return error == EncodeError::kWrongOrder ? PyExc_AssertionError : PyExc_ValueError;
}

bool raise_encode_error(EncodeError error, PyObject* culprit) {
  const std::string text(http1::to_string(error));
  PyErr_Format(exception_of(error), "%s: %R", text.c_str(), culprit);
  return false;
}

// The bytes of a native string (PEP 3333): a str of code points that fit a byte.
bool native_string(PyObject* object, const char* what, std::string_view* text) {
  if (!PyUnicode_Check(object)) {
    PyErr_Format(PyExc_TypeError, "%s must be a str, not %.100s", what, Py_TYPE(object)->tp_name);
    return false;
  }
  const auto view = python::latin1_view(object);
  if (!view) {
    PyErr_Format(PyExc_ValueError, "%s must be encodable as ISO-8859-1: %R", what, object);
    return false;
  }
  *text = *view;
  return true;
}

bool header_pair(PyObject* pair, std::string_view* name, std::string_view* value) {
  if ((!PyTuple_Check(pair) && !PyList_Check(pair)) || PySequence_Fast_GET_SIZE(pair) != 2) {
    PyErr_Format(PyExc_TypeError, "a header must be a tuple (name, value), not %R", pair);
    return false;
  }
  PyObject* const* items = PySequence_Fast_ITEMS(pair);
  return native_string(items[0], "a header's name", name) &&
         native_string(items[1], "a header's value", value);
}

}  // namespace

void Responder::begin(Call& call) {
  call_ = &call;
  writer_.emplace(call.facts, engine_.response_shared());
  if (call.keeps_head) writer_->keep_head();
  posted_ = complete_ = too_long_ = false;
}

void Responder::end() noexcept {
  call_ = nullptr;
  writer_.reset();
}

bool Responder::check_active() const {
  if (active() && !busy_) return true;
  PyErr_SetString(PyExc_RuntimeError, busy_ ? "another thread is sending this response"
                                            : "the request that this belongs to is over");
  return false;
}

// --- start_response -----------------------------------------------------------------------------

bool Responder::start(GilHeld& gil, PyObject* status, PyObject* headers, PyObject* exc_info) {
  if (!check_active()) return false;
  // A client that nobody has told to go on may send the body or not: nobody can read on.
  const bool waits =
      call_->streams_body && !call_->asked_for_body && call_->head().expects_continue();
  writer_->set_close_after(waits || engine_.draining());
  if (exc_info != nullptr && exc_info != Py_None) {
    if (head_left()) return raise_again(gil, exc_info);
    writer_->restart();
  } else if (writer_->started()) {
    PyErr_SetString(PyExc_AssertionError,
                    "start_response() was called a second time without exc_info");
    return false;
  }
  if (start_line(status) && add_headers(headers)) return true;
  if (active()) writer_->restart();  // an error handler of the app may try again
  return false;
}

// The head has left: PEP 3333 asks for the app's own error back.
bool Responder::raise_again(GilHeld& gil, PyObject* exc_info) {
  if (!PyTuple_Check(exc_info) || PyTuple_GET_SIZE(exc_info) != 3 ||
      !PyExceptionInstance_Check(PyTuple_GET_ITEM(exc_info, 1))) {
    PyErr_SetString(PyExc_TypeError, "exc_info must be a tuple such as sys.exc_info() returns");
    return false;
  }
  PyObject* value = PyTuple_GET_ITEM(exc_info, 1);
  PyObject* traceback = PyTuple_GET_ITEM(exc_info, 2);
  if (PyTraceBack_Check(traceback)) PyException_SetTraceback(value, traceback);
  python::raise_again(gil, PyRef::borrow(value));
  return false;
}

bool Responder::start_line(PyObject* status) {
  std::string_view text;
  if (!native_string(status, "the status", &text)) return false;
  const auto digit = [&](size_t i) {
    return text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : -1000;
  };
  const int code = text.size() < 3 ? -1 : digit(0) * 100 + digit(1) * 10 + digit(2);
  const bool separated = text.size() <= 3 || text[3] == ' ';
  if (code < 0 || !separated) {
    PyErr_Format(PyExc_ValueError, "the status must be like '200 OK', not %R", status);
    return false;
  }
  const EncodeError error =
      writer_->start(code, text.size() > 4 ? text.substr(4) : std::string_view());
  return error == EncodeError::kNone || raise_encode_error(error, status);
}

bool Responder::add_headers(PyObject* headers) {
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(headers);
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* pair = PySequence_Fast_GET_ITEM(headers, i);
    std::string_view name, value;
    if (!header_pair(pair, &name, &value)) return false;
    const EncodeError error = writer_->add_header(name, value);
    if (error != EncodeError::kNone) return raise_encode_error(error, pair);
  }
  return true;
}

// 103 (RFC 8297). A hint that comes when the response has begun has nothing more to tell.
bool Responder::hint(GilHeld& gil, PyObject* headers) {
  const PyRef items =
      PyRef::steal(PySequence_Fast(headers, "the hints must be a list of tuples (name, value)"));
  if (!items || !check_active()) return false;
  std::vector<http::Field> fields;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(items.get());
  for (Py_ssize_t i = 0; i < count; ++i) {
    http::Field field;
    if (!header_pair(PySequence_Fast_GET_ITEM(items.get(), i), &field.name, &field.value))
      return false;
    fields.push_back(field);
  }
  if (writer_->started()) return true;
  constexpr int kEarlyHints = 103;
  const EncodeError error = writer_->inform(kEarlyHints, fields);
  if (error != EncodeError::kNone) return raise_encode_error(error, headers);
  const bool posted = posted_;
  post(gil, false);
  posted_ = posted;  // the head itself has not left
  return true;
}

// --- The body -----------------------------------------------------------------------------------

bool Responder::bodiless() const noexcept {
  return call_->facts.head_method || http::status_has_no_body(writer_->encoder().status());
}

std::optional<uint64_t> Responder::remaining() const noexcept {
  const auto announced = writer_->encoder().content_length();
  if (!announced || bodiless()) return std::nullopt;
  return *announced - std::min(*announced, writer_->encoder().body_bytes());
}

bool Responder::announce_length(GilHeld&, uint64_t bytes) {
  if (writer_->encoder().content_length() ||
      http::status_has_no_body(writer_->encoder().status())) {
    return true;
  }
  const EncodeError error = writer_->add_header("content-length", std::to_string(bytes));
  if (error == EncodeError::kNone) return true;
  PyErr_SetString(exception_of(error), std::string(http1::to_string(error)).c_str());
  return false;
}

Responder::Sent Responder::block(GilHeld& gil, PyObject* bytes, bool last) {
  if (!check_active()) return Sent::kRaised;
  if (!PyBytes_Check(bytes)) {
    PyErr_Format(PyExc_TypeError, "a block of the response's body must be bytes, not %.100s",
                 Py_TYPE(bytes)->tp_name);
    return Sent::kRaised;
  }
  std::string_view view = python::bytes_view(bytes);
  if (view.empty() && !last) return Sent::kMore;
  if (!started()) {
    PyErr_SetString(PyExc_AssertionError,
                    "start_response() was not called before the first block of the body");
    return Sent::kRaised;
  }
  if (call_->gone.load(std::memory_order_relaxed)) return Sent::kEnough;
  const auto room = remaining();
  if (room && view.size() > *room) {
    too_long_ = true;
    if (*room == 0) return Sent::kEnough;
    view = view.substr(0, static_cast<size_t>(*room));
  }
  EncodeError error;
  if (view.size() < BufferChain::kForeignMin) {
    error = writer_->body(view, last, date_, realtime_s());
  } else {
    ForeignBytes foreign = python::foreign_bytes(gil, bytes);
    foreign.size = view.size();
    error = writer_->body(foreign, last, date_, realtime_s());
  }
  const Sent result = sent(gil, error, last);
  return too_long_ && result == Sent::kMore ? Sent::kEnough : result;
}

Responder::Sent Responder::file(GilHeld& gil, FileRange range) {
  return sent(gil, writer_->file(std::move(range), true, date_, realtime_s()), true);
}

Responder::Sent Responder::finish(GilHeld& gil) {
  if (complete() || must_post()) return Sent::kMore;
  if (call_->gone.load(std::memory_order_relaxed)) return Sent::kEnough;  // it was stopped half-way
  if (!started()) {
    PyErr_SetString(PyExc_AssertionError,
                    "the application returned without calling start_response()");
    return Sent::kRaised;
  }
  return sent(gil, writer_->body(std::string_view(), true, date_, realtime_s()), true);
}

// What was encoded has to be posted: blocks at once, the last one when the caller knows whether
// that is all.
Responder::Sent Responder::sent(GilHeld& gil, EncodeError error, bool last) {
  if (error == EncodeError::kBodyTooShort) return Sent::kTooShort;
  if (error != EncodeError::kNone) {
    PyErr_SetString(exception_of(error), std::string(http1::to_string(error)).c_str());
    return Sent::kRaised;
  }
  if (last) return Sent::kMore;
  post(gil, false);
  return bodiless() || call_->gone.load(std::memory_order_relaxed) ? Sent::kEnough : Sent::kMore;
}

void Responder::post(GilHeld& gil, bool release) {
  const http1::ResponseEncoder& encoder = writer_->encoder();
  server::Exchange::Progress progress;
  progress.status = encoder.status();
  progress.body_bytes = encoder.body_bytes();
  progress.finished = encoder.finished();
  progress.keep_alive = encoder.keep_alive();
  if (call_->keeps_head) progress.response_head = writer_->kept_head();
  posted_ = true;
  complete_ = progress.finished;
  BufferChain& bytes = writer_->ready();
  if (engine_.outbox().try_post(*call_, bytes, progress, release)) return;
  busy_ = true;
  {
    const GilRelease without(gil);
    engine_.outbox().post_slowly(*call_, bytes, progress, release);
  }
  busy_ = false;
}

}  // namespace cppcorn::wsgi
