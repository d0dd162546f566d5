#include "src/server/access_format.h"

#include <gtest/gtest.h>

#include "tests/unit/src/server/make_head.h"

namespace cppcorn::server {
namespace {

class AccessFormatTest : public ::testing::Test {
 protected:
  AccessFormatTest() {
    head_ = make_head(
        "GET /a%20b?q=1 HTTP/1.1\r\nHost: example.org\r\nUser-Agent: curl/8 \"x\"\r\n"
        "Referer: http://other/\r\nX-Id: 7\r\nAuthorization: Basic YW5uYTpzZWNyZXQ=\r\n\r\n");
    record_.head = head_.get();
    record_.remote_address = "192.0.2.1";
    record_.scheme = "http";
    record_.response_head = "HTTP/1.1 200 OK\r\nX-Cache: hit\r\ncontent-length: 5\r\n\r\n";
    record_.status = 200;
    record_.body_bytes = 5;
    record_.duration_ns = 1'234'567'890;
  }

  std::string format(std::string_view text) {
    auto compiled = AccessFormat::compile(text);
    EXPECT_TRUE(compiled) << compiled.error().message;
    std::string line;
    compiled->append_line(record_, line);
    return line;
  }

  std::unique_ptr<http::RequestHead> head_;
  AccessRecord record_;
};

TEST_F(AccessFormatTest, KnowsGunicornsAtoms) {
  EXPECT_EQ(format("%(h)s %(l)s %(u)s \"%(r)s\" %(s)s %(b)s \"%(f)s\""),
            "192.0.2.1 - anna \"GET /a%20b?q=1 HTTP/1.1\" 200 5 \"http://other/\"\n");
  EXPECT_EQ(format("%(m)s|%(U)s|%(q)s|%(H)s|%(B)s"), "GET|/a%20b|q=1|HTTP/1.1|5\n");
  EXPECT_EQ(format("%(T)s %(M)s %(D)s %(L)s"), "1 1234 1234567 1.234568\n");
  EXPECT_EQ(format("%(D)d %(h)s"), "1234567 192.0.2.1\n");
  EXPECT_EQ(format("%({x-id}i)s %({X-Cache}o)s %({REQUEST_METHOD}e)s %({HTTP_X_ID}e)s %({nope}i)s"),
            "7 hit GET 7 -\n");
}

TEST_F(AccessFormatTest, WritesPercentSignsAndUnknownAtoms) {
  EXPECT_EQ(format("100%% %(zz)s"), "100% -\n");
}

TEST_F(AccessFormatTest, WritesADashForABodyOfNoBytesAndAUnixPeer) {
  record_.body_bytes = 0;
  record_.remote_address.clear();
  EXPECT_EQ(format("%(h)s %(b)s %(B)s"), "- - 0\n");
}

TEST_F(AccessFormatTest, EscapesWhatAClientCouldForge) {
  EXPECT_EQ(format("\"%(a)s\""), "\"curl/8 \\x22x\\x22\"\n");
}

TEST_F(AccessFormatTest, RefusesAFormatThatItCannotRead) {
  EXPECT_FALSE(AccessFormat::compile("%h"));
  EXPECT_FALSE(AccessFormat::compile("%(h"));
  // It must not take everything up to the next ")s" for a name.
  EXPECT_FALSE(AccessFormat::compile("%(L).3f %(h)s"));
}

TEST_F(AccessFormatTest, AsksForTheResponseHeadOnlyWhenTheFormatNeedsIt) {
  EXPECT_FALSE(AccessFormat::compile("%(h)s")->wants_response_head());
  EXPECT_TRUE(AccessFormat::compile("%({server}o)s")->wants_response_head());
}

TEST_F(AccessFormatTest, WritesOneJsonObjectALine) {
  AccessFormat json = AccessFormat::json();
  std::string line;
  json.append_line(record_, line);
  EXPECT_NE(line.find("\"path\":\"/a%20b\",\"query\":\"q=1\""), std::string::npos) << line;
  EXPECT_NE(line.find("\"user_agent\":\"curl/8 \\\"x\\\"\""), std::string::npos) << line;
  EXPECT_NE(line.find("\"status\":200,\"bytes\":5,\"duration_us\":1234567}\n"), std::string::npos)
      << line;
}

}  // namespace
}  // namespace cppcorn::server
