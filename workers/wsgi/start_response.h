// StartResponse: the start_response callable of one request, and the write callable that it
// returns. They point to the responder of the thread that the app runs on, and to nothing once the
// request is over: an app may keep them.
#pragma once

#include "workers/python/ref.h"
#include "workers/wsgi/responder.h"

namespace cppcorn::wsgi {

// Makes the type. Once, from the module's initialisation. False with an exception pending.
bool make_start_response_type(python::GilHeld& gil) noexcept;

// A thread's callables, used again for the next request unless the app has kept them.
class StartResponse {
 public:
  explicit StartResponse(Responder& responder) noexcept : responder_(responder) {}

  // The callable for the request that the responder is at; borrowed until detach(). nullptr with an
  // exception pending.
  PyObject* attach(python::GilHeld& gil) noexcept;
  // The request is over.
  void detach(python::GilHeld& gil) noexcept;

 private:
  Responder& responder_;
  python::PyRef callable_;
};

}  // namespace cppcorn::wsgi
