#include "src/base/byte_buffer.h"

#include <algorithm>

#include "src/base/assert.h"

namespace cppcorn {

void ByteBuffer::grow(size_t count) {
  const size_t used = size();
  CPPCORN_CHECK(count <= SIZE_MAX / 4 - used);
  // Moving the bytes to the front is enough when at least half of the memory is free afterwards.
  if (begin_ > 0 && used + count <= capacity_ / 2) {
    std::memmove(data_, data_ + begin_, used);
  } else {
    constexpr size_t kSmallest = 256;
    const size_t capacity = std::max({kSmallest, used + count, capacity_ * 2});
    char* grown = static_cast<char*>(std::malloc(capacity));
    CPPCORN_CHECK(grown != nullptr);
    if (used > 0) std::memcpy(grown, data_ + begin_, used);
    std::free(data_);
    data_ = grown;
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = used;
}

}  // namespace cppcorn
