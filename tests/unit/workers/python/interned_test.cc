#include "workers/python/interned.h"

#include "tests/unit/workers/python_test.h"

namespace cppcorn::python {
namespace {

class InternedTest : public testing::PythonTest {};

TEST_F(InternedTest, EveryConstantIsThereAndIsItsText) {
#define CPPCORN_X(name, text)        \
  ASSERT_NE(interned.name, nullptr); \
  EXPECT_TRUE(PyUnicode_CompareWithASCIIString(interned.name, text) == 0) << text;
  CPPCORN_INTERNED_STR(CPPCORN_X)
#undef CPPCORN_X
#define CPPCORN_X(name, text)        \
  ASSERT_NE(interned.name, nullptr); \
  EXPECT_EQ(bytes_view(interned.name), text);
  CPPCORN_INTERNED_BYTES(CPPCORN_X)
#undef CPPCORN_X
}

// That is what makes an app's "type": "http.response.start" a comparison of pointers.
TEST_F(InternedTest, LiteralsAreTheSameObjects) {
  EXPECT_EQ(eval("'type'").get(), interned.type);
  run("import sys");
  EXPECT_EQ(eval("sys.intern('http.response.start')").get(), interned.http_response_start);
}

TEST_F(InternedTest, FillingItAgainDoesNothing) {
  PyObject* before = interned.type;
  EXPECT_TRUE(intern_all(gil_));
  EXPECT_EQ(interned.type, before);
}

}  // namespace
}  // namespace cppcorn::python
