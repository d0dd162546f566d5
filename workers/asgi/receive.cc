#include "workers/asgi/receive.h"

#include "workers/asgi/awaitable.h"
#include "workers/asgi/engine.h"
#include "workers/python/convert.h"
#include "workers/python/interned.h"

namespace cppcorn::asgi {

using python::GilHeld;
using python::interned;
using python::PyRef;

namespace {

PyRef disconnect_message() {
  PyRef message = PyRef::steal(PyDict_New());
  if (!message || PyDict_SetItem(message.get(), interned.type, interned.http_disconnect) != 0)
    return {};
  return message;
}

// All that has come of the body, in one message.
PyRef request_message(GilHeld& gil, HttpCycle& cycle) {
  PyRef message = PyRef::steal(PyDict_New());
  const std::string_view bytes = cycle.body();
  const PyRef body =
      bytes.empty() ? PyRef::borrow(interned.empty_bytes) : python::make_bytes(gil, bytes);
  PyObject* more = cycle.body_ended() ? Py_False : Py_True;
  if (!message || !body ||
      PyDict_SetItem(message.get(), interned.type, interned.http_request) != 0 ||
      PyDict_SetItem(message.get(), interned.body, body.get()) != 0 ||
      PyDict_SetItem(message.get(), interned.more_body, more) != 0) {
    return {};
  }
  cycle.body_taken();
  return message;
}

}  // namespace

PyRef try_receive(GilHeld& gil, CycleObject& object) {
  HttpCycle* cycle = object.cycle;
  if (cycle == nullptr || cycle->response_state == HttpCycle::Response::kComplete) {
    return disconnect_message();
  }
  // A client that is gone, or left in the middle of its body: half a body is worth nothing. A whole
  // one is given first when the client has only closed its own direction, as it may still wait for
  // the answer.
  if (cycle->disconnected() &&
      (!cycle->connected() || !cycle->body_ended() || cycle->body_told())) {
    return disconnect_message();
  }
  if (cycle->has_body_news()) return request_message(gil, *cycle);
  cycle->want_body();
  if (cycle->exchange().connected()) cycle->engine().driver().needs_turn(gil);
  return {};
}

PyObject* receive(GilHeld& gil, CycleObject& object) {
  if (object.cycle != nullptr && !object.cycle->engine().driver().on_loop_thread()) {
    PyErr_SetString(PyExc_RuntimeError, "receive() belongs to the thread of the event loop");
    return nullptr;
  }
  // Nothing is taken before somebody awaits: an asyncio.create_task(receive()) that is cancelled
  // before it starts must not swallow a piece of the body.
  return make_wait(gil, object, WaitFor::kMessage);
}

}  // namespace cppcorn::asgi
