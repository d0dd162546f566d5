#include "src/config/edit_distance.h"

#include <gtest/gtest.h>

namespace cppcorn::config {
namespace {

TEST(EditDistance, CountsSlips) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("same", "same"), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("worker", "workers"), 1u);    // one more
  EXPECT_EQ(edit_distance("workerss", "workers"), 1u);  // one less
  EXPECT_EQ(edit_distance("worlers", "workers"), 1u);   // another one
  EXPECT_EQ(edit_distance("wrokers", "workers"), 1u);   // two swapped
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

}  // namespace
}  // namespace cppcorn::config
