#include "workers/python/convert.h"

#include "tests/unit/workers/python_test.h"

namespace cppcorn::python {
namespace {

using namespace std::string_view_literals;

class ConvertTest : public testing::PythonTest {};

TEST_F(ConvertTest, BytesKeepEveryByte) {
  const PyRef bytes = make_bytes(gil_, "a\0\xff"sv);
  EXPECT_EQ(repr(bytes), "b'a\\x00\\xff'");
  EXPECT_EQ(bytes_view(bytes.get()), "a\0\xff"sv);
  EXPECT_EQ(repr(make_bytes(gil_, {})), "b''");
}

TEST_F(ConvertTest, Latin1IsEachByteACodePoint) {
  EXPECT_EQ(repr(make_latin1(gil_, "\xe4\x80")), "'\xc3\xa4\\x80'");
}

TEST_F(ConvertTest, WhatIsNotUtf8BecomesTheReplacement) {
  EXPECT_EQ(repr(make_utf8(gil_, "\xc3\xa4\xff")), "'\xc3\xa4\xef\xbf\xbd'");
}

TEST_F(ConvertTest, FileNamesSurviveTheWayBack) {
  set("name", make_file_name(gil_, "a\xff"));
  run("import os");
  EXPECT_EQ(repr("os.fsencode(name)"), "b'a\\xff'");
}

TEST_F(ConvertTest, ViewsAreOfTextsThatFit) {
  EXPECT_EQ(ascii_view(eval("'abc'").get()), "abc");
  EXPECT_EQ(ascii_view(eval("'\\xe4'").get()), std::nullopt);
  EXPECT_EQ(latin1_view(eval("'\\xe4'").get()), "\xe4");
  EXPECT_EQ(latin1_view(eval("'\\u20ac'").get()), std::nullopt);
}

TEST_F(ConvertTest, TextsForPeopleNeverRaise) {
  EXPECT_EQ(to_utf8(gil_, eval("'\\u20ac'").get()), "\xe2\x82\xac");
  EXPECT_EQ(to_utf8(gil_, eval("'a\\udcffb'").get()), "a?b");
  EXPECT_EQ(to_utf8(gil_, eval("3").get()), "<int>");
}

TEST_F(ConvertTest, PercentSigns) {
  EXPECT_EQ(percent_decoded("/a%20b%2Fc%2f%00"), "/a b/c/\0"sv);
  EXPECT_EQ(percent_decoded("%"), "%");
  EXPECT_EQ(percent_decoded("%2"), "%2");
  EXPECT_EQ(percent_decoded("%2g%%41"), "%2g%A");
  EXPECT_EQ(percent_decoded("%2541"), "%41") << "once only";
  EXPECT_EQ(percent_decoded(""), "");
}

}  // namespace
}  // namespace cppcorn::python
