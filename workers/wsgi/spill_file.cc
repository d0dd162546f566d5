#include "workers/wsgi/spill_file.h"

#include <fcntl.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace cppcorn::wsgi {
namespace {

// Pieces of memory that one system call writes.
constexpr size_t kVectorMax = 64;
// Holes are made of whole pages: the rest of a page would be overwritten with zeros.
constexpr uint64_t kPageBytes = 65536;

// Cuts the entries to a total of max bytes; returns how many are left, and *total.
size_t cut(iovec* entries, size_t count, uint64_t max, uint64_t* total) noexcept {
  *total = 0;
  for (size_t i = 0; i < count; ++i) {
    if (entries[i].iov_len >= max - *total) {
      entries[i].iov_len = static_cast<size_t>(max - *total);
      *total = max;
      return i + 1;
    }
    *total += entries[i].iov_len;
  }
  return count;
}

}  // namespace

Status SpillFile::open() {
  auto opened = server::open_temporary_file(store_.directory);
  if (!opened) return opened.error();
  file_ = std::make_shared<UniqueFd>(std::move(opened).value());
  return ok_status();
}

void SpillFile::close() noexcept {
  if (end_ > freed_) store_.disk.give_back(end_ - freed_);
  end_ = freed_ = 0;
  file_.reset();
}

Result<uint64_t> SpillFile::append(BufferChain& bytes, uint64_t max) {
  iovec entries[kVectorMax];
  uint64_t wanted = 0;
  const size_t count = cut(entries, bytes.gather(entries, kVectorMax), max, &wanted);
  if (!store_.disk.reserve(wanted)) {
    return Error{"the worker's temporary files are at their limit (--spool-max)"};
  }
  ssize_t written;
  do {
    written = ::pwritev(file_->get(), entries, static_cast<int>(count), static_cast<off_t>(end_));
  } while (written < 0 && errno == EINTR);
  const int error = written < 0 ? errno : ENOSPC;
  const uint64_t done = written > 0 ? static_cast<uint64_t>(written) : 0;
  store_.disk.give_back(wanted - done);
  if (done == 0) {
    return Error{std::string("a temporary file cannot be written: ") + std::strerror(error)};
  }
  bytes.consume(done);
  end_ += done;
  return done;
}

void SpillFile::sent_before(uint64_t position) noexcept {
  const uint64_t whole_pages = position - position % kPageBytes;
  if (!frees_ || whole_pages < freed_ + kFreeBytes) return;
#ifdef FALLOC_FL_PUNCH_HOLE
  const uint64_t size = whole_pages - freed_;
  frees_ = ::fallocate(file_->get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                       static_cast<off_t>(freed_), static_cast<off_t>(size)) == 0;
  if (!frees_) return;  // then the disk's budget bounds the file, until all of it has been sent
  store_.disk.give_back(size);
  freed_ = whole_pages;
#endif
}

}  // namespace cppcorn::wsgi
