#include "src/master/backoff.h"

#include <gtest/gtest.h>

namespace cppcorn::master {
namespace {

TEST(Backoff, FirstAtOnceThenDoubledToABound) {
  Backoff backoff;
  for (const uint64_t expected : {0, 500, 1000, 2000, 4000, 8000, 16'000, 30'000, 30'000}) {
    EXPECT_EQ(backoff.on_end(0), expected);
  }
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(backoff.on_end(0), Backoff::kDelayMaxMs);
  EXPECT_EQ(backoff.failures(), 1009u);
}

TEST(Backoff, AGoodWhileStartsAnew) {
  Backoff backoff;
  for (int i = 0; i < 5; ++i) backoff.on_end(0);
  EXPECT_GT(backoff.on_end(Backoff::kGoodWhileMs - 1), 0u);
  EXPECT_EQ(backoff.on_end(Backoff::kGoodWhileMs), 0u);
  EXPECT_EQ(backoff.failures(), 1u);
  EXPECT_EQ(backoff.on_end(0), Backoff::kFirstDelayMs);
}

TEST(Backoff, AnOrderlyEndCountsForNothing) {
  Backoff backoff;
  for (int i = 0; i < 5; ++i) backoff.on_end(0);
  EXPECT_EQ(backoff.on_orderly_end(Backoff::kBriefMs), 0u);
  EXPECT_EQ(backoff.failures(), 0u);
  EXPECT_EQ(backoff.on_end(0), 0u);
}

TEST(Backoff, OrderlyEndsInARowThatComeAtOnceAreNoOrder) {
  Backoff backoff;
  EXPECT_EQ(backoff.on_orderly_end(Backoff::kBriefMs - 1), 0u);
  EXPECT_EQ(backoff.on_orderly_end(0), Backoff::kFirstDelayMs);
}

}  // namespace
}  // namespace cppcorn::master
