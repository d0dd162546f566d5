#include "protocols/http/date.h"

#include <gtest/gtest.h>

namespace cppcorn::http {
namespace {

TEST(DateLine, IsAnImfFixdate) {
  DateLine line;
  EXPECT_EQ(line.at(784111777),
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");  // RFC 9110's own example
  EXPECT_EQ(line.at(0), "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
  EXPECT_EQ(line.at(1709251199), "date: Thu, 29 Feb 2024 23:59:59 GMT\r\n");
  EXPECT_EQ(line.at(4102444800), "date: Fri, 01 Jan 2100 00:00:00 GMT\r\n");
}

TEST(DateLine, IsMadeOnceASecond) {
  DateLine line;
  const std::string_view first = line.at(784111777);
  EXPECT_EQ(line.at(784111777).data(), first.data());
  EXPECT_EQ(line.at(784111778), "date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
}

}  // namespace
}  // namespace cppcorn::http
