// Engine: answers requests by an ASGI application: makes a task for each on the asyncio loop, and
// tells tasks what happens to their clients. Everything of it runs on the loop's thread. Owned by
// AsgiWorker; outlives the server, and dies before the loop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/intrusive_list.h"
#include "src/server/request_handler.h"
#include "workers/asgi/cycle_object.h"
#include "workers/asgi/http_cycle.h"
#include "workers/asgi/lazy_task.h"
#include "workers/asgi/scope.h"
#include "workers/asyncio/loop_driver.h"
#include "workers/python/ref.h"

namespace cppcorn::asgi {

class Engine final : public server::RequestHandler, public asyncio::Dispatcher {
 public:
  // What requests are answered with.
  struct Host {
    python::PyRef app;
    python::PyRef loop;
    python::PyRef
        context;  // of the lifespan, copied for each request; empty: each starts with an empty one
    python::PyRef
        create_task;          // loop.create_task, when it does more than asyncio.Task(); else empty
    bool lazy_tasks = false;  // see lazy_task.h; never with create_task
    python::PyRef state;      // the lifespan's namespace, or empty
    python::PyRef log_exception;  // (text, exception or None): for what an app did wrong
  };

  explicit Engine(asyncio::LoopDriver& driver) noexcept : driver_(driver) {}
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // False with an exception pending.
  bool prepare(python::GilHeld& gil, const ScopeBuilder::Options& options);
  // False with an exception pending.
  bool set_host(python::GilHeld& gil, Host host);
  // Cancels a request's task so long after its client has gone; nullopt: never.
  void set_disconnect_grace(std::optional<uint64_t> ms) noexcept { disconnect_grace_ms_ = ms; }

  // --- Draining ---
  size_t tasks() const noexcept { return live_count_; }
  // Cancels the tasks of all requests: the time to finish is over. Their clients get 503 if nothing
  // was sent yet.
  void cancel_tasks(python::GilHeld& gil);
  // Calls callback (from the loop) once no request's task is left; at most one callback waits.
  void when_idle(python::GilHeld& gil, python::PyRef callback);
  // Lets go of all requests and of Python; tasks that still run get http.disconnect.
  void detach(python::GilHeld& gil);

  // --- Loop ---
  void on_request(server::ExchangeRef exchange) override;
  void dispatch(python::GilHeld& gil) override;
  bool has_work() const noexcept override;

  // --- For cycles ---
  asyncio::LoopDriver& driver() noexcept { return driver_; }
  PyObject* app() const noexcept { return host_.app.get(); }
  ScopeBuilder& scopes() noexcept { return scopes_; }
  // Something happened that the app is to be told at the next dispatch.
  void pend(HttpCycle& cycle) noexcept;
  // An asyncio future of the loop; empty with an exception pending.
  python::PyRef make_future(python::GilHeld& gil);
  // The app's coroutine has ended, with an exception or nullptr: logs what has to be logged,
  // answers what the app left unanswered, and lets the cycle go. True when the exception must go on
  // to the task: it was cancelled.
  bool app_ended(python::GilHeld& gil, HttpCycle& cycle, PyObject* exception);
  // The coroutine died without having ended. On any thread, GIL held.
  void orphaned(HttpCycle& cycle) noexcept;

 private:
  void begin(python::GilHeld& gil, HttpCycle& cycle);
  bool run_task(python::GilHeld& gil, CycleObject& object);
  python::PyRef make_task(python::GilHeld& gil, PyObject* coroutine, PyObject* context);
  void tell(python::GilHeld& gil, HttpCycle& cycle);
  void cancel_after_grace(python::GilHeld& gil, HttpCycle& cycle);
  void release(python::GilHeld& gil, HttpCycle& cycle);
  void bury_orphans(python::GilHeld& gil);
  void report(python::GilHeld& gil, HttpCycle& cycle, PyObject* exception);
  void log_error(python::GilHeld& gil, const std::string& text, PyObject* exception);
  void tell_idle(python::GilHeld& gil);

  asyncio::LoopDriver& driver_;
  Host host_;
  ScopeBuilder scopes_;
  LazyTasks lazy_tasks_;
  python::PyRef task_type_;
  python::PyRef task_keywords_;         // ("loop", "context")
  python::PyRef create_task_keywords_;  // ("context",)
  python::PyRef cancelled_error_;
  python::PyRef idle_callback_;

  IntrusiveList<HttpCycle, PendingTag> pending_;
  IntrusiveList<HttpCycle, LiveTag> live_;
  size_t live_count_ = 0;
  std::vector<std::unique_ptr<HttpCycle>> pool_;
  std::vector<HttpCycle*> orphans_;  // guarded by the GIL
  std::optional<uint64_t> disconnect_grace_ms_;
  bool cancelling_ = false;
};

}  // namespace cppcorn::asgi
