#include "src/base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

namespace cppcorn {
namespace {

std::string contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(Log, WritesLinesOfGunicornsForm) {
  const std::string path = ::testing::TempDir() + "log_test." + std::to_string(getpid());
  ASSERT_TRUE(log::set_up(path, log::Level::kInfo));
  EXPECT_TRUE(log::enabled(log::Level::kInfo));
  EXPECT_FALSE(log::enabled(log::Level::kDebug));
  log::debug("not written");
  log::info("listening at {}:{}", "127.0.0.1", 8000);
  log::warning("second");
  const std::string text = contents(path);
  std::remove(path.c_str());
  ASSERT_TRUE(log::set_up("-", log::Level::kInfo));
  const std::regex line(
      R"(\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \[)" + std::to_string(getpid()) +
      R"(\] \[INFO\] listening at 127\.0\.0\.1:8000\n\[[^\]]*\] \[\d+\] \[WARNING\] second\n)");
  EXPECT_TRUE(std::regex_match(text, line)) << text;
}

TEST(Log, SaysWhyAFileCannotBeOpened) {
  const Status status = log::set_up("/dev/null/log", log::Level::kInfo);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("/dev/null/log"), std::string::npos);
}

TEST(Log, MakesNoFolders) {
  const std::string folder = ::testing::TempDir() + "no_such_folder." + std::to_string(getpid());
  const Status status = log::set_up(folder + "/log", log::Level::kInfo);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "the error log " + folder + "/log cannot be written: " +
                                        "there is no folder " + folder + "/; create it");
  EXPECT_NE(access(folder.c_str(), F_OK), 0);
}

TEST(Log, LooksAtAPathWithoutMakingAnything) {
  const std::string path = ::testing::TempDir() + "not_made." + std::to_string(getpid());
  EXPECT_TRUE(log::check_appendable(path));
  EXPECT_NE(access(path.c_str(), F_OK), 0);
  EXPECT_TRUE(log::check_appendable("beside_the_current_directory.log"));
  EXPECT_TRUE(log::check_appendable("/dev/null"));
  EXPECT_EQ(log::check_appendable("/tmp").error().message, "it is a folder");
  EXPECT_EQ(log::check_appendable("/dev/null/log").error().message, "Not a directory");
}

TEST(Log, EscapesWhatClientsSend) {
  EXPECT_EQ(log::escape_for_log("GET /\r\n\"x\\\x7f\xc3"), R"(GET /\x0d\x0a\x22x\x5c\x7f\xc3)");
  EXPECT_EQ(log::escape_for_log("abcdef", 3), "abc...");
  EXPECT_EQ(log::escape_for_log("abc", 3), "abc");
}

TEST(Log, RateLimitCountsWhatItHoldsBack) {
  log::RateLimit limit(2, 1000);
  unsigned suppressed = 99;
  EXPECT_TRUE(limit.allow(5000, &suppressed));
  EXPECT_EQ(suppressed, 0u);
  EXPECT_TRUE(limit.allow(5001, &suppressed));
  EXPECT_FALSE(limit.allow(5002, &suppressed));
  EXPECT_FALSE(limit.allow(5999, &suppressed));
  EXPECT_EQ(suppressed, 0u);
  EXPECT_TRUE(limit.allow(6000, &suppressed));
  EXPECT_EQ(suppressed, 2u);
  EXPECT_TRUE(limit.allow(6001, &suppressed));
  EXPECT_EQ(suppressed, 0u);
}

}  // namespace
}  // namespace cppcorn
