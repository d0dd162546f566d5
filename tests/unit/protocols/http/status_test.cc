#include "protocols/http/status.h"

#include <gtest/gtest.h>

namespace cppcorn::http {
namespace {

TEST(Status, HasItsStandardReason) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(413), "Content Too Large");
  EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(reason_phrase(505), "HTTP Version Not Supported");
  EXPECT_EQ(reason_phrase(599), "");
  EXPECT_EQ(reason_phrase(-1), "");
}

TEST(Status, SomeHaveNoBody) {
  for (const int status : {100, 103, 199, 204, 304}) EXPECT_TRUE(status_has_no_body(status));
  for (const int status : {200, 205, 206, 303, 400, 500}) EXPECT_FALSE(status_has_no_body(status));
}

}  // namespace
}  // namespace cppcorn::http
