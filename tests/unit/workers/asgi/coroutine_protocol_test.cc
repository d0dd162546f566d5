#include "workers/asgi/coroutine_protocol.h"

#include "tests/unit/workers/python_test.h"

namespace cppcorn::asgi {
namespace {

using python::PyRef;

class CoroutineProtocolTest : public python::testing::PythonTest {
 protected:
  std::string thrown(const std::string& arguments) {
    const PyRef tuple = eval("(" + arguments + ",)");
    raise_thrown(PySequence_Fast_ITEMS(tuple.get()), PyTuple_GET_SIZE(tuple.get()));
    return pending();
  }
  std::string returned(const std::string& value) {
    PyObject* result = eval(value).release();
    EXPECT_EQ(from_send_result(PYGEN_RETURN, &result), nullptr);
    const PyRef stop = python::take_exception(gil_);
    EXPECT_TRUE(PyErr_GivenExceptionMatches(stop.get(), PyExc_StopIteration));
    return repr(PyRef::steal(PyObject_GetAttrString(stop.get(), "value")));
  }
};

TEST_F(CoroutineProtocolTest, WhatIsReturnedIsTheStopIterationsValue) {
  EXPECT_EQ(returned("None"), "None");
  EXPECT_EQ(returned("5"), "5");
  EXPECT_EQ(returned("(1, 2)"), "(1, 2)") << "not taken apart";
  EXPECT_EQ(returned("ValueError('x')"), "ValueError('x')") << "not raised";
}

TEST_F(CoroutineProtocolTest, WhatIsYieldedIsGivenOn) {
  PyObject* result = PyList_New(0);
  const PyRef yielded = PyRef::steal(from_send_result(PYGEN_NEXT, &result));
  EXPECT_EQ(yielded.get(), result);
  EXPECT_EQ(Py_REFCNT(result), 1);
}

TEST_F(CoroutineProtocolTest, ThrowTakesOneToThree) {
  EXPECT_EQ(thrown("ValueError('x')"), "ValueError: x");
  EXPECT_EQ(thrown("ValueError"), "ValueError: ");
  EXPECT_EQ(thrown("ValueError, 'x'"), "ValueError: x");
  EXPECT_EQ(thrown("ValueError, None, None"), "ValueError: ");
  EXPECT_EQ(thrown("5").find("TypeError: exceptions must be"), 0U);
  EXPECT_EQ(thrown("1, 2, 3, 4"), "TypeError: throw() takes 1 to 3 arguments");
}

TEST_F(CoroutineProtocolTest, WhatCanBeAwaited) {
  run("import types\n"
      "async def coroutine(): pass\n"
      "@types.coroutine\ndef generator(): yield\n"
      "class Awaitable:\n  def __await__(self): return iter(())\n"
      "class Liar:\n  def __await__(self): return 5\n"
      "made = coroutine()");
  const PyRef made = eval("made");
  EXPECT_EQ(awaited(gil_, made).get(), made.get()) << "a coroutine is its own";
  run("made.close()");
  EXPECT_TRUE(awaited(gil_, eval("generator()")));
  EXPECT_TRUE(awaited(gil_, eval("Awaitable()")));
  EXPECT_FALSE(awaited(gil_, eval("Liar()")));
  EXPECT_EQ(pending(), "TypeError: __await__() of Liar returned no iterator");
  EXPECT_FALSE(awaited(gil_, eval("[b'WSGI']")));
  EXPECT_NE(pending().find("returned list, not an awaitable"), std::string::npos);
}

}  // namespace
}  // namespace cppcorn::asgi
