// The extension module cppcorn._cppcorn: what workers are made of besides Python. Bindings only:
// here of what both engines share, the control channel and the log; each engine binds its own part.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <vector>

#include "src/base/allocator.h"
#include "src/base/log.h"
#include "src/control/worker_control.h"
#include "workers/asgi/binding.h"
#include "workers/python/interned.h"
#include "workers/wsgi/binding.h"

namespace py = pybind11;
namespace control = cppcorn::control;
namespace logging = cppcorn::log;  // log() is a function of C
using control::WorkerControl;

namespace {

// Its thread guards the worker's end until the process is gone: never destroyed.
using ControlHolder = std::unique_ptr<WorkerControl, py::nodelete>;

ControlHolder connect(int channel) {
  const std::string python = std::to_string(PY_MAJOR_VERSION) + "." +
                             std::to_string(PY_MINOR_VERSION) + "." +
                             std::to_string(PY_MICRO_VERSION);
  auto connected = WorkerControl::connect(cppcorn::UniqueFd(channel), python, CPPCORN_VERSION);
  if (!connected) throw std::runtime_error(connected.error().message);
  return ControlHolder(std::move(connected).value().release());
}

std::vector<int> take_listeners(WorkerControl& self) {
  std::vector<int> descriptors;
  for (cppcorn::UniqueFd& listener : self.take_listeners())
    descriptors.push_back(listener.release());
  return descriptors;
}

void send_failed(WorkerControl& self, const std::string& stage, std::string message,
                 std::string traceback) {
  self.send_failed(stage == "app" ? control::Stage::kApp : control::Stage::kBoot,
                   std::move(message), std::move(traceback));
}

bool bind_to_master(WorkerControl& self) {
  control::install_worker_signal_handlers(self);
  return control::bind_to_master(self.start().master_pid);
}

logging::Level level_of(const std::string& name) {
  if (name == "trace") return logging::Level::kTrace;
  if (name == "debug") return logging::Level::kDebug;
  if (name == "info") return logging::Level::kInfo;
  if (name == "warning") return logging::Level::kWarning;
  return name == "critical" ? logging::Level::kCritical : logging::Level::kError;
}

void set_up_log(const std::string& destination, const std::string& level) {
  const cppcorn::Status status = logging::set_up(destination, level_of(level));
  if (!status) throw std::runtime_error(status.error().message);
}

void write_log(const std::string& level, const std::string& text) {
  if (logging::enabled(level_of(level))) logging::write(level_of(level), text);
}

void bind_control(py::module_& module) {
  module.attr("CONTROL_FD_VARIABLE") = control::kControlFdVariable;
  py::class_<WorkerControl, ControlHolder>(module, "WorkerControl",
                                           "The worker's end of the channel to its master.")
      .def_static("connect", &connect, py::arg("channel"))
      .def_property_readonly("settings_json",
                             [](WorkerControl& self) { return self.start().settings_json; })
      .def_property_readonly("check", [](WorkerControl& self) { return self.start().check; })
      .def_property_readonly("worker_number",
                             [](WorkerControl& self) { return self.start().worker_number; })
      .def("take_listeners", &take_listeners)
      .def("send_ready", &WorkerControl::send_ready, py::arg("kind"), py::arg("reason"),
           py::arg("app"))
      .def("send_failed", &send_failed, py::arg("stage"), py::arg("message"), py::arg("traceback"))
      .def("send_draining", &WorkerControl::send_draining)
      .def("send_bye", &WorkerControl::send_bye);
  module.def("bind_to_master", &bind_to_master, py::arg("control"));
}

}  // namespace

// Multi-phase initialisation, as free-threaded builds ask for it. The GIL stays on there until the
// suite has passed without it.
PYBIND11_MODULE(_cppcorn, module) {
  module.doc() = "The native part of cppcorn's workers.";
  module.attr("__version__") = CPPCORN_VERSION;
  module.def("keep_freed_memory", &cppcorn::keep_freed_memory);
  module.def("set_up_log", &set_up_log, py::arg("destination"), py::arg("level"));
  module.def("log", &write_log, py::arg("level"), py::arg("text"));
  bind_control(module);
  cppcorn::wsgi::bind_wsgi(module);
  cppcorn::asgi::bind_asgi(module);
}
