#include "workers/asgi/client_gone.h"

#include "tests/unit/workers/python_test.h"
#include "workers/asgi/send.h"

namespace cppcorn::asgi {
namespace {

using python::PyRef;

class ClientGoneTest : public python::testing::PythonTest {
 protected:
  void SetUp() override {
    set("Gone", PyRef::borrow(client_disconnected_type()));
    run("def caught(action):\n"
        "  try: action()\n"
        "  except BaseException as error: return error\n"
        "def raises(error):\n  raise error\n"
        "def turned():\n"
        "  try: raise Gone\n"
        "  except OSError: raise ValueError('as Starlette does')\n"
        "def caused():\n  raise ValueError from Gone()\n");
  }
  bool gone(const std::string& expression) { return is_client_gone(gil_, eval(expression).get()); }
};

TEST_F(ClientGoneTest, ItIsAnOSErrorOfOurs) {
  EXPECT_TRUE(truth("issubclass(Gone, ConnectionError)"));
  EXPECT_EQ(repr("Gone.__module__ + '.' + Gone.__name__"), "'cppcorn.ClientDisconnected'");
}

TEST_F(ClientGoneTest, TheExceptionItselfAndWhatCameOfIt) {
  EXPECT_TRUE(gone("Gone()"));
  EXPECT_TRUE(gone("caught(turned)"));
  EXPECT_TRUE(gone("caught(caused)"));
  EXPECT_FALSE(gone("ValueError()"));
  EXPECT_FALSE(gone("ConnectionResetError()")) << "of another connection: the app's";
}

TEST_F(ClientGoneTest, GroupsOfNothingElse) {
  EXPECT_TRUE(gone("ExceptionGroup('', [Gone(), caught(turned)])"));
  EXPECT_TRUE(gone("ExceptionGroup('', [ExceptionGroup('', [Gone()])])"));
  EXPECT_FALSE(gone("ExceptionGroup('', [Gone(), ValueError()])"));
}

TEST_F(ClientGoneTest, RingsOfCausesEnd) {
  run("a, b = ValueError(), KeyError()\na.__cause__, b.__cause__ = b, a\n"
      "deep = ValueError()\n"
      "for _ in range(1000):\n  next = ValueError(); next.__cause__ = deep; deep = next");
  EXPECT_FALSE(gone("a"));
  EXPECT_FALSE(gone("deep"));
}

}  // namespace
}  // namespace cppcorn::asgi
