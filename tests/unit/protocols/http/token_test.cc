#include "protocols/http/token.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cppcorn::http {
namespace {

TEST(Token, IsWhatRfc9110Section5_6_2Says) {
  const std::string_view marks = "!#$%&'*+-.^_`|~";
  for (unsigned code = 0; code < 256; ++code) {
    const char byte = static_cast<char>(code);
    const bool alphanumeric = code < 128 && std::isalnum(static_cast<int>(code)) != 0;
    const bool expected = alphanumeric || (code != 0 && marks.find(byte) != std::string_view::npos);
    EXPECT_EQ(is_token_character(byte), expected) << code;
  }
  EXPECT_FALSE(is_token(""));
  EXPECT_TRUE(is_token("M-SEARCH"));
  EXPECT_FALSE(is_token("a b"));
}

TEST(FieldValue, HasNoControlsButTab) {
  for (unsigned code = 0; code < 256; ++code) {
    const bool expected = code == '\t' || (code >= 0x20 && code != 0x7f);
    EXPECT_EQ(character::is(static_cast<char>(code), character::kFieldValue), expected) << code;
  }
}

TEST(List, GivesItsMembersTrimmedAndTheEmptyOnesToo) {
  const auto members_of = [](std::string_view list) {
    std::vector<std::string> members;
    for (std::string_view member; next_list_member(list, member);) members.emplace_back(member);
    return members;
  };
  using Members = std::vector<std::string>;
  EXPECT_EQ(members_of("a"), Members({"a"}));
  EXPECT_EQ(members_of(" a ,\tb\t, c d "), Members({"a", "b", "c d"}));
  EXPECT_EQ(members_of("a,,b,"), Members({"a", "", "b", ""}));
  EXPECT_EQ(members_of(""), Members({""}));
}

TEST(List, FindsAWordInAnyCase) {
  EXPECT_TRUE(list_contains("keep-alive, CLOSE", "close"));
  EXPECT_FALSE(list_contains("closed, xclose", "close"));
  EXPECT_FALSE(list_contains("", "close"));
}

TEST(Trim, TakesSpacesAndTabsOnly) {
  EXPECT_EQ(trim(" \t a b \t"), "a b");
  EXPECT_EQ(trim(" \t "), "");
  EXPECT_EQ(trim("\va"), "\va");
}

TEST(LowerToken, ChangesLettersAndNothingElse) {
  std::string all;
  for (char byte = 0x21; byte < 0x7f; ++byte) all += byte;
  for (size_t begin = 0; begin < 9; ++begin) {
    for (size_t size = 0; begin + size <= all.size(); ++size) {
      std::string text = all;
      lower_token(text.data() + begin, size);
      for (size_t i = 0; i < all.size(); ++i) {
        const bool within = i >= begin && i < begin + size;
        ASSERT_EQ(text[i], within ? to_lower(all[i]) : all[i]);
      }
    }
  }
}

TEST(EqualsIgnoringCase, ComparesAsciiOnly) {
  EXPECT_TRUE(equals_ignoring_case("ChunKED", "chunked"));
  EXPECT_FALSE(equals_ignoring_case("chunke", "chunked"));
  // The Kelvin sign is a k in some case foldings of Unicode.
  EXPECT_FALSE(equals_ignoring_case("chun\xe2\x84\xaa", "chunk\xe2\x84"));
  EXPECT_FALSE(equals_ignoring_case("chu\x0eked", "chunked"));
}

}  // namespace
}  // namespace cppcorn::http
