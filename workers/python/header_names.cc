#include "workers/python/header_names.h"

#include <cstring>

#include "src/base/ascii.h"
#include "workers/python/convert.h"

namespace cppcorn::python {
namespace {

// "user-agent" → "HTTP_USER_AGENT"; the two that CGI names without HTTP_ (RFC 3875 sections 4.1.2
// and 4.1.3).
std::string wsgi_key(std::string_view name) {
  std::string key;
  if (name != "content-type" && name != "content-length") key = "HTTP_";
  for (const char c : name) key.push_back(c == '-' ? '_' : ascii_upper(c));
  return key;
}

// Python 3.12 made what is interned immortal, until 3.12.5: clients must not fill our memory so.
// Py_Version is of the Python that runs, not of the headers.
bool interned_strings_die() noexcept { return Py_Version < 0x030C0000 || Py_Version >= 0x030C0500; }

}  // namespace

PyRef HeaderNames::make(GilHeld& gil, Slot& slot, std::string_view name) noexcept {
  PyRef object =
      form_ == Form::kAsgiBytes ? make_bytes(gil, name) : make_latin1(gil, wsgi_key(name));
  if (!object || name.size() > kNameMax) return object;
  // An environ's keys are looked up by the app's literals, which are interned.
  if (form_ == Form::kWsgiKey && interned_strings_die()) {
    PyObject* text = object.release();
    PyUnicode_InternInPlace(&text);
    object = PyRef::steal(text);
  }
  std::memcpy(slot.name, name.data(), name.size());
  slot.size = static_cast<unsigned char>(name.size());
  slot.object = object;
  return object;
}

}  // namespace cppcorn::python
