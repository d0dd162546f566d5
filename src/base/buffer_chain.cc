#include "src/base/buffer_chain.h"

#include <algorithm>
#include <functional>
#include <new>
#include <utility>
#include <variant>

#include "src/base/assert.h"

namespace cppcorn {
namespace {

// Foreign bytes that are let go exactly once.
class Borrowed {
 public:
  explicit Borrowed(const ForeignBytes& bytes) noexcept : bytes_(bytes) {}
  Borrowed(Borrowed&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Borrowed& operator=(Borrowed&&) = delete;
  ~Borrowed() {
    if (bytes_.release != nullptr) bytes_.release(bytes_.owner);
  }

  std::string_view view() const noexcept { return {bytes_.data, bytes_.size}; }
  void consume(size_t count) noexcept { bytes_.data += count, bytes_.size -= count; }

 private:
  ForeignBytes bytes_;
};

bool lies_in(const ByteBuffer& buffer, std::string_view bytes) noexcept {
  const char* begin = buffer.data();
  return !std::less<>{}(bytes.data(), begin) && std::less<>{}(bytes.data(), begin + buffer.size());
}

}  // namespace

struct BufferChain::Segment {
  template <typename Content>
  static Segment* make(Content&& content) noexcept {
    auto* segment = new (std::nothrow) Segment{std::forward<Content>(content)};
    CPPCORN_CHECK(segment != nullptr);
    return segment;
  }

  ByteBuffer* owned() noexcept { return std::get_if<ByteBuffer>(&content); }
  const FileRange* file() const noexcept { return std::get_if<FileRange>(&content); }
  uint64_t size() const noexcept { return file() != nullptr ? file()->size : memory().size(); }
  std::string_view memory() const noexcept {
    if (const auto* buffer = std::get_if<ByteBuffer>(&content)) return buffer->view();
    if (const auto* borrowed = std::get_if<Borrowed>(&content)) return borrowed->view();
    return {};
  }
  void consume(uint64_t count) noexcept {
    if (auto* range = std::get_if<FileRange>(&content)) {
      range->offset += count;
      range->size -= count;
    } else if (auto* borrowed = std::get_if<Borrowed>(&content)) {
      borrowed->consume(count);
    } else {
      owned()->consume(count);
    }
  }

  std::variant<ByteBuffer, Borrowed, FileRange> content;
  Segment* next = nullptr;
};

BufferChain::BufferChain(BufferChain&& other) noexcept
    : first_(std::move(other.first_)),
      front_(std::exchange(other.front_, nullptr)),
      back_(std::exchange(other.back_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      memory_bytes_(std::exchange(other.memory_bytes_, 0)) {}

BufferChain& BufferChain::operator=(BufferChain&& other) noexcept {
  if (this == &other) return *this;
  clear();
  first_ = std::move(other.first_);
  front_ = std::exchange(other.front_, nullptr);
  back_ = std::exchange(other.back_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  memory_bytes_ = std::exchange(other.memory_bytes_, 0);
  return *this;
}

BufferChain::~BufferChain() { clear(); }

void BufferChain::append(std::string_view bytes) {
  if (bytes.empty()) return;
  ByteBuffer& buffer = tail(bytes.size());
  if (lies_in(buffer, bytes)) {
    // Growing the buffer would take the bytes away before they are copied.
    ByteBuffer copy;
    copy.append(bytes);
    buffer.append(copy.view());
  } else {
    buffer.append(bytes);
  }
  grew(bytes.size());
}

void BufferChain::append(const ForeignBytes& bytes) {
  Borrowed borrowed(bytes);
  if (bytes.size < kForeignMin) return append(borrowed.view());
  push(Segment::make(std::move(borrowed)));
  grew(bytes.size);
}

void BufferChain::append(FileRange range) {
  if (range.size == 0) return;
  bytes_ += range.size;
  push(Segment::make(std::move(range)));
}

void BufferChain::append(ByteBuffer&& bytes) {
  const size_t size = bytes.size();
  if (size == 0) return;
  if (empty()) {
    first_ = std::move(bytes);
  } else if (size < kForeignMin) {
    append(bytes.view());
    return bytes.clear();
  } else {
    push(Segment::make(std::move(bytes)));
  }
  grew(size);
}

void BufferChain::append(BufferChain&& other) {
  if (this == &other || other.empty()) return;
  if (empty()) {
    *this = std::move(other);
    return;
  }
  const uint64_t rest_bytes = other.bytes_ - other.first_.size();
  const uint64_t rest_memory_bytes = other.memory_bytes_ - other.first_.size();
  append(std::move(other.first_));
  if (other.front_ != nullptr) {
    (back_ != nullptr ? back_->next : front_) = std::exchange(other.front_, nullptr);
    back_ = std::exchange(other.back_, nullptr);
    bytes_ += rest_bytes;
    memory_bytes_ += rest_memory_bytes;
  }
  other.bytes_ = other.memory_bytes_ = 0;
  other.clear();
}

size_t BufferChain::gather(iovec* entries, size_t count_max) const noexcept {
  size_t count = 0;
  const auto add = [&](std::string_view bytes) {
    if (!bytes.empty()) entries[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
  };
  if (count_max > 0) add(first_.view());
  for (const Segment* segment = front_; segment != nullptr && count < count_max;
       segment = segment->next) {
    if (segment->file() != nullptr) break;
    add(segment->memory());
  }
  return count;
}

const FileRange* BufferChain::front_file() const noexcept {
  return first_.empty() && front_ != nullptr ? front_->file() : nullptr;
}

void BufferChain::consume(uint64_t bytes) noexcept {
  CPPCORN_CHECK(bytes <= bytes_);
  if (bytes == bytes_) return clear();
  const size_t from_first = std::min<uint64_t>(bytes, first_.size());
  first_.consume(from_first);
  if (first_.empty()) first_.release();
  bytes_ -= from_first;
  memory_bytes_ -= from_first;
  for (bytes -= from_first; bytes > 0;) {
    const uint64_t count = std::min(bytes, front_->size());
    front_->consume(count);
    bytes -= count;
    bytes_ -= count;
    if (front_->file() == nullptr) memory_bytes_ -= count;
    if (front_->size() == 0) pop_front();
  }
  // The front is never an empty buffer, which would hide a file behind it.
  while (first_.empty() && front_ != nullptr && front_->size() == 0) pop_front();
}

void BufferChain::clear() noexcept {
  bytes_ = memory_bytes_ = 0;
  first_.release();
  while (front_ != nullptr) pop_front();
}

// The buffer at the end of the chain: bytes appended to it are the chain's last.
ByteBuffer& BufferChain::tail(size_t expected) {
  ByteBuffer* buffer = back_ == nullptr ? &first_ : back_->owned();
  if (buffer == nullptr || buffer->size() >= kOwnedMax) {
    push(Segment::make(ByteBuffer()));
    buffer = back_->owned();
  }
  if (buffer->capacity() == 0) buffer->prepare(std::max(expected, kOwnedFirst));
  return *buffer;
}

void BufferChain::push(Segment* segment) noexcept {
  (back_ != nullptr ? back_->next : front_) = segment;
  back_ = segment;
}

// The segment is out of the chain before its bytes are let go.
void BufferChain::pop_front() noexcept {
  const std::unique_ptr<Segment> segment(front_);
  front_ = segment->next;
  if (front_ == nullptr) back_ = nullptr;
}

void BufferChain::grew(size_t bytes) noexcept {
  bytes_ += bytes;
  memory_bytes_ += bytes;
  if (bytes_ == 0) clear();  // tail() may have made room for bytes that did not come
}

}  // namespace cppcorn
