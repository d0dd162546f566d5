// References that are dropped where the GIL is not held: bytes of an app that the loop has sent, on
// a thread or in a callback that must not run Python. They wait in one process-wide queue until
// somebody with the GIL empties it.
#pragma once

#include "src/base/buffer_chain.h"
#include "workers/python/ref.h"

namespace cppcorn::python {

// Drops one reference to an object (a PyObject*) at the next drop_queued(). From any thread, GIL or
// not.
void drop_later(void* object) noexcept;
// Something waits for drop_queued(). From any thread.
bool drops_wait() noexcept;
// Drops all that wait. Runs arbitrary Python (__del__): call it where the app may be re-entered.
void drop_queued(GilHeld&) noexcept;
// Nothing is dropped any more from here on: the interpreter is being finalized.
void abandon_queued() noexcept;

// The contents of a bytes object, to be sent without a copy; keeps it alive until sent.
inline ForeignBytes foreign_bytes(GilHeld&, PyObject* bytes) noexcept {
  return {PyBytes_AS_STRING(bytes), static_cast<size_t>(PyBytes_GET_SIZE(bytes)), Py_NewRef(bytes),
          drop_later};
}

}  // namespace cppcorn::python
