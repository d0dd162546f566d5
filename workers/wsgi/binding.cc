#include "workers/wsgi/binding.h"

#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <vector>

#include "src/config/settings_json.h"
#include "workers/python/interned.h"
#include "workers/wsgi/file_wrapper.h"
#include "workers/wsgi/input.h"
#include "workers/wsgi/keys.h"
#include "workers/wsgi/server_object.h"
#include "workers/wsgi/start_response.h"

namespace cppcorn::wsgi {

namespace py = pybind11;
using python::GilHeld;
using python::PyRef;

namespace {

// Never destroyed (server_object.h).
using ServerHolder = std::unique_ptr<WsgiServer, py::nodelete>;

ServerHolder make_server(const std::string& settings_json, const py::object& app,
                         const py::object& log, const py::object& errors) {
  auto gil = GilHeld::by_interpreter();
  Result<config::Settings> settings = config::from_json(settings_json);
  if (!settings) throw py::value_error(settings.error().message);
  ServerHolder server(new WsgiServer(std::move(*settings)));
  WsgiServer::Parts parts{PyRef::borrow(app.ptr()), PyRef::borrow(log.ptr()),
                          PyRef::borrow(errors.ptr())};
  if (!server->set_up(gil, std::move(parts))) throw py::error_already_set();
  return server;
}

void start(WsgiServer& server, const std::vector<int>& listeners) {
  auto gil = GilHeld::by_interpreter();
  std::vector<UniqueFd> owned;
  owned.reserve(listeners.size());
  for (const int fd : listeners) owned.emplace_back(fd);
  const Status status = server.start(gil, std::move(owned));
  if (!status) throw std::runtime_error(status.error().message);
}

void run_thread(WsgiServer& server) {
  auto gil = GilHeld::by_interpreter();
  server.run_thread(gil);
}

void wait(WsgiServer& server) {
  auto gil = GilHeld::by_interpreter();
  if (!server.wait(gil)) throw py::error_already_set();
}

}  // namespace

void bind_wsgi(py::module_& module) {
  auto gil = GilHeld::by_interpreter();
  if (!python::intern_all(gil) || !make_keys(gil) || !make_input_type(gil) ||
      !make_file_wrapper_type(gil) || !make_start_response_type(gil)) {
    throw py::error_already_set();
  }
  module.attr("FileWrapper") = py::handle(reinterpret_cast<PyObject*>(file_wrapper_type()));
  py::class_<WsgiServer, ServerHolder>(module, "WsgiServer",
                                       "The server and the engine of a WSGI worker.")
      .def(py::init(&make_server), py::arg("settings_json"), py::arg("app"), py::arg("log"),
           py::arg("errors"))
      .def("follow", &WsgiServer::follow, py::arg("control"))
      .def("start", &start, py::arg("listeners"))
      .def("run_thread", &run_thread)
      .def("wait", &wait)
      .def("drain", [](WsgiServer& server) { server.engine().drain(); })
      .def("stop", [](WsgiServer& server) { server.engine().stop(); });
}

}  // namespace cppcorn::wsgi
