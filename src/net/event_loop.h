// EventLoop: one libuv loop and what every object on it shares: the time, the read buffer, work at
// the end of a turn, deletion after the turn. Owned by the worker (or the master); dies last, when
// every handle on it has closed. Used by one thread only (Notifier is the door for the others).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "src/base/intrusive_list.h"

struct uv_loop_s;

namespace cppcorn::net {

// Something that wants to run once before the loop next waits, such as a connection with bytes to
// send. Linked and unlinked in O(1); unlinks itself when destroyed.
class TurnEndTask : public ListHook<TurnEndTask> {
 public:
  virtual void on_turn_end() noexcept = 0;

 protected:
  ~TurnEndTask() = default;
};

// The base of what dies by EventLoop::delete_later.
class Deferred {
 public:
  virtual ~Deferred() = default;
};

class EventLoop {
 public:
  static constexpr int kForever = -1;
  // One read from a socket takes at most this much; the buffer is shared by all connections of the
  // loop. A usual 64 KiB of upload and its head fit together.
  static constexpr size_t kReadBufferBytes = 131072;

  EventLoop();
  ~EventLoop();  // closes what the loop itself owns and checks that uv_loop_close() says 0
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs one turn: waits at most timeout_ms (0: not at all; kForever) for events and handles them.
  // The callbacks of TurnEndTasks run before the wait and deletions after the events.
  void run_once(int timeout_ms);
  // Runs turns until stop() is called.
  void run();
  void stop() noexcept;
  // Makes the current or next run_once return without waiting. Loop thread only.
  void wake() noexcept;

  // Milliseconds, monotonic, cached per turn.
  uint64_t now_ms() const noexcept;
  std::span<char> read_buffer() noexcept { return {read_buffer_.get(), kReadBufferBytes}; }

  void at_turn_end(TurnEndTask& task) noexcept;  // a task that is already queued stays where it is
  // Destroys the object after the current turn: an object may do this to itself in any callback.
  void delete_later(std::unique_ptr<Deferred> object);
  // Descriptor to poll for a foreign loop that drives this one (run_once(0) when it is readable),
  // and how long that loop may sleep at most, in ms (kForever: no limit).
  int backend_fd() const noexcept;
  int backend_timeout_ms() const noexcept;
  // False while something was begun that libuv tells the kernel of only in its next turn (a handle
  // that was started in a callback): a foreign loop must not sleep then, whatever
  // backend_timeout_ms() says.
  bool settled() const noexcept;

  uv_loop_s* uv() noexcept { return loop_.get(); }  // for src/net only

 private:
  struct Internals;
  void wait(int timeout_ms) noexcept;

  std::unique_ptr<uv_loop_s> loop_;
  std::unique_ptr<Internals> internals_;
  std::unique_ptr<char[]> read_buffer_;
};

}  // namespace cppcorn::net
