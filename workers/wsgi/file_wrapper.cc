#include "workers/wsgi/file_wrapper.h"

#include <fcntl.h>
#include <structmember.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "workers/python/interned.h"
#include "workers/wsgi/keys.h"

namespace cppcorn::wsgi {

using python::GilHeld;
using python::interned;
using python::PyRef;

namespace {

constexpr Py_ssize_t kBlockBytes = 8192;

struct FileWrapperObject {
  PyObject_HEAD PyObject* file;
  Py_ssize_t block_bytes;
  bool begun;  // somebody has iterated over it: what is left must be iterated too
};

PyTypeObject* type_object = nullptr;
// io.FileIO, io.BufferedReader, io.BufferedRandom.
PyObject* raw_file_type = nullptr;
PyObject* reader_type = nullptr;
PyObject* random_type = nullptr;

FileWrapperObject* cast(PyObject* self) noexcept {
  return reinterpret_cast<FileWrapperObject*>(self);
}

PyObject* make_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"filelike", "blksize", nullptr};
  PyObject* file;
  Py_ssize_t block_bytes = kBlockBytes;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|n", const_cast<char**>(names), &file,
                                   &block_bytes)) {
    return nullptr;
  }
  if (block_bytes <= 0) {
    PyErr_SetString(PyExc_ValueError, "blksize must be positive");
    return nullptr;
  }
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  cast(self)->file = Py_NewRef(file);
  cast(self)->block_bytes = block_bytes;
  return self;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(cast(self)->file);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(cast(self)->file);
  return 0;
}

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  clear(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* next(PyObject* self) {
  cast(self)->begun = true;
  PyRef block =
      PyRef::steal(PyObject_CallMethod(cast(self)->file, "read", "n", cast(self)->block_bytes));
  if (!block) return nullptr;
  const int filled = PyObject_IsTrue(block.get());
  return filled > 0 ? block.release() : nullptr;  // an empty block ends the iteration
}

PyObject* close(PyObject* self, PyObject*) {
  const PyRef function = PyRef::steal(PyObject_GetAttr(cast(self)->file, interned.close));
  if (function) return PyObject_CallNoArgs(function.get());
  if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return nullptr;
  PyErr_Clear();
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"close", close, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef members[] = {
    {"filelike", T_OBJECT, offsetof(FileWrapperObject, file), READONLY, nullptr},
    {"blksize", T_PYSSIZET, offsetof(FileWrapperObject, block_bytes), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

bool make_io_types() noexcept {
  const PyRef io = PyRef::steal(PyImport_ImportModule("io"));
  if (!io) return false;
  raw_file_type = PyObject_GetAttrString(io.get(), "FileIO");
  reader_type = PyObject_GetAttrString(io.get(), "BufferedReader");
  random_type = PyObject_GetAttrString(io.get(), "BufferedRandom");
  return raw_file_type != nullptr && reader_type != nullptr && random_type != nullptr;
}

bool is_exactly(PyObject* object, PyObject* type) noexcept {
  return reinterpret_cast<PyObject*>(Py_TYPE(object)) == type;
}

// An attribute, or nothing, and nothing pending.
PyRef attribute(PyObject* object, PyObject* name) noexcept {
  PyRef found = PyRef::steal(PyObject_GetAttr(object, name));
  if (!found) PyErr_Clear();
  return found;
}

// The file of io's own whose read() this is (an object may hand out that of a file that it holds,
// as Django's File does), or nothing. PEP 3333 asks that the bytes be those that read() gives: a
// GzipFile has a descriptor too, but of the compressed file.
PyRef plain_file_of(PyObject* file) {
  const PyRef read = attribute(file, interned.read);
  if (!read || !PyCFunction_Check(read.get())) return {};
  PyRef owner = PyRef::borrow(PyCFunction_GET_SELF(read.get()));
  if (!owner || is_exactly(owner.get(), raw_file_type)) return owner;
  if (!is_exactly(owner.get(), reader_type) && !is_exactly(owner.get(), random_type)) return {};
  const PyRef raw = attribute(owner.get(), keys.raw);
  return raw && is_exactly(raw.get(), raw_file_type) ? owner : PyRef();
}

// The result of a method without arguments as a number; -1, and nothing pending, when there is
// none.
long long number_from(PyObject* object, PyObject* method) {
  const PyRef result = PyRef::steal(PyObject_CallMethodNoArgs(object, method));
  const long long number = result ? PyLong_AsLongLong(result.get()) : -1;
  if (PyErr_Occurred()) PyErr_Clear();
  return number;
}

}  // namespace

PyTypeObject* file_wrapper_type() noexcept { return type_object; }

bool make_file_wrapper_type(GilHeld&) noexcept {
  if (type_object != nullptr) return true;
  if (!make_io_types()) return false;
  PyType_Slot slots[] = {
      {Py_tp_new, reinterpret_cast<void*>(make_new)},
      {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
      {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
      {Py_tp_clear, reinterpret_cast<void*>(clear)},
      {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
      {Py_tp_iternext, reinterpret_cast<void*>(next)},
      {Py_tp_methods, methods},
      {Py_tp_members, members},
      {0, nullptr},
  };
  PyType_Spec spec = {"cppcorn._cppcorn.FileWrapper", sizeof(FileWrapperObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};
  type_object = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return type_object != nullptr;
}

std::optional<FileRange> file_range_of(GilHeld&, PyObject* wrapper) {
  if (cast(wrapper)->begun) return std::nullopt;
  const PyRef plain = plain_file_of(cast(wrapper)->file);
  if (!plain) return std::nullopt;
  PyObject* file = plain.get();
  const long long fd = number_from(file, interned.fileno);
  struct stat status;
  if (fd < 0 || fd > INT_MAX || ::fstat(static_cast<int>(fd), &status) != 0 ||
      !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  // A buffered file's own position is not its descriptor's.
  const long long position = number_from(file, keys.tell);
  // Nothing more to be seen: an end, or a file such as those of /proc, which have no size.
  if (position < 0 || status.st_size <= position) return std::nullopt;
  // The app may close its file as soon as it gets close(): the response keeps its own descriptor.
  UniqueFd own(::fcntl(static_cast<int>(fd), F_DUPFD_CLOEXEC, 0));
  if (!own.valid()) return std::nullopt;
  return FileRange{std::make_shared<UniqueFd>(std::move(own)), static_cast<uint64_t>(position),
                   static_cast<uint64_t>(status.st_size - position)};
}

}  // namespace cppcorn::wsgi
