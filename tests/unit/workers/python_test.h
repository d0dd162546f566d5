// PythonTest: what the tests that need Python share: a namespace of Python code of the test's own,
// made anew for each test, and short ways from C++ into it and back.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "workers/python/convert.h"
#include "workers/python/errors.h"
#include "workers/python/ref.h"

namespace cppcorn::python::testing {

// Takes the pending exception: "ValueError: text", or "none".
inline std::string take_pending(GilHeld& gil) {
  const PyRef exception = take_exception(gil);
  if (!exception) return "none";
  const PyRef text = PyRef::steal(PyObject_Str(exception.get()));
  PyErr_Clear();
  return std::string(Py_TYPE(exception.get())->tp_name) + ": " +
         (text ? to_utf8(gil, text.get()) : "?");
}

class PythonTest : public ::testing::Test {
 protected:
  PythonTest() : gil_(GilHeld::by_interpreter()) {
    globals_ = PyRef::steal(PyDict_New());
    PyDict_SetItemString(globals_.get(), "__builtins__", PyEval_GetBuiltins());
  }

  // Runs statements.
  void run(const std::string& source) {
    const PyRef done =
        PyRef::steal(PyRun_String(source.c_str(), Py_file_input, globals_.get(), globals_.get()));
    ASSERT_TRUE(done) << take_pending(gil_) << "\n" << source;
  }
  // The value of an expression; fails the test, and gives None, when it raises.
  PyRef eval(const std::string& expression) {
    PyRef value = PyRef::steal(
        PyRun_String(expression.c_str(), Py_eval_input, globals_.get(), globals_.get()));
    if (value) return value;
    ADD_FAILURE() << expression << " raised " << take_pending(gil_);
    return PyRef::borrow(Py_None);
  }
  // repr() of an expression's value.
  std::string repr(const std::string& expression) { return repr(eval(expression)); }
  std::string repr(const PyRef& value) {
    const PyRef text = PyRef::steal(value ? PyObject_Repr(value.get()) : nullptr);
    return text ? to_utf8(gil_, text.get()) : "raised " + take_pending(gil_);
  }
  bool truth(const std::string& expression) { return PyObject_IsTrue(eval(expression).get()) == 1; }
  void set(const char* name, const PyRef& value) {
    ASSERT_TRUE(value) << name << ": " << take_pending(gil_);
    ASSERT_EQ(PyDict_SetItemString(globals_.get(), name, value.get()), 0);
  }
  std::string pending() { return take_pending(gil_); }
  // Collects what only cycles keep alive.
  static void collect() { PyGC_Collect(); }

  GilHeld gil_;
  PyRef globals_;
};

}  // namespace cppcorn::python::testing
