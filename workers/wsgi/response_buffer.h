// ResponseBuffer: what a pool thread has produced of a response and the client has not taken yet.
// It is what sets the thread free: up to a bound the bytes wait in memory, beyond it in a temporary
// file, and only at another bound does the thread wait.
//
//   pool thread ──post──▶ pending (memory) ──────────take──▶ exchange ──▶ client
//                  └────▶ spill file ───take, a piece at a time──▶┘
//
// While anything is in the file, everything goes through it, so that the order stays. Owned by a
// call; all members are guarded by the outbox's mutex (the caller holds it) but for what is said
// otherwise.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "src/base/buffer_chain.h"
#include "src/base/log.h"
#include "src/server/spool.h"
#include "workers/wsgi/spill_file.h"

namespace cppcorn::wsgi {

// What the responses of a worker share. Outlives them.
struct ResponseStore {
  // Bytes of all responses that wait in memory; beyond it they go to their files. Small responses
  // don't count: there are at most as many as there are connections.
  static constexpr uint64_t kMemoryMax = 256 << 20;
  static constexpr uint64_t kCountedMin = 65536;

  server::SpoolStore& spools;
  uint64_t memory_per_response;
  uint64_t bytes_per_response_max;
  server::Budget memory{kMemoryMax};
  log::RateLimit disk_log{1, 10'000};
};

class ResponseBuffer {
 public:
  // How long a client that takes its bytes may need to make room, before the disk is troubled with
  // them.
  static constexpr unsigned kPatienceMs = 10;
  // Of the file, given to the exchange at a time.
  static constexpr uint64_t kPieceBytes = 1 << 20;

  explicit ResponseBuffer(ResponseStore& store) noexcept : store_(store), file_(store.spools) {}
  ~ResponseBuffer() { reset(); }
  // Ready for the next response.
  void reset() noexcept;

  // --- Pool thread ---
  // Takes the bytes if they may go to memory now. Where nobody listens any more they are dropped.
  [[nodiscard]] bool admit(BufferChain& bytes) noexcept;
  // Takes them in any case, and waits while there is no room anywhere. Without the GIL; gives up
  // the lock while it writes or waits. wake_io, called under the lock, makes the I/O thread look at
  // this response: before each wait, and after each write.
  template <typename WakeIo>
  void admit_slowly(std::unique_lock<std::mutex>& lock, BufferChain& bytes, WakeIo&& wake_io) {
    do {
      wake_io();
    } while (!step(lock, bytes));
  }
  bool gone() const noexcept { return gone_; }

  // --- I/O thread ---
  // Moves to out what may leave now. queued: bytes of this response that wait in the exchange.
  void take(BufferChain& out, uint64_t queued);
  // Nothing is left to take().
  bool taken() const noexcept { return pending_.empty() && file_taken_ == file_written_; }
  // The exchange has so many bytes left to send.
  void update(uint64_t queued) noexcept;
  // At how many queued bytes update() is to be called again; nothing when it needn't be.
  bool wants_update(uint64_t* mark) const noexcept;
  // Nobody will read the response.
  void abandon() noexcept;

 private:
  bool admit_to_memory(BufferChain& bytes, bool in_any_case) noexcept;
  bool fits_memory(uint64_t bytes) const noexcept;
  bool may_leave_file() noexcept;
  bool step(std::unique_lock<std::mutex>& lock, BufferChain& bytes);
  bool be_patient(std::unique_lock<std::mutex>& lock, BufferChain& bytes);
  void prepare_file(std::unique_lock<std::mutex>& lock);
  uint64_t sent_of_file() const noexcept;
  uint64_t room_in_file() const noexcept;
  bool write_some(std::unique_lock<std::mutex>& lock, BufferChain& bytes, uint64_t room);
  void wait_for_room(std::unique_lock<std::mutex>& lock);
  void disk_failed(const Error& error) noexcept;

  ResponseStore& store_;
  BufferChain pending_;
  uint64_t unsent_ = 0;        // of memory: pending, or in the exchange
  uint64_t counted_ = 0;       // reserved of the worker's memory
  uint64_t queued_ = 0;        // in the exchange, when last seen
  uint64_t file_written_ = 0;  // positions in the file: up to where it may be taken
  uint64_t file_taken_ = 0;    // up to where it has been
  SpillFile file_;             // of the pool thread, but for range()
  std::condition_variable room_;
  bool in_file_ = false;
  bool tried_patience_ = false;  // ...in vain
  bool waiting_ = false;         // a pool thread waits for room_
  bool no_disk_ = false;         // the file could not be made or written
  bool gone_ = false;
};

}  // namespace cppcorn::wsgi
