#include "protocols/http/request_target.h"

#include <gtest/gtest.h>

namespace cppcorn::http {
namespace {

RequestTarget parse(std::string_view method, std::string_view target) {
  RequestTarget parts;
  EXPECT_EQ(parse_request_target(method, target, &parts), nullptr) << target;
  return parts;
}

bool is_refused(std::string_view method, std::string_view target) {
  RequestTarget parts;
  return parse_request_target(method, target, &parts) != nullptr;
}

TEST(RequestTarget, OriginForm) {
  const RequestTarget plain = parse("GET", "/a/b");
  EXPECT_EQ(plain.form, TargetForm::kOrigin);
  EXPECT_EQ(plain.path, "/a/b");
  EXPECT_EQ(plain.query, "");
  const RequestTarget query = parse("GET", "//a?b?c=/d");
  EXPECT_EQ(query.path, "//a");
  EXPECT_EQ(query.query, "b?c=/d");
  EXPECT_EQ(query.authority, "");
}

TEST(RequestTarget, AbsoluteForm) {
  const RequestTarget full = parse("GET", "http://example.org:80/a?b");
  EXPECT_EQ(full.form, TargetForm::kAbsolute);
  EXPECT_EQ(full.authority, "example.org:80");
  EXPECT_EQ(full.path, "/a");
  EXPECT_EQ(full.query, "b");
  const RequestTarget bare = parse("GET", "HTTPS://[::1]?b");
  EXPECT_EQ(bare.authority, "[::1]");
  EXPECT_EQ(bare.path, "/");
  EXPECT_EQ(bare.query, "b");
  for (const std::string_view bad : {"http://", "http:///", "http:/a", "http:a", "://a", "ftp://a",
                                     "http://u@a/", "http://a:b/", "a", "a/b", "http"}) {
    EXPECT_TRUE(is_refused("GET", bad)) << bad;
  }
}

TEST(RequestTarget, AsteriskAndAuthorityForm) {
  EXPECT_EQ(parse("OPTIONS", "*").form, TargetForm::kAsterisk);
  EXPECT_EQ(parse("OPTIONS", "*").path, "*");
  EXPECT_TRUE(is_refused("GET", "*"));
  EXPECT_TRUE(is_refused("OPTIONS", "**"));
  EXPECT_EQ(parse("CONNECT", "a:443").authority, "a:443");
  EXPECT_EQ(parse("CONNECT", "a:443").form, TargetForm::kAuthority);
  EXPECT_TRUE(is_refused("CONNECT", "/"));
  EXPECT_TRUE(is_refused("GET", "a:443"));
}

TEST(RequestTarget, HasNoBytesThatNobodySends) {
  EXPECT_TRUE(is_refused("GET", ""));
  for (unsigned code = 0; code < 256; ++code) {
    const std::string target = "/" + std::string(1, static_cast<char>(code));
    const bool expected = code <= 0x20 || code >= 0x7f || code == '#';
    EXPECT_EQ(is_refused("GET", target), expected) << code;
  }
}

}  // namespace
}  // namespace cppcorn::http
