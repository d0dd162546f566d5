#include "workers/asgi/binding.h"

#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <vector>

#include "src/config/settings_json.h"
#include "workers/asgi/awaitable.h"
#include "workers/asgi/cycle_object.h"
#include "workers/asgi/send.h"
#include "workers/asgi/worker.h"
#include "workers/asyncio/binding.h"
#include "workers/python/errors.h"
#include "workers/python/interned.h"

namespace cppcorn::asgi {

namespace py = pybind11;
using python::GilHeld;
using python::PyRef;

namespace {

PyRef ref_of(const py::object& object) {
  return object.is_none() ? PyRef() : PyRef::borrow(object.ptr());
}

std::unique_ptr<AsgiWorker> make_worker(std::shared_ptr<asyncio::LoopDriver> driver,
                                        const std::string& settings_json,
                                        const std::vector<int>& listeners) {
  Result<config::Settings> settings = config::from_json(settings_json);
  if (!settings) throw py::value_error(settings.error().message);
  std::vector<UniqueFd> owned;
  owned.reserve(listeners.size());
  for (const int fd : listeners) owned.emplace_back(fd);
  return std::make_unique<AsgiWorker>(std::move(driver), std::move(*settings), std::move(owned));
}

void start(AsgiWorker& worker, const py::object& app, const py::object& loop,
           const py::object& context, const py::object& create_task, bool lazy_tasks,
           const py::object& state, const py::object& log_exception) {
  auto gil = GilHeld::by_interpreter();
  Engine::Host host{.app = ref_of(app),
                    .loop = ref_of(loop),
                    .context = ref_of(context),
                    .create_task = ref_of(create_task),
                    .lazy_tasks = lazy_tasks,
                    .state = ref_of(state),
                    .log_exception = ref_of(log_exception)};
  if (!worker.start(gil, std::move(host))) throw py::error_already_set();
}

void drain(AsgiWorker& worker, const py::object& on_drained) {
  auto gil = GilHeld::by_interpreter();
  worker.drain(gil, ref_of(on_drained));
}

void when_idle(AsgiWorker& worker, const py::object& callback) {
  auto gil = GilHeld::by_interpreter();
  worker.engine().when_idle(gil, ref_of(callback));
}

void cancel_tasks(AsgiWorker& worker) {
  auto gil = GilHeld::by_interpreter();
  worker.engine().cancel_tasks(gil);
}

void stop(AsgiWorker& worker) {
  auto gil = GilHeld::by_interpreter();
  worker.stop(gil);
}

void close(AsgiWorker& worker) {
  auto gil = GilHeld::by_interpreter();
  worker.close(gil);
}

}  // namespace

void bind_asgi(py::module_& module) {
  auto gil = GilHeld::by_interpreter();
  if (!python::intern_all(gil) || !prepare_send(gil) || !prepare_awaitable_types(gil) ||
      !prepare_cycle_type(gil)) {
    throw py::error_already_set();
  }
  asyncio::bind_asyncio(module);
  module.attr("ClientDisconnected") = py::handle(client_disconnected_type());
  py::class_<AsgiWorker>(module, "AsgiWorker",
                         "The server and the engine of an ASGI worker, on the loop of a driver.")
      .def(py::init(&make_worker), py::arg("driver"), py::arg("settings_json"),
           py::arg("listeners"))
      .def("start", &start, py::arg("app"), py::arg("loop"), py::arg("context"),
           py::arg("create_task"), py::arg("lazy_tasks"), py::arg("state"),
           py::arg("log_exception"))
      .def(
          "follow",
          [](AsgiWorker& worker, control::WorkerControl& control, const py::object& on_order) {
            worker.follow(control, ref_of(on_order));
          },
          py::arg("control"), py::arg("on_order"), py::keep_alive<1, 2>())
      .def("drain", &drain, py::arg("on_drained"))
      .def("when_idle", &when_idle, py::arg("callback"))
      .def("cancel_tasks", &cancel_tasks)
      .def("stop", &stop)
      .def("close", &close)
      .def_property_readonly("tasks", [](AsgiWorker& worker) { return worker.engine().tasks(); })
      .def_property_readonly("connections", &AsgiWorker::connections)
      .def_property_readonly("requests_in_flight", &AsgiWorker::requests_in_flight);
}

}  // namespace cppcorn::asgi
