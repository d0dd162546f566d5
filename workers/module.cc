// The extension module cppcorn._cppcorn: what workers are made of besides Python. Bindings only; each engine binds
// its own part.
#include <pybind11/pybind11.h>

#include "workers/python/interned.h"
#if __has_include("workers/asgi/binding.h")
#include "workers/asgi/binding.h"
#define CPPCORN_HAS_ASGI 1
#endif

namespace py = pybind11;
namespace python = cppcorn::python;

// Multi-phase initialisation, as free-threaded builds ask for it. The GIL stays on there until the suite has passed
// without it.
PYBIND11_MODULE(_cppcorn, module) {
  auto gil = python::GilHeld::by_interpreter();
  if (!python::intern_all(gil)) throw py::error_already_set();
  module.doc() = "The native part of cppcorn's workers.";
  module.attr("__version__") = CPPCORN_VERSION;
#ifdef CPPCORN_HAS_ASGI
  cppcorn::asgi::bind_asgi(module);
#endif
}
