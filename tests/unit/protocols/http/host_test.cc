#include "protocols/http/host.h"

#include <gtest/gtest.h>

#include <string>

namespace cppcorn::http {
namespace {

TEST(Host, MayBeANameAnAddressAndAPort) {
  for (const std::string_view good :
       {"a", "example.org", "EXAMPLE.org.", "under_score.internal", "a~b", "127.0.0.1",
        "localhost:8000", "a:", "a:0", "a:65535", "[::1]", "[::1]:80",
        "[2001:db8::1.2.3.4]:", "b%c3%bccher.example"}) {
    EXPECT_TRUE(is_valid_authority(good)) << good;
    EXPECT_TRUE(is_valid_host_field(good)) << good;
  }
}

TEST(Host, IsRefusedWhenItCouldMeanSomethingElse) {
  for (const std::string_view bad :
       {" ",      "a b",     "a\tb",      "user@host", "user:pw@host", "a:80:80",
        "a:80a",  "a:-1",    "a:+80",     "a:65536",   "a:100000",     ":80",
        ":",      "a,b",     "a;b",       "a/b",       "a?b",          "a#b",
        "a\\b",   "a'b",     "a\"b",      "a<b>",      "a|b",          "a%",
        "a%2",    "a%2f",    "a%zz",      "a%c3%",     "a%c3%x",       "[::1",
        "::1",    "[]",      "[1.2.3.4]", "[::1]x",    "[::1]80",      "[fe80::1%25eth0]",
        "[v1.a]", "[[::1]]", "\xc3\xbc",  "a\x7f",     "a\r\nb",       "(a)",
        "a=b",    "a&b",     "a*b",       "a+b",       "a$b",          "a!b"}) {
    EXPECT_FALSE(is_valid_authority(bad)) << bad;
  }
  EXPECT_FALSE(is_valid_authority(std::string_view("a\0", 2)));
  EXPECT_FALSE(is_valid_authority(std::string_view("[::1\0]", 6)));
  EXPECT_FALSE(is_valid_authority("[" + std::string(1000, ':') + "]"));
}

TEST(Host, MayBeEmptyInItsFieldOnly) {
  EXPECT_TRUE(is_valid_host_field(""));
  EXPECT_FALSE(is_valid_authority(""));
}

}  // namespace
}  // namespace cppcorn::http
