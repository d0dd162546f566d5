#include "src/base/buffer_chain.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace cppcorn {
namespace {

constexpr size_t kLarge = BufferChain::kForeignMin;

// Foreign bytes that count how often they are let go.
struct Lent {
  explicit Lent(size_t size, char fill = 'f') : bytes(size, fill) {}
  ForeignBytes foreign() {
    return {bytes.data(), bytes.size(), this,
            [](void* owner) noexcept { ++static_cast<Lent*>(owner)->released; }};
  }
  std::string bytes;
  int released = 0;
};

FileRange range_of(uint64_t offset, uint64_t size) {
  auto file = std::make_shared<UniqueFd>(open("/dev/null", O_RDONLY | O_CLOEXEC));
  return {std::move(file), offset, size};
}

// The memory at the front, up to the first file.
std::string gathered(const BufferChain& chain) {
  iovec entries[1000];
  const size_t count = chain.gather(entries, std::size(entries));
  std::string bytes;
  for (size_t i = 0; i < count; ++i) {
    EXPECT_GT(entries[i].iov_len, 0u);
    bytes.append(static_cast<const char*>(entries[i].iov_base), entries[i].iov_len);
  }
  return bytes;
}

TEST(BufferChain, JoinsSmallPieces) {
  BufferChain chain;
  EXPECT_TRUE(chain.empty());
  chain.append("one ");
  chain.append("");
  chain.append("two");
  iovec entries[4];
  EXPECT_EQ(chain.gather(entries, 4), 1u);
  EXPECT_EQ(chain.gather(entries, 0), 0u);
  EXPECT_EQ(gathered(chain), "one two");
  EXPECT_EQ(chain.bytes(), 7u);
  EXPECT_EQ(chain.memory_bytes(), 7u);
  chain.consume(4);
  EXPECT_EQ(gathered(chain), "two");
  chain.consume(3);
  EXPECT_TRUE(chain.empty());
}

TEST(BufferChain, KeepsTheOrderOfAllKinds) {
  Lent lent(kLarge);
  BufferChain chain;
  chain.append("head");
  chain.append(lent.foreign());
  chain.append("middle");
  chain.append(range_of(100, 50));
  chain.append("tail");
  EXPECT_EQ(chain.bytes(), 4 + kLarge + 6 + 50 + 4);
  EXPECT_EQ(chain.memory_bytes(), 4 + kLarge + 6 + 4);
  EXPECT_EQ(gathered(chain), "head" + lent.bytes + "middle");
  EXPECT_EQ(chain.front_file(), nullptr);

  chain.consume(4 + kLarge - 1);
  EXPECT_EQ(lent.released, 0);
  EXPECT_EQ(gathered(chain), "fmiddle");
  chain.consume(1);
  EXPECT_EQ(lent.released, 1);
  chain.consume(6);
  ASSERT_NE(chain.front_file(), nullptr);
  EXPECT_EQ(gathered(chain), "");
  chain.consume(20);
  EXPECT_EQ(chain.front_file()->offset, 120u);
  EXPECT_EQ(chain.front_file()->size, 30u);
  EXPECT_EQ(chain.memory_bytes(), 4u);
  EXPECT_EQ(chain.bytes(), 34u);
  chain.consume(30);
  EXPECT_EQ(chain.front_file(), nullptr);
  EXPECT_EQ(gathered(chain), "tail");
  chain.consume(4);
  EXPECT_EQ(chain.bytes(), 0u);
  EXPECT_EQ(chain.memory_bytes(), 0u);
}

TEST(BufferChain, CopiesSmallForeignBytesAndLetsThemGoAtOnce) {
  Lent small(BufferChain::kForeignMin - 1), nothing(0);
  BufferChain chain;
  chain.append(small.foreign());
  chain.append(nothing.foreign());
  EXPECT_EQ(small.released, 1);
  EXPECT_EQ(nothing.released, 1);
  EXPECT_EQ(gathered(chain), small.bytes);
}

TEST(BufferChain, LetsForeignBytesGoExactlyOnce) {
  Lent cleared(kLarge), destroyed(kLarge), consumed(kLarge), moved(kLarge), overwritten(kLarge);
  {
    BufferChain chain;
    chain.append(cleared.foreign());
    chain.clear();
    EXPECT_EQ(cleared.released, 1);
    chain.append(consumed.foreign());
    chain.consume(kLarge);
    EXPECT_EQ(consumed.released, 1);
    chain.append(moved.foreign());
    BufferChain other(std::move(chain));
    EXPECT_EQ(moved.released, 0);
    BufferChain third;
    third.append(overwritten.foreign());
    third = std::move(other);
    EXPECT_EQ(overwritten.released, 1);
    EXPECT_EQ(moved.released, 0);
    chain.append(destroyed.foreign());
  }
  for (const Lent* lent : {&cleared, &destroyed, &consumed, &moved, &overwritten}) {
    EXPECT_EQ(lent->released, 1);
  }
}

TEST(BufferChain, ClosesAFileWithItsLastRange) {
  auto file = std::make_shared<UniqueFd>(open("/dev/null", O_RDONLY | O_CLOEXEC));
  BufferChain chain;
  chain.append(FileRange{file, 0, 10});
  chain.append(FileRange{file, 10, 10});
  chain.append(FileRange{file, 0, 0});
  EXPECT_EQ(file.use_count(), 3);
  chain.consume(10);
  EXPECT_EQ(file.use_count(), 2);
  chain.clear();
  EXPECT_EQ(file.use_count(), 1);
}

TEST(BufferChain, TakesABufferOrCopiesIt) {
  BufferChain chain;
  ByteBuffer first, small, large;
  first.append("first ");
  small.append("small ");
  large.append(std::string(kLarge, 'l'));
  const char* first_data = first.data();
  const char* large_data = large.data();
  chain.append(std::move(first));
  chain.append(std::move(small));
  chain.append(std::move(large));
  EXPECT_TRUE(first.empty() && small.empty() && large.empty());
  iovec entries[4];
  ASSERT_EQ(chain.gather(entries, 4), 2u);
  EXPECT_EQ(entries[1].iov_base, large_data) << "copied";
  EXPECT_EQ(entries[0].iov_len, 12u);
  BufferChain alone;
  ByteBuffer buffer;
  buffer.append("x");
  const char* data = buffer.data();
  alone.append(std::move(buffer));
  ASSERT_EQ(alone.gather(entries, 4), 1u);
  EXPECT_EQ(entries[0].iov_base, data);
  EXPECT_NE(first_data, nullptr);
}

TEST(BufferChain, AppendWithWritesAtTheEndBehindAnything) {
  Lent lent(kLarge);
  BufferChain chain;
  EXPECT_EQ(chain.append_with([](ByteBuffer& buffer) { return buffer.append("a"), 42; }), 42);
  chain.append(lent.foreign());
  chain.append_with([](ByteBuffer&) {});  // an empty buffer behind the foreign bytes
  chain.append(range_of(0, 5));
  chain.append_with([](ByteBuffer& buffer) {
    buffer.append("bXX");
    buffer.truncate(1);
  });
  EXPECT_EQ(chain.bytes(), 1 + kLarge + 5 + 1);
  EXPECT_EQ(gathered(chain), "a" + lent.bytes);
  chain.consume(1 + kLarge);
  ASSERT_NE(chain.front_file(), nullptr) << "hidden by the empty buffer";
  chain.consume(5);
  EXPECT_EQ(gathered(chain), "b");
}

TEST(BufferChain, AppendWithNothingKeepsItEmpty) {
  BufferChain chain;
  chain.append_with([](ByteBuffer& buffer) {
    buffer.append("nothing");
    buffer.truncate(0);
  });
  EXPECT_TRUE(chain.empty());
  iovec entry;
  EXPECT_EQ(chain.gather(&entry, 1), 0u);
}

TEST(BufferChain, CountsWhatWasWrittenBeforeAnException) {
  BufferChain chain;
  const auto write = [](ByteBuffer& buffer) {
    buffer.append("half");
    throw 1;
  };
  EXPECT_THROW(chain.append_with(write), int);
  EXPECT_EQ(chain.bytes(), 4u);
}

TEST(BufferChain, AppendsItsOwnBytes) {
  BufferChain chain;
  std::string expected = "0123456789";
  chain.append(expected);
  for (int i = 0; i < 12; ++i) {  // every doubling moves the buffer
    iovec entry;
    ASSERT_EQ(chain.gather(&entry, 1), 1u);
    chain.append(std::string_view(static_cast<const char*>(entry.iov_base), entry.iov_len));
    expected += expected;
    ASSERT_TRUE(gathered(chain) == expected);
  }
}

TEST(BufferChain, AppendsAnotherChain) {
  Lent one(kLarge, '1'), two(kLarge, '2');
  BufferChain chain, other;
  chain.append("a");
  chain.append(one.foreign());
  other.append("b");
  other.append(two.foreign());
  other.append("c");
  chain.append(std::move(other));
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(other.memory_bytes(), 0u);
  EXPECT_EQ(gathered(chain), "a" + one.bytes + "b" + two.bytes + "c");
  EXPECT_EQ(chain.bytes(), 3 + 2 * kLarge);
  chain.append("d");
  other.append("e");
  chain.append(std::move(other));
  BufferChain& self = chain;
  chain.append(std::move(self));
  chain.append(BufferChain());
  EXPECT_EQ(gathered(chain), "a" + one.bytes + "b" + two.bytes + "cde");
  BufferChain onlyFiles;
  onlyFiles.append(range_of(0, 7));
  chain.append(std::move(onlyFiles));
  EXPECT_EQ(chain.bytes(), 5 + 2 * kLarge + 7);
  EXPECT_EQ(chain.memory_bytes(), 5 + 2 * kLarge);
  chain.clear();
  EXPECT_EQ(one.released + two.released, 2);
}

TEST(BufferChain, StartsANewBufferWhenOneIsLarge) {
  BufferChain chain;
  const std::string piece(1000, 'p');
  std::string expected;
  while (expected.size() <= 2 * BufferChain::kOwnedMax) {
    chain.append(piece);
    expected += piece;
  }
  iovec entries[8];
  EXPECT_EQ(chain.gather(entries, 8), 2u);
  EXPECT_TRUE(gathered(chain) == expected);
}

// Against a plain model: random operations keep bytes and counts exact.
TEST(BufferChain, AgreesWithAModel) {
  std::mt19937 random(7);
  BufferChain chain;
  std::string model;  // files count as '#'
  std::deque<Lent> lents;
  int letter = 0;
  for (int step = 0; step < 20'000; ++step) {
    const size_t size = random() % (step % 50 == 0 ? 20'000 : 300);
    const char fill = static_cast<char>('a' + letter++ % 26);
    switch (random() % 7) {
      case 0:
      case 1:
        chain.append(std::string(size, fill));
        model += std::string(size, fill);
        break;
      case 2:
        lents.emplace_back(size * 20, fill);
        chain.append(lents.back().foreign());
        model += lents.back().bytes;
        break;
      case 3:
        chain.append(range_of(0, size));
        model += std::string(size, '#');
        break;
      case 4: {
        BufferChain other;
        other.append(std::string(size, fill));
        other.append(range_of(1, 3));
        chain.append(std::move(other));
        model += std::string(size, fill) + "###";
        break;
      }
      default: {
        const size_t count = model.empty() ? 0 : random() % (model.size() + 1);
        chain.consume(count);
        model.erase(0, count);
        break;
      }
    }
    ASSERT_EQ(chain.bytes(), model.size());
    ASSERT_EQ(chain.memory_bytes(),
              model.size() - static_cast<size_t>(std::count(model.begin(), model.end(), '#')));
    iovec entries[4];
    const size_t count = chain.gather(entries, 4);
    std::string front;
    for (size_t i = 0; i < count; ++i) {
      front.append(static_cast<const char*>(entries[i].iov_base), entries[i].iov_len);
    }
    ASSERT_TRUE(std::string_view(model).starts_with(front));
    ASSERT_EQ(chain.front_file() != nullptr, !model.empty() && model[0] == '#');
    ASSERT_TRUE(model.empty() || count > 0 || model[0] == '#');
  }
  chain.clear();
  for (const Lent& lent : lents) ASSERT_EQ(lent.released, 1);
}

}  // namespace
}  // namespace cppcorn
