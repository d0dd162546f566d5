// PyRef: owns one reference to a Python object, or none. steal and borrow are the only doors, so
// that every raw PyObject* that enters says which of the two it is. The GIL must be held when a
// PyRef that holds something is copied, assigned or destroyed; a place without the GIL hands its
// references to drop_later() (decref_queue.h).
#pragma once

#include <utility>

#include "workers/python/gil.h"

namespace cppcorn::python {

class PyRef {
 public:
  PyRef() noexcept = default;
  // Takes over a reference that the caller owns ("new reference"); nullptr gives an empty PyRef.
  static PyRef steal(PyObject* owned) noexcept { return PyRef(owned); }
  // Adds a reference of our own to one that stays the caller's ("borrowed reference").
  static PyRef borrow(PyObject* borrowed) noexcept {
    Py_XINCREF(borrowed);
    return PyRef(borrowed);
  }

  PyRef(const PyRef& other) noexcept : object_(other.object_) { Py_XINCREF(object_); }
  PyRef(PyRef&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  PyRef& operator=(PyRef other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~PyRef() { Py_XDECREF(object_); }

  PyObject* get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  // Gives the reference to the caller, for functions that steal or return one.
  [[nodiscard]] PyObject* release() noexcept { return std::exchange(object_, nullptr); }
  // Empties first and drops the reference then: the object's __del__ may look at us.
  void reset() noexcept { Py_XDECREF(std::exchange(object_, nullptr)); }
  // For tp_traverse.
  int traverse(visitproc visit, void* argument) const {
    return object_ == nullptr ? 0 : visit(object_, argument);
  }

 private:
  explicit PyRef(PyObject* owned) noexcept : object_(owned) {}
  PyObject* object_ = nullptr;
};

}  // namespace cppcorn::python
