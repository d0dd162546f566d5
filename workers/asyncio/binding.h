// LoopDriver as Python sees it: cppcorn._cppcorn.LoopDriver.
#pragma once

#include <pybind11/pybind11.h>

namespace cppcorn::asyncio {

void bind_asyncio(pybind11::module_& module);

}  // namespace cppcorn::asyncio
