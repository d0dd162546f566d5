// AppRunner: a pool thread's work: takes requests out of the queue, calls the app, sends what it
// returns, and sees to it that whatever the app does ends this request at most. One per pool
// thread, on its stack.
#pragma once

#include "workers/python/ref.h"
#include "workers/wsgi/engine.h"
#include "workers/wsgi/environ.h"
#include "workers/wsgi/responder.h"
#include "workers/wsgi/start_response.h"

namespace cppcorn::wsgi {

// What all pool threads of a worker share. Lives until the process ends.
struct AppContext {
  Engine& engine;
  EnvironMaker environs;
  python::PyRef app;
  // Called as log(message, exception or None).
  python::PyRef log;
};

class AppRunner {
 public:
  explicit AppRunner(AppContext& context) noexcept
      : context_(context), responder_(context.engine), start_response_(responder_) {}
  AppRunner(const AppRunner&) = delete;
  AppRunner& operator=(const AppRunner&) = delete;

  // Serves until the queue is closed.
  void run(python::GilHeld& gil);
  // The responder of the request that the calling thread is at, or nullptr.
  static Responder* current() noexcept;

 private:
  using Sent = Responder::Sent;

  void serve(python::GilHeld& gil, Call& call);
  bool skip(Call& call);
  python::PyRef call_app(python::GilHeld& gil, Call& call);
  python::PyRef make_body_input(python::GilHeld& gil, Call& call, uint64_t* body_bytes);

  Sent send(python::GilHeld& gil, PyObject* result);
  Sent send_sequence(python::GilHeld& gil, PyObject* sequence);
  Sent send_file(python::GilHeld& gil, PyObject* wrapper);
  Sent iterate(python::GilHeld& gil, PyObject* result);

  void settle(python::GilHeld& gil, Call& call, Sent sent);
  void close(python::GilHeld& gil, Call& call, PyObject* result);
  void leave(python::GilHeld& gil, Call& call);
  void leave_input(python::GilHeld& gil) noexcept;
  // Logs the pending exception, if there is one. what: nullptr for one out of the app itself.
  void log(python::GilHeld& gil, const Call& call, const char* what);

  AppContext& context_;
  Responder responder_;
  StartResponse start_response_;
  python::PyRef input_;
};

}  // namespace cppcorn::wsgi
