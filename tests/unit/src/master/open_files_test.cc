#include "src/master/open_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace cppcorn::master {
namespace {

TEST(OpenFiles, RaisesTheSoftLimitToTheHardOne) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit before = limit;
  limit.rlim_cur = 64;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(raise_open_files_limit(), before.rlim_max);
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, before.rlim_max);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(OpenFiles, WarnsWhenTheConnectionsDontFit) {
  config::Settings settings;
  settings.worker_connections = 1000;
  EXPECT_EQ(open_files_warning(settings, 4096), "");
  EXPECT_NE(open_files_warning(settings, 1024).find("1000 connections, but only 1024 files"),
            std::string::npos);
}

}  // namespace
}  // namespace cppcorn::master
