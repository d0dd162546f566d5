#include "workers/asyncio/binding.h"

#include <memory>

#include "workers/asyncio/loop_driver.h"

namespace cppcorn::asyncio {

namespace py = pybind11;
using python::GilHeld;
using python::PyRef;

namespace {

PyRef borrowed(const py::object& object) { return PyRef::borrow(object.ptr()); }

py::object make_select(LoopDriver& driver, const py::object& inner_select, int inner_fd) {
  auto gil = GilHeld::by_interpreter();
  PyRef select = driver.make_select(gil, borrowed(inner_select), inner_fd);
  if (!select) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(select.release());
}

int wakeup_fd(LoopDriver& driver) {
  auto gil = GilHeld::by_interpreter();
  const int fd = driver.wakeup_fd(gil);
  if (fd < 0) throw py::error_already_set();
  return fd;
}

void forget_selector(LoopDriver& driver) {
  auto gil = GilHeld::by_interpreter();
  driver.forget_selector(gil);
}

void turn(LoopDriver& driver) {
  auto gil = GilHeld::by_interpreter();
  if (!driver.turn(gil)) throw py::error_already_set();
}

}  // namespace

void bind_asyncio(py::module_& module) {
  py::class_<LoopDriver, std::shared_ptr<LoopDriver>>(
      module, "LoopDriver",
      "A libuv loop that runs under an asyncio loop, on the thread that made it.")
      .def(py::init<>())
      .def("make_select", &make_select, py::arg("inner_select"), py::arg("inner_fd"))
      .def_property_readonly("wakeup_fd", &wakeup_fd)
      .def("forget_selector", &forget_selector)
      .def("turn", &turn)
      .def("set_foreign",
           [](LoopDriver& driver, const py::object& request_turn) {
             driver.set_foreign(request_turn.is_none() ? PyRef() : borrowed(request_turn));
           })
      .def_property_readonly("backend_fd", &LoopDriver::backend_fd)
      .def_property_readonly("backend_timeout_ms", &LoopDriver::backend_timeout_ms);
}

}  // namespace cppcorn::asyncio
