// ByteBuffer: growable contiguous bytes with a cheap front: append at the end, consume at the
// beginning. Unlike std::string it never fills new memory with zeros, and it can give its memory
// back (an idle connection holds none).
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace cppcorn {

class ByteBuffer {
 public:
  ByteBuffer() noexcept = default;
  ByteBuffer(ByteBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        begin_(std::exchange(other.begin_, 0)),
        end_(std::exchange(other.end_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    if (this != &other) {
      std::free(data_);
      data_ = std::exchange(other.data_, nullptr);
      begin_ = std::exchange(other.begin_, 0);
      end_ = std::exchange(other.end_, 0);
      capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
  }
  ~ByteBuffer() { std::free(data_); }

  const char* data() const noexcept { return data_ + begin_; }
  char* data() noexcept { return data_ + begin_; }
  size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  size_t capacity() const noexcept { return capacity_; }
  std::string_view view() const noexcept { return {data(), size()}; }

  void append(const char* bytes, size_t count) {
    if (count == 0) return;
    std::memcpy(prepare(count), bytes, count);
    end_ += count;
  }
  void append(std::string_view bytes) { append(bytes.data(), bytes.size()); }
  void push_back(char byte) {
    *prepare(1) = byte;
    ++end_;
  }
  // Room for count more bytes; write there, then commit() what was written.
  char* prepare(size_t count) {
    if (capacity_ - end_ < count) grow(count);
    return data_ + end_;
  }
  void commit(size_t count) noexcept { end_ += count; }
  // Forgets the first count bytes.
  void consume(size_t count) noexcept {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Cuts the contents to the first count bytes.
  void truncate(size_t count) noexcept { end_ = begin_ + count; }
  void clear() noexcept { begin_ = end_ = 0; }
  // Gives the memory back.
  void release() noexcept {
    std::free(data_);
    data_ = nullptr;
    begin_ = end_ = capacity_ = 0;
  }

 private:
  void grow(size_t count);

  char* data_ = nullptr;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t capacity_ = 0;
};

}  // namespace cppcorn
