// The ASGI worker as Python sees it: cppcorn._cppcorn.AsgiWorker, LoopDriver, ClientDisconnected.
#pragma once

#include <pybind11/pybind11.h>

namespace cppcorn::asgi {

void bind_asgi(pybind11::module_& module);

}  // namespace cppcorn::asgi
