// FileWrapper: wsgi.file_wrapper (PEP 3333, "Optional Platform-Specific File Handling"): an
// iterable over a file in blocks, which the server sends by sendfile when it gets it back as it
// was.
//
// A Python object of the app's; the server looks into it only on the thread that the app ran on.
#pragma once

#include <optional>

#include "src/base/buffer_chain.h"
#include "workers/python/ref.h"

namespace cppcorn::wsgi {

// Makes the type. Once, from the module's initialisation. False with an exception pending.
bool make_file_wrapper_type(python::GilHeld& gil) noexcept;
PyTypeObject* file_wrapper_type() noexcept;

// The rest of its file, from the position on, when it is a regular file whose read() gives the
// bytes of its descriptor; nothing when it has to be read in blocks.
std::optional<FileRange> file_range_of(python::GilHeld& gil, PyObject* wrapper);

}  // namespace cppcorn::wsgi
