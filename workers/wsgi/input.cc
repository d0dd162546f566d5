#include "workers/wsgi/input.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "workers/python/convert.h"

namespace cppcorn::wsgi {

using python::GilHeld;
using python::GilRelease;
using python::PyRef;

namespace {

constexpr size_t kToTheEnd = SIZE_MAX;
// Of a file, or of a streaming body, at a time when the end of a line is looked for.
constexpr size_t kLineBlock = 8192;

// Where the bytes come from. One for received and one for streaming bodies; errors are Python
// exceptions. It lets go of the GIL while it waits: another thread of the app's that would read
// meanwhile gets an exception.
class Source {
 public:
  virtual ~Source() = default;
  // Up to count bytes as a bytes object, fewer only at the end of the body.
  virtual PyRef read(GilHeld& gil, size_t count) = 0;
  // How many bytes the next line has, its "\n" included, but at most max. False with an exception
  // pending.
  virtual bool find_line(GilHeld& gil, size_t max, size_t* length) = 0;
  virtual bool seekable() const noexcept { return false; }
  virtual uint64_t position() const noexcept { return 0; }
  virtual uint64_t size() const noexcept { return 0; }
  virtual void seek(uint64_t) noexcept {}
  virtual void detach() noexcept {}

 protected:
  bool check_free() const {
    if (!busy_) return true;
    PyErr_SetString(PyExc_RuntimeError, "another thread is reading this body");
    return false;
  }
  bool busy_ = false;
};

class ReceivedSource final : public Source {
 public:
  explicit ReceivedSource(server::Spool body) noexcept : body_(std::move(body)) {}

  PyRef read(GilHeld& gil, size_t count) override {
    count = static_cast<size_t>(std::min<uint64_t>(count, left()));
    PyRef bytes = PyRef::steal(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(count)));
    if (!bytes || !copy(gil, position_, PyBytes_AS_STRING(bytes.get()), count)) return {};
    position_ += count;
    return bytes;
  }

  bool find_line(GilHeld& gil, size_t max, size_t* length) override {
    max = static_cast<size_t>(std::min<uint64_t>(max, left()));
    if (body_.in_memory()) {
      *length = line_length(body_.view().substr(static_cast<size_t>(position_), max));
      return true;
    }
    char block[kLineBlock];
    for (size_t seen = 0; seen < max;) {
      const size_t count = std::min(sizeof block, max - seen);
      if (!copy(gil, position_ + seen, block, count)) return false;
      const void* end = std::memchr(block, '\n', count);
      if (end != nullptr) {
        *length = seen + static_cast<size_t>(static_cast<const char*>(end) - block) + 1;
        return true;
      }
      seen += count;
    }
    *length = max;
    return true;
  }

  bool seekable() const noexcept override { return true; }
  uint64_t position() const noexcept override { return position_; }
  uint64_t size() const noexcept override { return body_.size(); }
  void seek(uint64_t position) noexcept override { position_ = position; }

 private:
  uint64_t left() const noexcept { return body_.size() - std::min(position_, body_.size()); }

  static size_t line_length(std::string_view text) noexcept {
    const size_t end = text.find('\n');
    return end == std::string_view::npos ? text.size() : end + 1;
  }

  bool copy(GilHeld& gil, uint64_t from, char* to, size_t count) {
    size_t got = 0;
    bool good;
    if (body_.in_memory()) {
      good = body_.read(from, to, count, &got);
    } else {
      if (!check_free()) return false;
      busy_ = true;
      {
        const GilRelease release(gil);
        good = body_.read(from, to, count, &got);
      }
      busy_ = false;
    }
    if (good) return true;
    errno = body_.error_number();
    PyErr_SetFromErrno(PyExc_OSError);
    return false;
  }

  server::Spool body_;
  uint64_t position_ = 0;
};

class StreamingSource final : public Source {
 public:
  StreamingSource(Outbox& outbox, Call& call) noexcept : outbox_(outbox), call_(&call) {}

  PyRef read(GilHeld& gil, size_t count) override {
    if (!check_free()) return {};
    while (buffer_.size() < count && !ended_) {
      if (!fetch(gil, count == kToTheEnd ? 0 : count - buffer_.size())) return {};
    }
    count = std::min(count, buffer_.size());
    PyRef bytes = python::make_bytes(gil, buffer_.view().substr(0, count));
    if (bytes) buffer_.consume(count);
    return bytes;
  }

  bool find_line(GilHeld& gil, size_t max, size_t* length) override {
    if (!check_free()) return false;
    for (size_t seen = 0;;) {
      const size_t end = buffer_.view().find('\n', seen);
      if (end != std::string_view::npos || buffer_.size() >= max || ended_) {
        *length = std::min(max, end == std::string_view::npos ? buffer_.size() : end + 1);
        return true;
      }
      seen = buffer_.size();
      if (!fetch(gil, kLineBlock)) return false;
    }
  }

  void detach() noexcept override {
    Call* call = std::exchange(call_, nullptr);
    if (call != nullptr && busy_) outbox_.end_reading(*call, over_);
  }

 private:
  bool fetch(GilHeld& gil, size_t count) {
    const size_t before = buffer_.size();
    bool good = false;
    if (Call* call = call_; call != nullptr) {
      call->asked_for_body = busy_ = true;
      {
        const GilRelease release(gil);
        good = outbox_.read_body(*call, over_, buffer_, count);
      }
      busy_ = false;
    }
    ended_ = good && buffer_.size() == before;
    if (good) return true;
    if (call_ == nullptr) {
      PyErr_SetString(PyExc_ValueError, "the request is over: its body can no longer be read");
    } else {
      PyErr_SetString(PyExc_ConnectionResetError, "the client did not send the whole body");
    }
    return false;
  }

  Outbox& outbox_;
  Call* call_;
  bool over_ = false;  // guarded by the outbox's mutex
  ByteBuffer buffer_;
  bool ended_ = false;
};

struct InputObject {
  PyObject_HEAD std::unique_ptr<Source> source;
};

PyTypeObject* input_type = nullptr;

Source& source_of(PyObject* self) noexcept { return *reinterpret_cast<InputObject*>(self)->source; }

PyRef make(GilHeld&, std::unique_ptr<Source> source) noexcept {
  auto* object = reinterpret_cast<InputObject*>(input_type->tp_alloc(input_type, 0));
  if (object == nullptr) return {};
  new (&object->source) std::unique_ptr<Source>(std::move(source));
  return PyRef::steal(reinterpret_cast<PyObject*>(object));
}

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  reinterpret_cast<InputObject*>(self)->source.~unique_ptr();
  type->tp_free(self);
  Py_DECREF(type);
}

// The argument of read() and its kin: None and negative numbers mean all. False with an exception
// pending.
bool size_argument(PyObject* const* args, Py_ssize_t count, size_t* size) {
  *size = kToTheEnd;
  if (count > 1) {
    PyErr_Format(PyExc_TypeError, "expected at most 1 argument, got %zd", count);
    return false;
  }
  if (count == 0 || args[0] == Py_None) return true;
  const Py_ssize_t value = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
  if (value == -1 && PyErr_Occurred()) return false;
  if (value >= 0) *size = static_cast<size_t>(value);
  return true;
}

PyRef read_line(GilHeld& gil, PyObject* self, size_t max) {
  size_t length = 0;
  if (!source_of(self).find_line(gil, max, &length)) return {};
  return source_of(self).read(gil, length);
}

PyObject* read(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  auto gil = GilHeld::by_interpreter();
  size_t size;
  if (!size_argument(args, count, &size)) return nullptr;
  return source_of(self).read(gil, size).release();
}

PyObject* readline(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  auto gil = GilHeld::by_interpreter();
  size_t size;
  if (!size_argument(args, count, &size)) return nullptr;
  return read_line(gil, self, size).release();
}

// All lines, or as many as have about the hinted number of bytes (io.IOBase.readlines).
PyObject* readlines(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  auto gil = GilHeld::by_interpreter();
  size_t hint;
  if (!size_argument(args, count, &hint)) return nullptr;
  if (hint == 0) hint = kToTheEnd;
  PyRef lines = PyRef::steal(PyList_New(0));
  if (!lines) return nullptr;
  for (size_t seen = 0; seen < hint;) {
    const PyRef line = read_line(gil, self, kToTheEnd);
    if (!line) return nullptr;
    if (PyBytes_GET_SIZE(line.get()) == 0) break;
    if (PyList_Append(lines.get(), line.get()) != 0) return nullptr;
    seen += static_cast<size_t>(PyBytes_GET_SIZE(line.get()));
  }
  return lines.release();
}

PyObject* readinto(PyObject* self, PyObject* target) {
  auto gil = GilHeld::by_interpreter();
  Py_buffer buffer;
  if (PyObject_GetBuffer(target, &buffer, PyBUF_WRITABLE) != 0) return nullptr;
  const PyRef bytes = source_of(self).read(gil, static_cast<size_t>(buffer.len));
  Py_ssize_t got = -1;
  if (bytes) {
    got = PyBytes_GET_SIZE(bytes.get());
    std::memcpy(buffer.buf, PyBytes_AS_STRING(bytes.get()), static_cast<size_t>(got));
  }
  PyBuffer_Release(&buffer);
  return got < 0 ? nullptr : PyLong_FromSsize_t(got);
}

PyObject* next(PyObject* self) {
  auto gil = GilHeld::by_interpreter();
  PyRef line = read_line(gil, self, kToTheEnd);
  if (line && PyBytes_GET_SIZE(line.get()) == 0) return nullptr;  // the end of the iteration
  return line.release();
}

bool check_seekable(PyObject* self) {
  if (source_of(self).seekable()) return true;
  PyErr_SetString(PyExc_OSError, "a body that streams is not seekable (--request-buffering off)");
  return false;
}

PyObject* seek(PyObject* self, PyObject* args) {
  long long offset;
  int whence = 0;
  if (!PyArg_ParseTuple(args, "L|i", &offset, &whence) || !check_seekable(self)) return nullptr;
  Source& source = source_of(self);
  const uint64_t base = whence == 1 ? source.position() : whence == 2 ? source.size() : 0;
  const bool too_far = __builtin_add_overflow(offset, static_cast<long long>(base), &offset);
  if (whence < 0 || whence > 2 || offset < 0 || too_far) {
    PyErr_SetString(PyExc_ValueError, "invalid whence, or a position before the beginning");
    return nullptr;
  }
  source.seek(static_cast<uint64_t>(offset));
  return PyLong_FromLongLong(offset);
}

PyObject* tell(PyObject* self, PyObject*) {
  if (!check_seekable(self)) return nullptr;
  return PyLong_FromUnsignedLongLong(source_of(self).position());
}

PyObject* seekable(PyObject* self, PyObject*) {
  return PyBool_FromLong(source_of(self).seekable());
}
PyObject* say_true(PyObject*, PyObject*) { Py_RETURN_TRUE; }
PyObject* say_false(PyObject*, PyObject*) { Py_RETURN_FALSE; }
PyObject* get_false(PyObject*, void*) { Py_RETURN_FALSE; }
// The server owns the body: an app (or a TextIOWrapper that it lets go of) cannot take it from
// another.
PyObject* do_nothing(PyObject*, PyObject*) { Py_RETURN_NONE; }

PyMethodDef methods[] = {
    {"read", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(read)), METH_FASTCALL, nullptr},
    {"read1", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(read)), METH_FASTCALL, nullptr},
    {"readline", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(readline)), METH_FASTCALL,
     nullptr},
    {"readlines", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(readlines)), METH_FASTCALL,
     nullptr},
    {"readinto", readinto, METH_O, nullptr},
    {"seek", seek, METH_VARARGS, nullptr},
    {"tell", tell, METH_NOARGS, nullptr},
    {"seekable", seekable, METH_NOARGS, nullptr},
    {"readable", say_true, METH_NOARGS, nullptr},
    {"writable", say_false, METH_NOARGS, nullptr},
    {"flush", do_nothing, METH_NOARGS, nullptr},
    {"close", do_nothing, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"closed", get_false, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

}  // namespace

bool make_input_type(GilHeld&) noexcept {
  if (input_type != nullptr) return true;
  PyType_Slot slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
      {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
      {Py_tp_iternext, reinterpret_cast<void*>(next)},
      {Py_tp_methods, methods},
      {Py_tp_getset, attributes},
      {0, nullptr},
  };
  PyType_Spec spec = {"cppcorn._cppcorn.Input", sizeof(InputObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  input_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return input_type != nullptr;
}

PyRef make_input(GilHeld& gil, server::Spool body) noexcept {
  try {
    return make(gil, std::make_unique<ReceivedSource>(std::move(body)));
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
    return {};
  }
}

PyRef make_streaming_input(GilHeld& gil, Outbox& outbox, Call& call) noexcept {
  try {
    return make(gil, std::make_unique<StreamingSource>(outbox, call));
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
    return {};
  }
}

void detach_input(GilHeld&, PyObject* input) noexcept { source_of(input).detach(); }

}  // namespace cppcorn::wsgi
