#include "src/base/allocator.h"

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>

#include <cstring>
#include <initializer_list>
#endif

namespace cppcorn {

#ifdef __GLIBC__

namespace {

constexpr int kKeptBytesMax = 8 << 20;
// What is larger has a mapping of its own, which goes back to the kernel whole. Setting the one
// ends glibc's adjusting of the other, which begins at 128 KiB.
constexpr int kMappedBytesMin = 4 << 20;

bool configured_by_environment() noexcept {
  for (const char* name : {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_"}) {
    if (getenv(name) != nullptr) return true;
  }
  const char* tunables = getenv("GLIBC_TUNABLES");
  return tunables != nullptr && std::strstr(tunables, "glibc.malloc.") != nullptr;
}

}  // namespace

void keep_freed_memory() noexcept {
  if (configured_by_environment()) return;
  mallopt(M_TRIM_THRESHOLD, kKeptBytesMax);
  mallopt(M_MMAP_THRESHOLD, kMappedBytesMin);
}

#else

void keep_freed_memory() noexcept {}

#endif

}  // namespace cppcorn
