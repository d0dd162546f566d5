#include "src/server/spool.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <random>
#include <string>

namespace cppcorn::server {
namespace {

constexpr uint64_t kMemory = 4096;

std::string directory() { return ::testing::TempDir(); }

// So that a piece in the wrong place shows.
std::string pattern(size_t size) {
  std::string text(size, '\0');
  std::mt19937 random(static_cast<unsigned>(size));
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::string read_all(const Spool& spool, size_t block) {
  std::string text, piece(block, '\0');
  size_t got = 0;
  do {
    EXPECT_TRUE(spool.read(text.size(), piece.data(), block, &got));
    text.append(piece, 0, got);
  } while (got > 0);
  return text;
}

TEST(Spool, KeepsSmallBodiesInMemory) {
  SpoolStore store(directory(), kMemory, 0);
  Spool spool(store);
  EXPECT_EQ(spool.append("hello, "), SpoolError::kNone);
  EXPECT_EQ(spool.append("world"), SpoolError::kNone);
  EXPECT_TRUE(spool.in_memory());
  EXPECT_EQ(spool.view(), "hello, world");
  EXPECT_EQ(spool.size(), 12u);
  EXPECT_GT(store.memory.used(), 0u);
  spool.clear();
  EXPECT_EQ(spool.size(), 0u);
  EXPECT_EQ(store.memory.used(), 0u);
}

// Sizes around every border, in pieces around every border: in memory, moved, behind the file's
// end.
TEST(Spool, GivesBackWhatItGotHoweverItIsCut) {
  for (const size_t size : {0u, 1u, 4095u, 4096u, 4097u, 20'000u, 100'000u}) {
    for (const size_t piece : {1u, 7u, 1000u, 4096u, 16'384u, 65'536u}) {
      SpoolStore store(directory(), kMemory, 0);
      Spool spool(store);
      const std::string body = pattern(size);
      for (size_t at = 0; at < size; at += piece) {
        ASSERT_EQ(spool.append(std::string_view(body).substr(at, piece)), SpoolError::kNone);
      }
      ASSERT_EQ(spool.size(), size);
      EXPECT_EQ(spool.in_memory(), size <= kMemory);
      EXPECT_EQ(read_all(spool, 777), body) << size << " in pieces of " << piece;
    }
  }
}

TEST(Spool, GoesToTheFileAtOnceWhenALongBodyIsExpected) {
  SpoolStore store(directory(), kMemory, 0);
  Spool spool(store);
  spool.expect(1'000'000);
  EXPECT_EQ(spool.append("x"), SpoolError::kNone);
  EXPECT_FALSE(spool.in_memory());
  EXPECT_EQ(read_all(spool, 10), "x");
}

TEST(Spool, GivesItsReservationsBackWithItsLife) {
  SpoolStore store(directory(), kMemory, 1'000'000);
  {
    Spool spool(store);
    EXPECT_EQ(spool.append(pattern(50'000)), SpoolError::kNone);
    EXPECT_EQ(store.memory.used(), 0u);
    EXPECT_GT(store.disk.used(), 0u);
    Spool moved(std::move(spool));
    EXPECT_EQ(moved.size(), 50'000u);
    EXPECT_EQ(spool.size(), 0u);  // NOLINT: what a moved-from spool is like is part of its contract
  }
  EXPECT_EQ(store.disk.used(), 0u);
}

TEST(Spool, SaysWhenTheWorkersSpoolsAreFull) {
  SpoolStore store(directory(), kMemory, 30'000);
  Spool first(store), second(store);
  EXPECT_EQ(first.append(pattern(20'000)), SpoolError::kNone);
  EXPECT_EQ(second.append(pattern(20'000)), SpoolError::kBudget);
  second.clear();
  first.clear();
  EXPECT_EQ(second.append(pattern(20'000)), SpoolError::kNone);
}

TEST(Spool, SaysWhyTheDiskWillNotDo) {
  SpoolStore store("/nonexistent/folder", kMemory, 0);
  Spool spool(store);
  EXPECT_EQ(spool.append(pattern(20'000)), SpoolError::kDisk);
  EXPECT_EQ(spool.error_number(), ENOENT);
}

TEST(Spool, UsesFilesEarlyWhenAllSpoolsTogetherTakeTooMuchMemory) {
  SpoolStore store(directory(), SpoolStore::kMemoryMax, 0);
  Spool large(store), small(store);
  EXPECT_EQ(large.append(std::string(SpoolStore::kMemoryMax - 10, 'x')), SpoolError::kNone);
  EXPECT_TRUE(large.in_memory());
  EXPECT_EQ(small.append(std::string(100, 'y')), SpoolError::kNone);
  EXPECT_FALSE(small.in_memory());
  EXPECT_EQ(read_all(small, 1000), std::string(100, 'y'));
}

TEST(TemporaryFile, HasNoName) {
  auto file = open_temporary_file(directory());
  ASSERT_TRUE(file);
  struct stat status;
  ASSERT_EQ(fstat(file->get(), &status), 0);
  EXPECT_EQ(status.st_nlink, 0u);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST(Budget, NeverGivesMoreThanItHas) {
  Budget budget(10);
  EXPECT_TRUE(budget.reserve(10));
  EXPECT_FALSE(budget.reserve(1));
  budget.give_back(5);
  EXPECT_FALSE(budget.reserve(6));
  EXPECT_FALSE(budget.reserve(UINT64_MAX));
  EXPECT_TRUE(budget.reserve(5));
  EXPECT_EQ(budget.used(), 10u);
}

}  // namespace
}  // namespace cppcorn::server
