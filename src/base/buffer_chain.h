// BufferChain: bytes waiting to be sent, as a queue of segments: bytes of our own (small pieces are
// joined), bytes that belong to somebody else (a Python object: sent without a copy, let go when
// sent), and ranges of files (sent by sendfile). An empty chain holds no memory beyond itself, so
// that an idle connection is cheap.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "src/base/byte_buffer.h"
#include "src/base/unique_fd.h"

namespace cppcorn {

// Bytes that somebody else keeps alive until release(owner) is called, exactly once, on whatever
// thread drops the segment. (A release that needs the GIL must therefore only queue the owner for
// later.)
struct ForeignBytes {
  const char* data = nullptr;
  size_t size = 0;
  void* owner = nullptr;
  void (*release)(void* owner) noexcept = nullptr;
};

// A range of an open file. Shared, so that the descriptor lives as long as any part of it is
// queued.
struct FileRange {
  std::shared_ptr<UniqueFd> file;
  uint64_t offset = 0;
  uint64_t size = 0;
};

class BufferChain {
 public:
  BufferChain() noexcept = default;
  BufferChain(BufferChain&& other) noexcept;
  BufferChain& operator=(BufferChain&& other) noexcept;
  ~BufferChain();

  bool empty() const noexcept { return bytes_ == 0; }
  // Bytes queued, those of files included.
  uint64_t bytes() const noexcept { return bytes_; }
  // Bytes queued that take memory here: all but those of files.
  uint64_t memory_bytes() const noexcept { return memory_bytes_; }

  // Copies bytes to the end. They may lie in this chain.
  void append(std::string_view bytes);
  // Appends without a copy. Blocks under kForeignMin bytes are copied and released at once: cheaper
  // than a segment.
  void append(const ForeignBytes& bytes);
  void append(FileRange range);
  // Takes the bytes of a buffer without a copy where that is cheaper; leaves it empty.
  void append(ByteBuffer&& bytes);
  // Moves all segments of other to the end; leaves it empty. Nothing happens when other is this
  // chain.
  void append(BufferChain&& other);

  // Runs write(ByteBuffer&) on the buffer at the end of the chain, for code that encodes into a
  // ByteBuffer (the HTTP encoder); counts what it appended. write must only append (or truncate
  // what it appended itself).
  template <typename Write>
  auto append_with(Write&& write) {
    ByteBuffer& buffer = tail();
    const size_t before = buffer.size();
    struct Count {
      BufferChain& chain;
      ByteBuffer& buffer;
      size_t before;
      ~Count() { chain.grew(buffer.size() - before); }
    } count{*this, buffer, before};
    return write(buffer);
  }

  // The memory segments from the front, up to the first file range; returns how many entries were
  // filled.
  size_t gather(iovec* entries, size_t count_max) const noexcept;
  // The file range at the front, or nullptr when memory comes first.
  const FileRange* front_file() const noexcept;
  // Forgets bytes from the front (they have been sent).
  void consume(uint64_t bytes) noexcept;
  void clear() noexcept;

  static constexpr size_t kForeignMin = 2048;
  // A buffer of our own that holds so much is not added to: growing would copy it.
  static constexpr size_t kOwnedMax = 65536;
  // The first allocation of a buffer: most responses fit, and malloc keeps blocks of this size at
  // hand.
  static constexpr size_t kOwnedFirst = 1024;

 private:
  struct Segment;

  ByteBuffer& tail(size_t expected_bytes = 0);
  void push(Segment* segment) noexcept;
  void pop_front() noexcept;
  void grew(size_t bytes) noexcept;

  // The common case is one small response: it lives in first_. What comes after something else is a
  // list.
  ByteBuffer first_;
  Segment* front_ = nullptr;
  Segment* back_ = nullptr;
  uint64_t bytes_ = 0;
  uint64_t memory_bytes_ = 0;
};

}  // namespace cppcorn
