#include "workers/wsgi/response_buffer.h"

#include <gtest/gtest.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace cppcorn::wsgi {
namespace {

constexpr uint64_t kMemory = 4096;
constexpr uint64_t kMax = 64 << 10;

BufferChain chain_of(std::string_view bytes) {
  BufferChain chain;
  chain.append(bytes);
  return chain;
}

std::string pattern(size_t size) {
  std::string text(size, '\0');
  std::mt19937 random(static_cast<unsigned>(size));
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// What a client would get of a chain: its memory and its ranges of files, up to max bytes.
std::string drain(BufferChain& chain, size_t max) {
  std::string text;
  while (text.size() < max && !chain.empty()) {
    if (const FileRange* range = chain.front_file()) {
      std::string piece(std::min<size_t>(range->size, max - text.size()), '\0');
      EXPECT_EQ(
          pread(range->file->get(), piece.data(), piece.size(), static_cast<off_t>(range->offset)),
          static_cast<ssize_t>(piece.size()));
      text += piece;
      chain.consume(piece.size());
      continue;
    }
    iovec entry;
    if (chain.gather(&entry, 1) == 0) break;
    const size_t count = std::min(entry.iov_len, max - text.size());
    text.append(static_cast<const char*>(entry.iov_base), count);
    chain.consume(count);
  }
  return text;
}

class ResponseBufferTest : public ::testing::Test {
 protected:
  // The I/O thread's turn: takes, and the client takes up to max bytes of it.
  std::string turn(size_t max) {
    BufferChain taken;
    {
      const std::lock_guard lock(mutex_);
      buffer_.take(taken, exchange_.bytes());
    }
    // As in the engine, the pool may post between the two.
    exchange_.append(std::move(taken));
    std::string sent = drain(exchange_, max);
    const std::lock_guard lock(mutex_);
    buffer_.update(exchange_.bytes());
    return sent;
  }
  void post(std::string_view bytes) {
    BufferChain chain = chain_of(bytes);
    std::unique_lock lock(mutex_);
    if (!buffer_.admit(chain)) buffer_.admit_slowly(lock, chain, [] {});
  }

  std::mutex mutex_;
  server::SpoolStore spools_{::testing::TempDir(), kMemory, 0};
  ResponseStore store_{spools_, kMemory, kMax};
  ResponseBuffer buffer_{store_};
  BufferChain exchange_;
};

TEST_F(ResponseBufferTest, TakesSmallResponsesIntoMemory) {
  BufferChain chain = chain_of("hello");
  EXPECT_TRUE(buffer_.admit(chain));
  EXPECT_EQ(turn(100), "hello");
  EXPECT_TRUE(buffer_.taken());
  uint64_t mark;
  EXPECT_FALSE(buffer_.wants_update(&mark));
}

// The app holds its block in memory as it is: a first one may be of any size.
TEST_F(ResponseBufferTest, TakesAFirstBlockOfAnySize) {
  const std::string large = pattern(1 << 20);
  BufferChain chain = chain_of(large);
  EXPECT_TRUE(buffer_.admit(chain));
  EXPECT_GE(store_.memory.used(), large.size());
  EXPECT_EQ(turn(large.size()), large);
  EXPECT_EQ(store_.memory.used(), 0u);
}

TEST_F(ResponseBufferTest, SendsThePoolAwayWhenMemoryIsFull) {
  BufferChain first = chain_of(pattern(kMemory)), second = chain_of("x");
  EXPECT_TRUE(buffer_.admit(first));
  EXPECT_FALSE(buffer_.admit(second));
  turn(100);
  EXPECT_FALSE(second.empty());
  turn(kMemory);
  EXPECT_TRUE(buffer_.admit(second));
}

// A client that takes nothing: everything up to the bound is buffered, and nobody waited for it.
TEST_F(ResponseBufferTest, PutsIntoAFileWhatTheClientDoesNotTake) {
  const std::string body = pattern(50'000);
  for (size_t at = 0; at < body.size(); at += 1000) post(std::string_view(body).substr(at, 1000));
  std::string got;
  while (got.size() < body.size()) got += turn(777);
  EXPECT_EQ(got, body);
  EXPECT_TRUE(buffer_.taken());
  EXPECT_EQ(spools_.memory.used(), 0u);
}

// Many times both bounds, at every mixture of speeds: no byte is lost, doubled or moved.
TEST_F(ResponseBufferTest, KeepsTheOrderThroughMemoryAndFile) {
  const std::string body = pattern(1 << 20);
  std::thread pool([&] {
    std::mt19937 random(7);
    for (size_t at = 0; at < body.size();) {
      const size_t size = std::min<size_t>(1 + random() % 20'000, body.size() - at);
      post(std::string_view(body).substr(at, size));
      at += size;
    }
  });
  std::mt19937 random(8);
  std::string got;
  while (got.size() < body.size()) {
    got += turn(1 + random() % 30'000);
    if (random() % 8 == 0) std::this_thread::yield();
  }
  pool.join();
  EXPECT_TRUE(got == body);
  EXPECT_EQ(turn(1), "");
}

TEST_F(ResponseBufferTest, WaitsForTheClientOnlyBehindTheBound) {
  std::thread pool([&] {
    for (int i = 0; i < 40; ++i) post(pattern(4096));
  });
  // 160 KiB do not fit into 4 KiB of memory and 64 KiB of file: the thread ends only as bytes are
  // taken.
  size_t got = 0;
  while (got < 40u * 4096u) got += turn(10'000).size();
  pool.join();
  EXPECT_EQ(got, 40u * 4096u);
}

TEST_F(ResponseBufferTest, GoesOnWithoutADisk) {
  server::SpoolStore nowhere("/nonexistent/folder", kMemory, 0);
  ResponseStore store{nowhere, kMemory, kMax};
  ResponseBuffer buffer{store};
  const std::string body = pattern(100'000);
  std::thread pool([&] {
    for (size_t at = 0; at < body.size(); at += 1000) {
      BufferChain chain = chain_of(std::string_view(body).substr(at, 1000));
      std::unique_lock lock(mutex_);
      if (!buffer.admit(chain)) buffer.admit_slowly(lock, chain, [] {});
    }
  });
  std::string got;
  BufferChain exchange;
  while (got.size() < body.size()) {
    const std::lock_guard lock(mutex_);
    buffer.take(exchange, exchange.bytes());
    got += drain(exchange, 5000);
    buffer.update(exchange.bytes());
  }
  pool.join();
  EXPECT_TRUE(got == body);
}

// The worker's budget for files is used up by others.
TEST_F(ResponseBufferTest, WaitsWhenTheWorkersFilesAreFull) {
  server::SpoolStore small(::testing::TempDir(), kMemory, 1);
  ResponseStore store{small, kMemory, kMax};
  ResponseBuffer buffer{store};
  std::thread pool([&] {
    for (int i = 0; i < 10; ++i) {
      BufferChain chain = chain_of(pattern(4000));
      std::unique_lock lock(mutex_);
      if (!buffer.admit(chain)) buffer.admit_slowly(lock, chain, [] {});
    }
  });
  size_t got = 0;
  BufferChain exchange;
  while (got < 40'000) {
    const std::lock_guard lock(mutex_);
    buffer.take(exchange, exchange.bytes());
    got += drain(exchange, 3000).size();
    buffer.update(exchange.bytes());
  }
  pool.join();
  EXPECT_EQ(small.disk.used(), 0u);
}

TEST_F(ResponseBufferTest, SetsAWaitingThreadFreeWhenTheClientGoes) {
  std::thread pool([&] {
    for (int i = 0; i < 100; ++i) post(pattern(4096));
  });
  while (true) {
    const std::lock_guard lock(mutex_);
    if (!buffer_.taken()) break;
  }
  {
    const std::lock_guard lock(mutex_);
    buffer_.abandon();
  }
  pool.join();
  BufferChain late = chain_of("late");
  EXPECT_TRUE(buffer_.admit(late));
  EXPECT_TRUE(late.empty());
  buffer_.reset();
  EXPECT_EQ(store_.memory.used(), 0u);
  EXPECT_EQ(spools_.disk.used(), 0u);
}

// Space that was sent is given back while the response goes on, and nothing that waits is lost by
// that.
TEST(SpillFile, GivesBackWhatWasSent) {
  constexpr uint64_t kPiece = 1 << 20;
  server::SpoolStore store(::testing::TempDir(), kMemory, 4 * kPiece);
  SpillFile file(store);
  ASSERT_TRUE(file.open());
  for (uint64_t i = 0; i < 20; ++i) {
    BufferChain chain = chain_of(std::string(kPiece, static_cast<char>('a' + i)));
    file.sent_before(i * kPiece);
    auto written = file.append(chain, kPiece);
    ASSERT_TRUE(written) << written.error().message;
    ASSERT_EQ(*written, kPiece);
    EXPECT_LE(store.disk.used(), 2 * kPiece);
    std::string piece(1000, '\0');
    const FileRange range = file.range(i * kPiece, kPiece);
    ASSERT_EQ(pread(range.file->get(), piece.data(), 1000, static_cast<off_t>(range.offset)), 1000);
    EXPECT_EQ(piece, std::string(1000, static_cast<char>('a' + i)));
  }
  file.close();
  EXPECT_EQ(store.disk.used(), 0u);
}

TEST(SpillFile, SaysWhyNothingWasWritten) {
  server::SpoolStore store(::testing::TempDir(), kMemory, 1000);
  SpillFile file(store);
  ASSERT_TRUE(file.open());
  BufferChain chain = chain_of(std::string(2000, 'x'));
  EXPECT_EQ(*file.append(chain, 800), 800u);
  EXPECT_EQ(chain.bytes(), 1200u);
  const auto refused = file.append(chain, 800);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("--spool-max"), std::string::npos);
  EXPECT_EQ(chain.bytes(), 1200u);
}

// A file of the app's own in the response comes behind what was written before it.
TEST_F(ResponseBufferTest, KeepsAFileOfTheAppInItsPlace) {
  auto file = server::open_temporary_file(::testing::TempDir());
  ASSERT_TRUE(file);
  const std::string content = pattern(5000);
  ASSERT_EQ(pwrite(file->get(), content.data(), content.size(), 0), 5000);
  auto shared = std::make_shared<UniqueFd>(std::move(*file));
  const std::string before = pattern(20'000);
  std::thread pool([&] {
    for (size_t at = 0; at < before.size(); at += 5000) {
      post(std::string_view(before).substr(at, 5000));
    }
    BufferChain chain;
    chain.append(FileRange{shared, 0, content.size()});
    std::unique_lock lock(mutex_);
    if (!buffer_.admit(chain)) buffer_.admit_slowly(lock, chain, [] {});
  });
  std::string got;
  while (got.size() < before.size() + content.size()) got += turn(3000);
  pool.join();
  EXPECT_TRUE(got == before + content);
}

}  // namespace
}  // namespace cppcorn::wsgi
