#include "src/base/byte_buffer.h"

#include <gtest/gtest.h>

#include <string>

namespace cppcorn {
namespace {

TEST(ByteBuffer, KeepsBytesInOrderAcrossGrowthAndConsumption) {
  ByteBuffer buffer;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece(static_cast<size_t>(i % 37), static_cast<char>('a' + i % 26));
    buffer.append(piece);
    expected += piece;
    const size_t count = expected.size() / 3;
    buffer.consume(count);
    expected.erase(0, count);
    ASSERT_EQ(buffer.view(), expected);
  }
}

TEST(ByteBuffer, GivesItsMemoryBack) {
  ByteBuffer buffer;
  buffer.append("bytes");
  buffer.release();
  EXPECT_EQ(buffer.capacity(), 0u);
  EXPECT_TRUE(buffer.empty());
  buffer.append("again");
  EXPECT_EQ(buffer.view(), "again");
}

}  // namespace
}  // namespace cppcorn
