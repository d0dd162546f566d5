// The "headers" of a message from the app: any iterable of two-item iterables of bytes. plain()
// checks all of it first, running whatever Python that takes; for_each() then reads it without
// running any, so that the response cannot change under it.
#pragma once

#include <string_view>

#include "workers/python/convert.h"
#include "workers/python/ref.h"

namespace cppcorn::asgi {

// headers itself when it is a list or tuple of pairs of bytes, else a list made of it. Empty with
// TypeError pending that names the message and the header. headers may be nullptr (none given) or
// None.
python::PyRef plain_headers(python::GilHeld& gil, PyObject* headers, const char* message_type);

// visit(name, value) for each pair, until it returns false.
template <typename Visit>
bool for_each_header(PyObject* plain, Visit&& visit) {
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(plain);
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* pair = PySequence_Fast_GET_ITEM(plain, i);
    PyObject** items = PySequence_Fast_ITEMS(pair);
    if (!visit(python::bytes_view(items[0]), python::bytes_view(items[1]))) return false;
  }
  return true;
}

}  // namespace cppcorn::asgi
