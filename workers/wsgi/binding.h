// The WSGI engine as Python sees it: _cppcorn.WsgiServer.
#pragma once

#include <pybind11/pybind11.h>

namespace cppcorn::wsgi {

void bind_wsgi(pybind11::module_& module);

}  // namespace cppcorn::wsgi
