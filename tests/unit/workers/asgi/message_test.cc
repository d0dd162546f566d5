#include "workers/asgi/message.h"

#include "tests/unit/workers/python_test.h"
#include "workers/python/interned.h"

namespace cppcorn::asgi {
namespace {

using python::interned;
using python::PyRef;

class MessageTest : public python::testing::PythonTest {
 protected:
  MessageKind kind(const std::string& dict) { return Message(gil_, eval(dict).get()).kind(); }
  std::string refusal(const std::string& dict) {
    const PyRef kept = eval(dict);
    EXPECT_FALSE(Message(gil_, kept.get()).valid());
    return pending();
  }
};

TEST_F(MessageTest, KindsAreKnownByTheirText) {
  EXPECT_EQ(kind("{'type': 'http.response.start'}"), MessageKind::kStart);
  EXPECT_EQ(kind("{'type': 'http.response.body'}"), MessageKind::kBody);
  EXPECT_EQ(kind("{'type': 'http.response.trailers'}"), MessageKind::kTrailers);
  EXPECT_EQ(kind("{'type': 'http.response.early_hint'}"), MessageKind::kEarlyHint);
  EXPECT_EQ(kind("{'type': 'http.response.pathsend'}"), MessageKind::kPathSend);
  EXPECT_EQ(kind("{'type': 'http.response.zerocopysend'}"), MessageKind::kZeroCopySend);
  EXPECT_EQ(kind("{'type': 'http.response.' + 'start'.lower()}"), MessageKind::kStart)
      << "not interned";
  EXPECT_EQ(kind("{'type': 'http.request'}"), MessageKind::kOther);
  EXPECT_EQ(kind("{'type': 'http.response.star\\u0163'}"), MessageKind::kOther);
}

TEST_F(MessageTest, MessagesWithoutAKind) {
  EXPECT_EQ(refusal("{}"), "ValueError: the message has no \"type\"");
  EXPECT_EQ(refusal("{'type': b'http.response.start'}"),
            "TypeError: the \"type\" of a message must be str, not bytes");
}

TEST_F(MessageTest, Flags) {
  run("class Odd:\n  def __bool__(self): raise ValueError('neither')");
  const auto flag = [this](const std::string& dict) {
    const PyRef kept = eval(dict);
    return Message(gil_, kept.get()).flag(interned.more_body);
  };
  EXPECT_EQ(flag("{'type': ''}"), false);
  EXPECT_EQ(flag("{'type': '', 'more_body': True}"), true);
  EXPECT_EQ(flag("{'type': '', 'more_body': 1}"), true);
  EXPECT_EQ(flag("{'type': '', 'more_body': None}"), false);
  EXPECT_EQ(flag("{'type': '', 'more_body': Odd()}"), std::nullopt);
  EXPECT_EQ(pending(), "ValueError: neither");
}

TEST_F(MessageTest, Numbers) {
  const auto number = [this](const std::string& dict, bool* valid) {
    const PyRef kept = eval(dict);
    return Message(gil_, kept.get()).number(interned.count, valid);
  };
  bool valid = false;
  EXPECT_EQ(number("{'type': '', 'count': 5}", &valid), 5U);
  EXPECT_TRUE(valid);
  EXPECT_EQ(number("{'type': ''}", &valid), std::nullopt);
  EXPECT_TRUE(valid);
  EXPECT_EQ(number("{'type': '', 'count': None}", &valid), std::nullopt);
  EXPECT_TRUE(valid);
  for (const char* wrong : {"-1", "2**64", "'5'", "1.0"}) {
    EXPECT_EQ(number("{'type': 'http.response.zerocopysend', 'count': " + std::string(wrong) + "}",
                     &valid),
              std::nullopt);
    EXPECT_FALSE(valid);
    EXPECT_NE(pending().find("ValueError: http.response.zerocopysend: \"count\" must be an int"),
              std::string::npos);
  }
}

// A key may run Python when it is compared, and that may take the value out of the dict.
TEST_F(MessageTest, AKeyThatEmptiesTheDict) {
  run("class Key:\n"
      "  def __hash__(self): return hash('more_body')\n"
      "  def __eq__(self, other):\n"
      "    global armed\n"
      "    if armed:\n"
      "      armed = False\n"
      "      message.clear()\n"
      "    return False\n"
      "armed = False\n"
      "message = {'type': 'http.response.body', Key(): 1, 'more_body': [1]}\n"
      "armed = True\n");
  const PyRef kept = eval("message");
  const Message message(gil_, kept.get());
  ASSERT_TRUE(message.valid());
  EXPECT_EQ(message.flag(interned.more_body), false) << "it is not there any more";
  EXPECT_EQ(repr("armed, message"), "(False, {})");
}

}  // namespace
}  // namespace cppcorn::asgi
