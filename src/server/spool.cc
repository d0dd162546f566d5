#include "src/server/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace cppcorn::server {
namespace {

// Small pieces are gathered up to this much before they are written.
constexpr size_t kTailMax = 16 << 10;

Error cannot_create(const std::string& directory, int error) {
  return Error{"no temporary file can be made in " + directory + ": " + std::strerror(error)};
}

Result<UniqueFd> open_and_unlink(const std::string& directory) {
  std::string path = directory + "/cppcorn-XXXXXX";
  UniqueFd file(::mkostemp(path.data(), O_CLOEXEC));
  if (!file.valid()) return cannot_create(directory, errno);
  ::unlink(path.c_str());
  return file;
}

// Reads or writes all of it, whatever the system calls like to do at a time.
bool write_all(int fd, const char* from, size_t count, uint64_t offset) noexcept {
  while (count > 0) {
    const ssize_t written = ::pwrite(fd, from, count, static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    from += written;
    count -= static_cast<size_t>(written);
    offset += static_cast<uint64_t>(written);
  }
  return true;
}

bool read_all(int fd, char* to, size_t count, uint64_t offset) noexcept {
  while (count > 0) {
    const ssize_t got = ::pread(fd, to, count, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = EIO;  // the file is ours and cannot have become shorter
    if (got <= 0) return false;
    to += got;
    count -= static_cast<size_t>(got);
    offset += static_cast<uint64_t>(got);
  }
  return true;
}

}  // namespace

Result<UniqueFd> open_temporary_file(const std::string& directory) {
#ifdef O_TMPFILE
  UniqueFd file(::open(directory.c_str(), O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
  if (file.valid()) return file;
  // Some file systems (and old kernels, which take it for a directory to be written) don't have it.
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL) {
    return cannot_create(directory, errno);
  }
#endif
  return open_and_unlink(directory);
}

std::string temporary_directory(std::string_view asked) {
  if (!asked.empty()) return std::string(asked);
  const char* from_environment = std::getenv("TMPDIR");
  if (from_environment != nullptr && *from_environment != '\0') return from_environment;
  return "/tmp";
}

bool Budget::reserve(uint64_t bytes) noexcept {
  uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    if (max_ != 0 && (bytes > max_ || used > max_ - bytes)) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

Spool::Spool(Spool&& other) noexcept
    : store_(other.store_),
      tail_(std::move(other.tail_)),
      memory_reserved_(std::exchange(other.memory_reserved_, 0)),
      expected_(std::exchange(other.expected_, 0)),
      file_bytes_(std::exchange(other.file_bytes_, 0)),
      file_(std::move(other.file_)),
      error_number_(std::exchange(other.error_number_, 0)) {}

Spool& Spool::operator=(Spool&& other) noexcept {
  if (this == &other) return *this;
  clear();
  store_ = other.store_;
  tail_ = std::move(other.tail_);
  memory_reserved_ = std::exchange(other.memory_reserved_, 0);
  expected_ = std::exchange(other.expected_, 0);
  file_bytes_ = std::exchange(other.file_bytes_, 0);
  file_ = std::move(other.file_);
  error_number_ = std::exchange(other.error_number_, 0);
  return *this;
}

void Spool::clear() noexcept {
  if (memory_reserved_ > 0) store_->memory.give_back(std::exchange(memory_reserved_, 0));
  if (file_bytes_ > 0) store_->disk.give_back(std::exchange(file_bytes_, 0));
  if (tail_.capacity() > 0) tail_.release();
  file_.reset();
  expected_ = 0;
  error_number_ = 0;
}

SpoolError Spool::append(std::string_view bytes) {
  if (in_memory()) {
    const SpoolError error = grow_memory(tail_.size() + bytes.size());
    if (error != SpoolError::kNone) return error;
  }
  if (!in_memory() && tail_.size() + bytes.size() > kTailMax) {
    const SpoolError error = flush_tail();
    if (error != SpoolError::kNone) return error;
    if (bytes.size() > kTailMax / 2) return write(bytes);
  }
  tail_.append(bytes);
  return SpoolError::kNone;
}

// Makes room for so many bytes in memory, or changes to a file when that is too much.
SpoolError Spool::grow_memory(size_t bytes) {
  if (bytes <= memory_reserved_) return SpoolError::kNone;
  const uint64_t max = store_->memory_per_spool;
  if (bytes > max || expected_ > max) return move_to_file();
  const uint64_t wanted =
      std::min(max, std::max<uint64_t>({expected_, bytes, 2 * memory_reserved_}));
  if (!store_->memory.reserve(wanted - memory_reserved_)) return move_to_file();
  memory_reserved_ = wanted;
  tail_.prepare(wanted - tail_.size());
  return SpoolError::kNone;
}

SpoolError Spool::move_to_file() {
  auto opened = open_temporary_file(store_->directory);
  if (!opened) {
    error_number_ = errno;
    return SpoolError::kDisk;
  }
  file_ = std::move(opened).value();
  const SpoolError error = flush_tail();
  tail_.release();
  store_->memory.give_back(std::exchange(memory_reserved_, 0));
  return error;
}

SpoolError Spool::flush_tail() {
  const SpoolError error = write(tail_.view());
  tail_.clear();
  return error;
}

SpoolError Spool::write(std::string_view bytes) {
  if (!store_->disk.reserve(bytes.size())) return SpoolError::kBudget;
  if (!write_all(file_.get(), bytes.data(), bytes.size(), file_bytes_)) {
    error_number_ = errno;
    store_->disk.give_back(bytes.size());
    return SpoolError::kDisk;
  }
  file_bytes_ += bytes.size();
  return SpoolError::kNone;
}

bool Spool::read(uint64_t offset, char* to, size_t count, size_t* got) const noexcept {
  *got = 0;
  if (offset >= size()) return true;
  count = static_cast<size_t>(std::min<uint64_t>(count, size() - offset));
  if (offset < file_bytes_) {
    const auto from_file = static_cast<size_t>(std::min<uint64_t>(count, file_bytes_ - offset));
    if (!read_all(file_.get(), to, from_file, offset)) {
      error_number_ = errno;
      return false;
    }
    *got = from_file;
  }
  if (*got < count) {
    const auto tail_offset = static_cast<size_t>(offset + *got - file_bytes_);
    std::memcpy(to + *got, tail_.data() + tail_offset, count - *got);
    *got = count;
  }
  return true;
}

}  // namespace cppcorn::server
