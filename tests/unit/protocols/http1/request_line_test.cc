#include "protocols/http1/request_line.h"

#include <gtest/gtest.h>

#include <string>

namespace cppcorn::http1 {
namespace {

TEST(RequestLine, TakesItsLineAndNoMore) {
  RequestLine line(100);
  http::RequestHead head;
  const std::string_view text = "GET /a?b HTTP/1.0\r\nHost: a\r\n";
  const size_t used = line.take(text);
  EXPECT_EQ(used, 19u);
  EXPECT_TRUE(line.complete());
  head.append(text.substr(0, used));
  EXPECT_FALSE(line.finish(head).has_value());
  EXPECT_EQ(head.method(), "GET");
  EXPECT_EQ(head.target(), "/a?b");
  EXPECT_EQ(head.path(), "/a");
  EXPECT_EQ(head.query(), "b");
  EXPECT_EQ(head.version_minor(), 0);
}

TEST(RequestLine, RefusesAtTheFirstByteThatCannotBeRight) {
  RequestLine line(100);
  EXPECT_EQ(line.take("GET /a"), 6u);
  EXPECT_FALSE(line.refused());
  EXPECT_EQ(line.take("b\x01 HTTP/1.1\r\n"), 1u);
  ASSERT_TRUE(line.refused());
  EXPECT_EQ(line.refusal().status, 400);
  EXPECT_EQ(line.refusal().offset, 7u);
  EXPECT_EQ(line.take("more"), 0u);
}

TEST(RequestLine, CountsUpToItsLimit) {
  for (const size_t piece : {1, 3, 100}) {
    RequestLine line(10);
    const std::string text(50, 'A');
    for (size_t at = 0; at < text.size() && !line.refused(); at += piece)
      line.take(text.substr(at, piece));
    ASSERT_TRUE(line.refused());
    EXPECT_EQ(line.refusal().status, 414);
    EXPECT_EQ(line.refusal().offset, 10u);
  }
}

}  // namespace
}  // namespace cppcorn::http1
