#include "protocols/http/method.h"

#include <gtest/gtest.h>

namespace cppcorn::http {
namespace {

TEST(Method, IsKnownByItsExactName) {
  for (const std::string_view known :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "ACL",
        "VERSION-CONTROL", "QUERY", "PURGE", "M-SEARCH"}) {
    EXPECT_TRUE(is_known_method(known)) << known;
  }
  for (const std::string_view unknown : {"", "get", "Get", "GE", "GETT", "PRI", "FOO"}) {
    EXPECT_FALSE(is_known_method(unknown)) << unknown;
  }
}

}  // namespace
}  // namespace cppcorn::http
