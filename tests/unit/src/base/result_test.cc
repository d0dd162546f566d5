#include "src/base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace cppcorn {
namespace {

Result<std::unique_ptr<int>> half(int number) {
  if (number % 2 != 0) return Error{"odd"};
  return std::make_unique<int>(number / 2);
}

TEST(Result, HoldsAValueThatCanBeMovedOut) {
  auto result = half(4);
  ASSERT_TRUE(result);
  EXPECT_EQ(**result, 2);
  EXPECT_EQ(*result->get(), 2);
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 2);
}

TEST(Result, HoldsAnError) {
  const auto result = half(3);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message, "odd");
}

TEST(Result, TellsAValueFromAnErrorOfTheSameType) {
  const Status good = ok_status();
  const Status bad = Error{"why"};
  EXPECT_TRUE(good);
  EXPECT_FALSE(bad);
}

TEST(ResultDeathTest, DiesWhenTheWrongOneIsTaken) {
  EXPECT_DEATH((void)half(3).value(), "check failed");
  EXPECT_DEATH((void)ok_status().error(), "check failed");
}

}  // namespace
}  // namespace cppcorn
