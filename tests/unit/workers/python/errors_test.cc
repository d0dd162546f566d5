#include "workers/python/errors.h"

#include "tests/unit/workers/python_test.h"

namespace cppcorn::python {
namespace {

class ErrorsTest : public testing::PythonTest {
 protected:
  // Runs statements that raise, and leaves that pending.
  void raise_by(const std::string& source) {
    const PyRef done =
        PyRef::steal(PyRun_String(source.c_str(), Py_file_input, globals_.get(), globals_.get()));
    ASSERT_FALSE(done) << source;
  }
};

TEST_F(ErrorsTest, NothingIsPending) { EXPECT_FALSE(take_exception(gil_)); }

TEST_F(ErrorsTest, TakenAndRaisedAgainItIsTheSameWithItsTraceback) {
  raise_by("def fails():\n  raise KeyError('k')\nfails()");
  PyRef exception = take_exception(gil_);
  EXPECT_EQ(PyErr_Occurred(), nullptr);
  ASSERT_TRUE(exception);
  PyObject* object = exception.get();
  const Py_ssize_t references = Py_REFCNT(object);
  raise_again(gil_, std::move(exception));
  EXPECT_TRUE(PyErr_ExceptionMatches(PyExc_KeyError));
  exception = take_exception(gil_);
  EXPECT_EQ(exception.get(), object);
  EXPECT_EQ(Py_REFCNT(object), references);
  const PyRef traceback = PyRef::steal(PyException_GetTraceback(object));
  EXPECT_TRUE(traceback);
  EXPECT_NE(format_exception(gil_, object).find("in fails"), std::string::npos);
}

TEST_F(ErrorsTest, RaisingNothingAgainRaisesNothing) {
  raise_again(gil_, PyRef());
  EXPECT_EQ(pending(), "none");
}

TEST_F(ErrorsTest, RaiseTakesAnyText) {
  raise(gil_, PyExc_ValueError, "plain");
  EXPECT_EQ(pending(), "ValueError: plain");
  raise(gil_, PyExc_OSError, std::string_view("no \xff UTF-8, cut here", 11));
  EXPECT_EQ(pending(), "OSError: no \xef\xbf\xbd UTF-8,");
}

TEST_F(ErrorsTest, AFormattedExceptionHasItsCausesAndNoLastLineEnd) {
  raise_by("try:\n  1 / 0\nexcept ZeroDivisionError as e:\n  raise ValueError('outer') from e");
  const std::string text = take_traceback(gil_);
  EXPECT_EQ(PyErr_Occurred(), nullptr);
  EXPECT_EQ(text.find("Traceback (most recent call last)"), 0U);
  EXPECT_NE(text.find("ZeroDivisionError: division by zero"), std::string::npos);
  EXPECT_NE(text.find("direct cause"), std::string::npos);
  EXPECT_EQ(text.substr(text.rfind('\n')), "\nValueError: outer");
}

TEST_F(ErrorsTest, ADescriptionIsOneLine) {
  raise_by("raise ValueError('text')");
  const PyRef exception = take_exception(gil_);
  EXPECT_EQ(describe_exception(gil_, exception.get()), "ValueError: text");
}

TEST_F(ErrorsTest, WhatCannotBeFormattedIsDescribed) {
  run("class Bad(Exception):\n  def __str__(self): raise ValueError");
  raise_by("raise Bad");
  const PyRef exception = take_exception(gil_);
  EXPECT_NE(format_exception(gil_, exception.get()).find("Bad"), std::string::npos);
  EXPECT_NE(describe_exception(gil_, exception.get()).find("Bad"), std::string::npos);
  run("import traceback\nkept, traceback.format_exception = traceback.format_exception, None");
  EXPECT_EQ(format_exception(gil_, exception.get()), "Bad (its traceback could not be formatted)");
  run("traceback.format_exception = kept");
}

TEST_F(ErrorsTest, NoTracebackOfNothing) { EXPECT_EQ(take_traceback(gil_), "no exception"); }

TEST_F(ErrorsTest, WhatNobodyCanBeToldGoesToTheHook) {
  run("import sys\nseen = []\nkept = sys.unraisablehook\n"
      "sys.unraisablehook = lambda u: seen.append((repr(u.exc_value), u.object))");
  write_unraisable(gil_, "a place");  // nothing is pending: nothing is said
  raise(gil_, PyExc_ValueError, "lost");
  write_unraisable(gil_, "a place");
  EXPECT_EQ(PyErr_Occurred(), nullptr);
  EXPECT_EQ(repr("seen"), "[(\"ValueError('lost')\", 'a place')]");
  run("sys.unraisablehook = kept");
}

}  // namespace
}  // namespace cppcorn::python
