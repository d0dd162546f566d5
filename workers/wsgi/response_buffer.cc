#include "workers/wsgi/response_buffer.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "src/base/clock.h"

namespace cppcorn::wsgi {
namespace {

// A piece of memory as one system call writes it.
constexpr size_t kVectorMax = 64;

// Cuts the entries to a total of max bytes; returns how many are left.
size_t cut(iovec* entries, size_t count, uint64_t max) noexcept {
  for (size_t i = 0; i < count; ++i) {
    if (entries[i].iov_len >= max) {
      entries[i].iov_len = static_cast<size_t>(max);
      return i + 1;
    }
    max -= entries[i].iov_len;
  }
  return count;
}

}  // namespace

void ResponseBuffer::reset() noexcept {
  pending_.clear();
  if (counted_ > 0) store_.memory.give_back(counted_);
  if (disk_reserved_ > 0) store_.spools.disk.give_back(disk_reserved_);
  unsent_ = counted_ = queued_ = file_written_ = file_taken_ = disk_reserved_ = 0;
  if (file_) file_.reset();
  in_file_ = patient_ = waiting_ = no_disk_ = gone_ = false;
}

// --- Pool thread --------------------------------------------------------------------------------

bool ResponseBuffer::admit(BufferChain& bytes) noexcept {
  if (gone_) {
    bytes.clear();
    return true;
  }
  if (in_file_ && !may_leave_file()) return false;
  return admit_to_memory(bytes, false);
}

// A first block may be of any size: the app holds it in memory as it is.
bool ResponseBuffer::fits_memory(uint64_t bytes) const noexcept {
  return unsent_ == 0 || unsent_ + bytes <= store_.memory_per_response;
}

bool ResponseBuffer::admit_to_memory(BufferChain& bytes, bool in_any_case) noexcept {
  const uint64_t added = bytes.memory_bytes();
  const uint64_t total = unsent_ + added;
  if (!in_any_case && !fits_memory(added)) return false;
  if (total > ResponseStore::kCountedMin && total > counted_) {
    if (store_.memory.reserve(total - counted_)) {
      counted_ = total;
    } else if (!in_any_case) {
      return false;
    }
  }
  unsent_ = total;
  pending_.append(std::move(bytes));
  return true;
}

// All that went through the file has been sent: from here on memory will do again.
bool ResponseBuffer::may_leave_file() noexcept {
  if (file_taken_ != file_written_ || queued_ > 0 || unsent_ > 0) return false;
  in_file_ = patient_ = false;
  file_written_ = file_taken_ = 0;
  return true;
}

// One step towards taking all bytes; true when that is done.
bool ResponseBuffer::step(std::unique_lock<std::mutex>& lock, BufferChain& bytes) {
  if (admit(bytes)) return true;
  if (!in_file_ && !patient_) {
    patient_ = true;
    waiting_ = true;
    room_.wait_for(lock, std::chrono::milliseconds(kPatienceMs),
                   [&] { return gone_ || fits_memory(bytes.memory_bytes()); });
    waiting_ = false;
    return admit(bytes);
  }
  const bool has_file = bytes.memory_bytes() != bytes.bytes();
  if (!has_file && !file_ && !no_disk_) {
    prepare_file(lock);
    return false;
  }
  const uint64_t room = has_file || no_disk_ ? 0 : room_in_file();
  if (room == 0) {
    if (unsent_ == 0 && queued_ == 0 && file_taken_ == file_written_) {
      may_leave_file();
      return admit_to_memory(bytes, true);
    }
    wait_for_room(lock);
    return false;
  }
  in_file_ = true;
  lock.unlock();
  const uint64_t written = write_some(bytes, room);
  lock.lock();
  file_written_ += written;
  return bytes.empty();
}

void ResponseBuffer::prepare_file(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  auto opened = server::open_temporary_file(store_.spools.directory);
  lock.lock();
  if (!opened) return disk_failed(opened.error().message.c_str(), 0);
  file_ = std::make_shared<UniqueFd>(std::move(opened).value());
}

// How many bytes may be written without a gap: of the ring, what is free; of the disk, what the
// worker's budget has left.
uint64_t ResponseBuffer::room_in_file() const noexcept {
  const uint64_t ring = store_.bytes_per_response_max;
  // Bytes that were taken may still be in the exchange as ranges of the file.
  const uint64_t used = file_written_ - file_taken_ + std::min(queued_, file_taken_);
  if (ring <= used) return 0;
  const uint64_t to_wrap = ring - file_written_ % ring;
  return std::min({ring - used, to_wrap, kPieceBytes});
}

// Without the lock: only this thread writes, and the I/O thread reads only what file_written_
// covers.
uint64_t ResponseBuffer::write_some(BufferChain& bytes, uint64_t room) {
  const uint64_t offset = file_written_ % store_.bytes_per_response_max;
  iovec entries[kVectorMax];
  const size_t count = cut(entries, bytes.gather(entries, kVectorMax), room);
  uint64_t wanted = 0;
  for (size_t i = 0; i < count; ++i) wanted += entries[i].iov_len;
  if (offset + wanted > disk_reserved_) {
    if (!store_.spools.disk.reserve(offset + wanted - disk_reserved_)) {
      disk_failed("the worker's temporary files are at their limit (--spool-max)", 0);
      return 0;
    }
    disk_reserved_ = offset + wanted;
  }
  ssize_t written;
  do {
    written = ::pwritev(file_->get(), entries, static_cast<int>(count), static_cast<off_t>(offset));
  } while (written < 0 && errno == EINTR);
  if (written <= 0) {
    disk_failed("a temporary file cannot be written", written < 0 ? errno : ENOSPC);
    return 0;
  }
  bytes.consume(static_cast<uint64_t>(written));
  return static_cast<uint64_t>(written);
}

void ResponseBuffer::wait_for_room(std::unique_lock<std::mutex>& lock) {
  if (gone_) return;
  waiting_ = true;
  room_.wait(lock);
  waiting_ = false;
}

// The response goes on, as fast as the client takes it.
void ResponseBuffer::disk_failed(const char* what, int error) noexcept {
  no_disk_ = true;
  unsigned suppressed = 0;
  if (!store_.disk_log.allow(monotonic_ms(), &suppressed)) return;
  log::warning("A thread has to wait for a slow client: {}{}{}", what, error != 0 ? ": " : "",
               error != 0 ? std::strerror(error) : "");
}

// --- I/O thread ---------------------------------------------------------------------------------

void ResponseBuffer::take(BufferChain& out, uint64_t queued) {
  if (!pending_.empty()) {
    queued += pending_.bytes();
    out.append(std::move(pending_));
  }
  const uint64_t left = file_written_ - file_taken_;
  if (left == 0 || queued > kPieceBytes / 4) return;
  const uint64_t ring = store_.bytes_per_response_max;
  const uint64_t offset = file_taken_ % ring;
  const uint64_t size = std::min({left, ring - offset, kPieceBytes});
  out.append(FileRange{file_, offset, size});
  file_taken_ += size;
}

void ResponseBuffer::update(uint64_t queued) noexcept {
  queued_ = queued;
  unsent_ = pending_.memory_bytes() + (in_file_ && file_taken_ > 0 ? 0 : queued);
  if (counted_ > unsent_) {
    store_.memory.give_back(counted_ - unsent_);
    counted_ = unsent_;
  }
  if (waiting_) room_.notify_all();
}

bool ResponseBuffer::wants_update(uint64_t* mark) const noexcept {
  if (file_taken_ != file_written_) {
    *mark = kPieceBytes / 4;
    return true;
  }
  *mark = !waiting_ || in_file_ ? 0 : std::min(queued_ / 2, store_.memory_per_response / 2);
  return queued_ > 0 && (waiting_ || in_file_ || counted_ > 0);
}

void ResponseBuffer::abandon() noexcept {
  gone_ = true;
  pending_.clear();
  file_taken_ = file_written_;
  update(0);
  room_.notify_all();
}

}  // namespace cppcorn::wsgi
