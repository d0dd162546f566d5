#include "workers/asgi/file_messages.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "workers/python/interned.h"

namespace cppcorn::asgi {

using python::GilHeld;
using python::interned;
using python::PyRef;

namespace {

// The size of a regular file; nullopt with an exception pending.
std::optional<uint64_t> regular_size(int fd, const char* message_name) {
  struct stat status;
  if (fstat(fd, &status) != 0) {
    PyErr_SetFromErrno(PyExc_OSError);
    return std::nullopt;
  }
  if (S_ISREG(status.st_mode)) return static_cast<uint64_t>(status.st_size);
  PyErr_Format(PyExc_ValueError, "%s: only regular files can be sent", message_name);
  return std::nullopt;
}

// Where reading would go on. A Python file knows better than its descriptor, which may have been
// read ahead.
std::optional<uint64_t> position_of(PyObject* file, int fd) {
  if (PyLong_Check(file)) {
    const off_t position = lseek(fd, 0, SEEK_CUR);
    if (position >= 0) return static_cast<uint64_t>(position);
    PyErr_SetFromErrno(PyExc_OSError);
    return std::nullopt;
  }
  const PyRef told = PyRef::steal(PyObject_CallMethod(file, "tell", nullptr));
  const long long position = told ? PyLong_AsLongLong(told.get()) : -1;
  if (position >= 0) return static_cast<uint64_t>(position);
  if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "the file's tell() gave no position");
  return std::nullopt;
}

bool move_position(PyObject* file, int fd, uint64_t position) {
  if (PyLong_Check(file)) return lseek(fd, static_cast<off_t>(position), SEEK_SET) >= 0;
  const PyRef moved =
      PyRef::steal(PyObject_CallMethod(file, "seek", "L", static_cast<long long>(position)));
  return static_cast<bool>(moved);
}

}  // namespace

std::optional<FileRange> open_path(GilHeld&, const Message& message) {
  const PyRef path = message.get(interned.path);
  if (!path) {
    if (!PyErr_Occurred())
      PyErr_Format(PyExc_ValueError, "%s: \"path\" is missing", message.name());
    return std::nullopt;
  }
  PyObject* encoded = nullptr;  // of str, bytes or os.PathLike
  if (PyUnicode_FSConverter(path.get(), &encoded) == 0) return std::nullopt;
  const PyRef name = PyRef::steal(encoded);
  // O_NONBLOCK: opening a FIFO must not stop the worker; it is refused below.
  UniqueFd fd(open(PyBytes_AS_STRING(name.get()), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) {
    PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path.get());
    return std::nullopt;
  }
  const std::optional<uint64_t> size = regular_size(fd.get(), message.name());
  if (!size) return std::nullopt;
  return FileRange{std::make_shared<UniqueFd>(std::move(fd)), 0, *size};
}

std::optional<FileRange> duplicate_file(GilHeld&, const Message& message) {
  const PyRef file = message.get(interned.file);
  if (!file) {
    if (!PyErr_Occurred())
      PyErr_Format(PyExc_ValueError, "%s: \"file\" is missing", message.name());
    return std::nullopt;
  }
  const int fd = PyObject_AsFileDescriptor(file.get());
  if (fd < 0) return std::nullopt;
  bool valid = true;
  const std::optional<uint64_t> size = regular_size(fd, message.name());
  if (!size) return std::nullopt;
  const std::optional<uint64_t> wanted_offset = message.number(interned.offset, &valid);
  if (!valid) return std::nullopt;
  const std::optional<uint64_t> wanted_count = message.number(interned.count, &valid);
  if (!valid) return std::nullopt;

  const std::optional<uint64_t> offset =
      wanted_offset ? wanted_offset : position_of(file.get(), fd);
  if (!offset) return std::nullopt;
  const uint64_t available = *offset < *size ? *size - *offset : 0;
  const uint64_t count = std::min(wanted_count.value_or(available), available);
  UniqueFd duplicate(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!duplicate.valid()) {
    PyErr_SetFromErrno(PyExc_OSError);
    return std::nullopt;
  }
  if (!wanted_offset && !move_position(file.get(), fd, *offset + count)) {
    if (!PyErr_Occurred()) PyErr_SetFromErrno(PyExc_OSError);
    return std::nullopt;
  }
  return FileRange{std::make_shared<UniqueFd>(std::move(duplicate)), *offset, count};
}

}  // namespace cppcorn::asgi
