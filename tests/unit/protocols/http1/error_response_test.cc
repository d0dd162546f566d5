#include "protocols/http1/error_response.h"

#include <gtest/gtest.h>

#include <string>

namespace cppcorn::http1 {
namespace {

std::string make(int status, std::string_view reason, bool head_method) {
  const ResponseDefaults defaults{"server: cppcorn\r\n", {}, true};
  ByteBuffer out;
  append_error_response(out, status, reason, head_method, defaults, "date: now\r\n");
  return std::string(out.view());
}

TEST(ErrorResponse, IsShortAndPlainAndEndsTheConnection) {
  EXPECT_EQ(make(400, "two Host fields", false),
            "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; "
            "charset=utf-8\r\ncontent-length: 33\r\n"
            "connection: close\r\ndate: now\r\nserver: cppcorn\r\n\r\n400 Bad Request: two Host "
            "fields\n");
  EXPECT_TRUE(make(503, {}, false).ends_with("\r\n\r\n503 Service Unavailable\n"));
  EXPECT_TRUE(make(599, "odd", false).ends_with("\r\n\r\n599: odd\n"));
}

TEST(ErrorResponse, ToHeadHasNoBody) {
  const std::string text = make(500, {}, true);
  EXPECT_NE(text.find("content-length: 26\r\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("server: cppcorn\r\n\r\n"));
}

}  // namespace
}  // namespace cppcorn::http1
