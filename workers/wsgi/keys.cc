#include "workers/wsgi/keys.h"

namespace cppcorn::wsgi {

Keys keys;

bool make_keys(python::GilHeld&) noexcept {
#define CPPCORN_X(name, text)                     \
  if (keys.name == nullptr) {                     \
    keys.name = PyUnicode_InternFromString(text); \
    if (keys.name == nullptr) return false;       \
  }
  CPPCORN_WSGI_KEYS(CPPCORN_X)
#undef CPPCORN_X
  return true;
}

}  // namespace cppcorn::wsgi
