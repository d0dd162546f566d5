#include "workers/wsgi/response_buffer.h"

#include <algorithm>
#include <chrono>

#include "src/base/clock.h"

namespace cppcorn::wsgi {

void ResponseBuffer::reset() noexcept {
  pending_.clear();
  if (counted_ > 0) store_.memory.give_back(counted_);
  unsent_ = counted_ = queued_ = file_written_ = file_taken_ = 0;
  if (file_.is_open()) file_.close();
  in_file_ = tried_patience_ = waiting_ = no_disk_ = gone_ = false;
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
  in_file_ = tried_patience_ = false;
  file_written_ = file_taken_ = 0;
  file_.close();
  return true;
}

// One step towards taking all bytes; true when that is done.
bool ResponseBuffer::step(std::unique_lock<std::mutex>& lock, BufferChain& bytes) {
  if (admit(bytes)) return true;
  if (!in_file_ && !tried_patience_) return be_patient(lock, bytes);
  const bool has_file = bytes.memory_bytes() != bytes.bytes();
  if (!has_file && !file_.is_open() && !no_disk_) {
    prepare_file(lock);
    return false;
  }
  const uint64_t room = has_file || no_disk_ ? 0 : room_in_file();
  if (room > 0) return write_some(lock, bytes, room);
  if (unsent_ == 0 && queued_ == 0 && taken()) {
    may_leave_file();
    return admit_to_memory(bytes, true);
  }
  wait_for_room(lock);
  return false;
}

// A client that takes half of the bound in this time is fast enough to be waited for: about 100
// MB/s.
bool ResponseBuffer::be_patient(std::unique_lock<std::mutex>& lock, BufferChain& bytes) {
  tried_patience_ = true;
  waiting_ = true;
  const bool fast = room_.wait_for(lock, std::chrono::milliseconds(kPatienceMs), [&] {
    return gone_ ||
           (unsent_ <= store_.memory_per_response / 2 && fits_memory(bytes.memory_bytes()));
  });
  waiting_ = false;
  if (!fast || !admit(bytes)) return false;
  tried_patience_ = false;
  return true;
}

void ResponseBuffer::prepare_file(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  const Status opened = file_.open();
  lock.lock();
  if (!opened) disk_failed(opened.error());
}

// Bytes that were taken may still be in the exchange, as ranges of the file.
uint64_t ResponseBuffer::sent_of_file() const noexcept {
  return file_taken_ - std::min(queued_, file_taken_);
}

uint64_t ResponseBuffer::room_in_file() const noexcept {
  const uint64_t unsent = file_written_ - sent_of_file();
  const uint64_t max = store_.bytes_per_response_max;
  return unsent >= max ? 0 : std::min(max - unsent, kPieceBytes);
}

// Writes without the lock: the I/O thread reads only what file_written_ covers.
bool ResponseBuffer::write_some(std::unique_lock<std::mutex>& lock, BufferChain& bytes,
                                uint64_t room) {
  in_file_ = true;
  const uint64_t sent = sent_of_file();
  lock.unlock();
  file_.sent_before(sent);
  const Result<uint64_t> written = file_.append(bytes, room);
  lock.lock();
  if (written) {
    file_written_ += written.value();
  } else {
    disk_failed(written.error());
  }
  return bytes.empty();
}

void ResponseBuffer::wait_for_room(std::unique_lock<std::mutex>& lock) {
  if (gone_) return;
  waiting_ = true;
  room_.wait(lock);
  waiting_ = false;
}

// The response goes on, as fast as the client takes it.
void ResponseBuffer::disk_failed(const Error& error) noexcept {
  no_disk_ = true;
  unsigned suppressed = 0;
  if (!store_.disk_log.allow(monotonic_ms(), &suppressed)) return;
  log::warning("A thread has to wait for a slow client: {}", error.message);
}

// --- I/O thread ---------------------------------------------------------------------------------

void ResponseBuffer::take(BufferChain& out, uint64_t queued) {
  out.append(std::move(pending_));
  const uint64_t left = file_written_ - file_taken_;
  if (left > 0 && queued + out.bytes() <= kPieceBytes / 4) {
    const uint64_t size = std::min(left, kPieceBytes);
    out.append(file_.range(file_taken_, size));
    file_taken_ += size;
  }
  // They are in the exchange from here on, although it does not have them yet.
  queued_ = queued + out.bytes();
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
  *mark = !waiting_ || in_file_ ? 0 : store_.memory_per_response / 2;
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
