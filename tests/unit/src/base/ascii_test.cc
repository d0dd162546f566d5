#include "src/base/ascii.h"

#include <gtest/gtest.h>

namespace cppcorn {
namespace {

TEST(Ascii, ChangesLettersAndNothingElse) {
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    const bool upper = c >= 'A' && c <= 'Z';
    const bool lower = c >= 'a' && c <= 'z';
    EXPECT_EQ(ascii_lower(c), upper ? static_cast<char>(c + 32) : c);
    EXPECT_EQ(ascii_upper(c), lower ? static_cast<char>(c - 32) : c);
  }
}

TEST(Ascii, Iequals) {
  EXPECT_TRUE(iequals("Content-Length", "content-LENGTH"));
  EXPECT_TRUE(iequals("", ""));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_FALSE(iequals("@", "`")) << "they differ by the case bit only";
  EXPECT_FALSE(iequals("[", "{"));
}

TEST(Ascii, TrimOws) {
  EXPECT_EQ(trim_ows(" \t a b\t "), "a b");
  EXPECT_EQ(trim_ows(" \t "), "");
  EXPECT_EQ(trim_ows("\r\na"), "\r\na") << "line ends are not OWS";
}

TEST(Ascii, ParseDecimal) {
  EXPECT_EQ(parse_decimal("0"), 0u);
  EXPECT_EQ(parse_decimal("007"), 7u);
  EXPECT_EQ(parse_decimal("18446744073709551615"), UINT64_MAX);
  for (const char* wrong : {"", "-1", "+1", " 1", "1 ", "1x", "0x1", "18446744073709551616",
                            "99999999999999999999", "1.0", "1,1"}) {
    EXPECT_FALSE(parse_decimal(wrong).has_value()) << wrong;
  }
}

TEST(Ascii, ListHasToken) {
  EXPECT_TRUE(list_has_token("close", "close"));
  EXPECT_TRUE(list_has_token("keep-alive,  Upgrade\t,x", "upgrade"));
  EXPECT_TRUE(list_has_token(",,a,", "a"));
  EXPECT_FALSE(list_has_token("", "a"));
  EXPECT_FALSE(list_has_token("not-close, closed", "close"));
  EXPECT_FALSE(list_has_token("a b", "a"));
}

}  // namespace
}  // namespace cppcorn
