// Outbox: the door from the pool threads back to the I/O thread: the list of calls that have mail,
// and the one lock of all calls' mail. The I/O thread is woken when the list stops being empty, and
// not for a response that it watches: one that streams is looked at again after kWatchMs, so that
// its blocks leave together and not each with a wake-up and a write of its own.
//
// Owned by the engine; outlives the threads.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "src/base/intrusive_list.h"
#include "workers/wsgi/call.h"

namespace cppcorn::wsgi {

class Outbox {
 public:
  using Progress = server::Exchange::Progress;
  static constexpr unsigned kWatchMs = 1;

  // How to wake the I/O thread; an empty function once it has ended.
  void set_waker(std::function<void()> wake);
  void wake();
  std::mutex& mutex() noexcept { return mutex_; }

  // --- Pool threads ---
  // Hands over bytes and how far the response is. release: the pool thread is done with the call,
  // and must not touch it again. False, and nothing done, when there is no room for the bytes
  // without waiting.
  [[nodiscard]] bool try_post(Call& call, BufferChain& bytes, Progress& progress, bool release);
  // The same, waiting while there is no room. Without the GIL.
  void post_slowly(Call& call, BufferChain& bytes, Progress& progress, bool release);
  // The request fails: by that status if nothing has left, and else (or with 0) the connection is
  // cut.
  void fail(Call& call, int status);
  // The pool thread is done with the call.
  void release(Call& call);
  // Unbuffered bodies: takes up to count bytes (0: as many as there are) of what has arrived, and
  // waits for the first one. Without the GIL. Empty at the end of the body; false when it will
  // never come. over is the reader's, guarded by the mutex: end_reading() sets it.
  [[nodiscard]] bool read_body(Call& call, const bool& over, ByteBuffer& to, size_t count);
  // The call will be another request's: a thread that still is in read_body() gets false.
  void end_reading(Call& call, bool& over);

  // --- I/O thread ---
  // Appends all calls that have mail.
  void collect(std::vector<Call*>& to);
  // Begins to watch a call.
  void watch(Call& call);
  // A watched call was looked at: whether it had mail. Without, it is watched no longer.
  bool look_at(Call& call);

 private:
  void deliver(Call& call, Progress& progress, bool release) noexcept;
  void enqueue(Call& call, bool urgent) noexcept;

  std::mutex mutex_;
  IntrusiveList<Call, OutboxTag> calls_;
  std::function<void()> wake_;
};

}  // namespace cppcorn::wsgi
