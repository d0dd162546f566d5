#include "workers/python/interned.h"

namespace cppcorn::python {

Interned interned;

bool intern_all(GilHeld&) noexcept {
  static bool complete = false;
  if (complete) return true;
#define CPPCORN_X(name, text) \
  if ((interned.name = PyUnicode_InternFromString(text)) == nullptr) return false;
  CPPCORN_INTERNED_STR(CPPCORN_X)
#undef CPPCORN_X
#define CPPCORN_X(name, text) \
  if ((interned.name = PyBytes_FromStringAndSize(text, sizeof(text) - 1)) == nullptr) return false;
  CPPCORN_INTERNED_BYTES(CPPCORN_X)
#undef CPPCORN_X
  complete = true;
  return true;
}

}  // namespace cppcorn::python
