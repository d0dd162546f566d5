#include "src/base/allocator.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace cppcorn {
namespace {

constexpr size_t kBlockBytes = 100'000;
constexpr int kBlocks = 40;

void allocate_and_free() {
  std::array<std::unique_ptr<char[]>, kBlocks> blocks;
  for (auto& block : blocks) {
    block = std::make_unique_for_overwrite<char[]>(kBlockBytes);
    std::memset(block.get(), 1, kBlockBytes);
  }
}

long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

TEST(Allocator, FreedMemoryIsUsedAgainWithoutAskingTheKernel) {
  if (getenv("LD_PRELOAD") != nullptr) GTEST_SKIP() << "another allocator may be preloaded";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's allocator has thresholds of its own";
#endif
  keep_freed_memory();
  allocate_and_free();
  const long before = page_faults();
  for (int i = 0; i < 10; ++i) allocate_and_free();
  // Without it: about a thousand a round.
  EXPECT_LT(page_faults() - before, 500);
}

}  // namespace
}  // namespace cppcorn
