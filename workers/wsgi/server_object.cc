#include "workers/wsgi/server_object.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "workers/wsgi/file_wrapper.h"
#include "workers/wsgi/input.h"

namespace cppcorn::wsgi {

using python::GilHeld;
using python::GilRelease;
using python::PyRef;

namespace {

constexpr const char* kSoftware = "cppcorn/" CPPCORN_VERSION;

PyObject* early_hints(PyObject*, PyObject* headers) {
  auto gil = GilHeld::by_interpreter();
  Responder* responder = AppRunner::current();
  if (responder == nullptr) {
    PyErr_SetString(PyExc_RuntimeError,
                    "early hints are sent from the thread that the request is handled on");
    return nullptr;
  }
  if (!responder->hint(gil, headers)) return nullptr;
  Py_RETURN_NONE;
}

PyMethodDef early_hints_method = {"early_hints", early_hints, METH_O, nullptr};

// Where the app is mounted: --root-path, else $SCRIPT_NAME as gunicorn takes it. Without a slash at
// its end.
std::string script_name(const config::Settings& settings) {
  std::string name = settings.root_path;
  if (name.empty()) {
    if (const char* from_environment = std::getenv("SCRIPT_NAME")) name = from_environment;
  }
  while (!name.empty() && name.back() == '/') name.pop_back();
  if (!name.empty() && name.front() != '/') name.insert(0, "/");
  return name;
}

}  // namespace

PyObject* early_hints_function(GilHeld&) noexcept {
  return PyCFunction_New(&early_hints_method, nullptr);
}

WsgiServer::WsgiServer(config::Settings settings)
    : settings_(std::move(settings)), engine_(settings_), context_{engine_, {}, {}, {}} {}

bool WsgiServer::set_up(GilHeld& gil, Parts parts) {
  if (!make_wakeup_pipe()) {
    PyErr_SetFromErrno(PyExc_OSError);
    return false;
  }
  EnvironFacts facts;
  facts.server_software = kSoftware;
  facts.script_name = script_name(settings_);
  facts.multithread = settings_.threads > 1;
  facts.multiprocess = settings_.workers > 1;
  facts.errors = std::move(parts.errors);
  facts.file_wrapper = PyRef::borrow(reinterpret_cast<PyObject*>(file_wrapper_type()));
  facts.early_hints = PyRef::steal(early_hints_function(gil));
  facts.empty_input = make_input(gil, server::Spool(engine_.spools()));
  if (!facts.early_hints || !facts.empty_input) return false;
  context_.app = std::move(parts.app);
  context_.log = std::move(parts.log);
  return context_.environs.set_up(gil, std::move(facts));
}

void WsgiServer::follow(control::WorkerControl& control) {
  control_ = &control;
  control.set_order_callback([this](control::WorkerControl::Order order, uint64_t) {
    if (order == control::WorkerControl::Order::kStop) {
      engine_.stop();
    } else {
      engine_.drain();
    }
  });
}

Status WsgiServer::start(GilHeld& gil, std::vector<UniqueFd> listeners) {
  const GilRelease release(gil);
  Engine::Callbacks callbacks;
  callbacks.on_draining = [this] {
    if (control_ != nullptr) control_->send_draining();
  };
  callbacks.on_end = [this] {
    ended_.store(true);
    engine_.queue().close();
    [[maybe_unused]] const ssize_t written = ::write(wakeup_write_.get(), "", 1);
  };
  return engine_.start(std::move(listeners), std::move(callbacks));
}

void WsgiServer::run_thread(GilHeld& gil) {
  AppRunner runner(context_);
  runner.run(gil);
}

// --- The main thread's wait ---------------------------------------------------------------------

bool WsgiServer::make_wakeup_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return false;
  wakeup_read_.reset(ends[0]);
  wakeup_write_.reset(ends[1]);
  return true;
}

void WsgiServer::drain_wakeup_pipe() noexcept {
  char bytes[64];
  while (::read(wakeup_read_.get(), bytes, sizeof bytes) > 0) {
  }
}

// signal.set_wakeup_fd(): there is no function of C for it. Returns the one before, -1 for none; -2
// with an exception pending.
int WsgiServer::set_wakeup_fd(GilHeld&, int fd) {
  const PyRef module = PyRef::steal(PyImport_ImportModule("signal"));
  if (!module) return -2;
  const PyRef previous = PyRef::steal(PyObject_CallMethod(module.get(), "set_wakeup_fd", "i", fd));
  return previous ? static_cast<int>(PyLong_AsLong(previous.get())) : -2;
}

// A signal may arrive between the look at the flags and the wait: the pipe keeps it.
bool WsgiServer::wait(GilHeld& gil) {
  const int previous = set_wakeup_fd(gil, wakeup_write_.get());
  if (previous == -2) return false;
  bool good = true;
  while (good && !ended_.load()) {
    {
      const GilRelease release(gil);
      pollfd pipe{wakeup_read_.get(), POLLIN, 0};
      ::poll(&pipe, 1, -1);
    }
    drain_wakeup_pipe();
    good = PyErr_CheckSignals() == 0;
  }
  if (!good || set_wakeup_fd(gil, previous) == -2) return false;
  const GilRelease release(gil);
  engine_.join();
  return true;
}

}  // namespace cppcorn::wsgi
