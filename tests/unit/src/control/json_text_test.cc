#include "src/control/json_text.h"

#include <gtest/gtest.h>

namespace cppcorn::control {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_json_text(out, text);
  return out;
}

TEST(JsonText, EscapesWhatJsonForbids) {
  EXPECT_EQ(quoted("a\"b\\c\nd\re\tf"), R"("a\"b\\c\nd\re\tf")");
  EXPECT_EQ(quoted(std::string_view("\0\x1f", 2)), R"("\u0000\u001f")");
}

TEST(JsonText, KeepsWellFormedUtf8) {
  for (const char* text : {"\u00e9", "\u20ac", "\U0001f33d", "\ud7ff", "\ue000", "\U0010ffff"}) {
    EXPECT_EQ(quoted(text), '"' + std::string(text) + '"');
  }
}

TEST(JsonText, ReplacesWhatIsNoUtf8) {
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(quoted("a\xff"
                   "b"),
            "\"a" + bad + "b\"");
  EXPECT_EQ(quoted("\xc0\xaf"), '"' + bad + bad + '"') << "overlong";
  EXPECT_EQ(quoted("\xed\xa0\x80"), '"' + bad + bad + bad + '"') << "surrogate";
  EXPECT_EQ(quoted("\xe2\x82"), '"' + bad + bad + '"') << "cut off";
  EXPECT_EQ(quoted("\xf4\x90\x80\x80"), '"' + bad + bad + bad + bad + '"') << "beyond U+10FFFF";
}

}  // namespace
}  // namespace cppcorn::control
