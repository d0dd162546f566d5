#include "workers/asgi/header_pairs.h"

#include "tests/unit/workers/python_test.h"

namespace cppcorn::asgi {
namespace {

using python::PyRef;

class HeaderPairsTest : public python::testing::PythonTest {
 protected:
  // "a=b; c=d;", or what was refused.
  std::string read(const std::string& expression) {
    const PyRef given = eval(expression);
    const PyRef plain = plain_headers(gil_, given.get(), "a.message");
    if (!plain) return pending();
    std::string text;
    for_each_header(plain.get(), [&](std::string_view name, std::string_view value) {
      text.append(name).append("=").append(value).append("; ");
      return true;
    });
    return text;
  }
};

TEST_F(HeaderPairsTest, AnyIterableOfPairs) {
  for (const char* form : {"[(b'a', b'b'), (b'c', b'd')]", "([b'a', b'b'], [b'c', b'd'])",
                           "{b'a': b'b', b'c': b'd'}."
                           "items()",
                           "iter([(b'a', b'b'), iter([b'c', b'd'])])",
                           "((x, y) for x, y in [(b'a', b'b'), (b'c', "
                           "b'd')])"}) {
    EXPECT_EQ(read(form), "a=b; c=d; ") << form;
  }
  EXPECT_EQ(read("None"), "");
  EXPECT_EQ(read("[]"), "");
  EXPECT_TRUE(plain_headers(gil_, nullptr, "a.message"));
}

TEST_F(HeaderPairsTest, WhatIsPlainIsNotCopied) {
  const PyRef given = eval("[(b'a', b'b')]");
  EXPECT_EQ(plain_headers(gil_, given.get(), "a.message").get(), given.get());
}

TEST_F(HeaderPairsTest, RefusalsNameTheHeader) {
  EXPECT_EQ(read("5"),
            "TypeError: a.message: headers must be an iterable of pairs of bytes, not int");
  EXPECT_EQ(read("[5]"), "TypeError: a.message: header 0 must be a pair (name, value), not int");
  EXPECT_EQ(read("[(b'a', b'b'), (b'c',)]"),
            "TypeError: a.message: header 1 must have two items, name and value, not 1");
  EXPECT_EQ(read("[('a', b'b')]"),
            "TypeError: a.message: the name of header 0 must be bytes, not str ('a')");
  EXPECT_EQ(read("[(b'a', 1)]"),
            "TypeError: a.message: the value of header 0 must be bytes, not int (1)");
  EXPECT_EQ(read("[(b'a', bytearray(b'b'))]").find("TypeError"), 0U);
}

TEST_F(HeaderPairsTest, WhatAnIterableRaisesGoesThrough) {
  run("def broken():\n  yield (b'a', b'b')\n  raise KeyError('inside')");
  EXPECT_EQ(read("broken()"), "KeyError: 'inside'");
}

// A list that changes while it is looked at must not be read beyond its end.
TEST_F(HeaderPairsTest, AListThatAnItemEmpties) {
  run("class Pair:\n"
      "  def __iter__(self):\n"
      "    headers.clear()\n"
      "    return iter((b'a', b'b'))\n"
      "headers = [Pair() for _ in range(100)]");
  EXPECT_EQ(read("headers").size(), 100 * std::string_view("a=b; ").size());
}

}  // namespace
}  // namespace cppcorn::asgi
