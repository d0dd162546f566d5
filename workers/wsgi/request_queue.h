// RequestQueue: complete requests on their way from the I/O thread to the pool threads, and the
// threads' sleep. Nothing of Python in it: a thread takes the GIL first and pops then, until
// nothing is left, so that a batch of requests costs one change of threads.
//
//   asleep ──woken──▶ seeking ──pop()──▶ running ──pop()──▶ seeking …
//      ▲                 │ nothing to pop
//      └────sleep()──────┘
//
// The invariant: while requests wait and a thread is asleep, at least one thread is seeking. A
// seeking thread may itself wait for the GIL: it gets it the moment that an app blocks. The thread
// that fell asleep last is woken first, so that the others' stacks and caches stay cold.
//
// Owned by the engine; outlives the threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "src/base/intrusive_list.h"

namespace cppcorn::wsgi {

class Call;
struct QueueTag;

class RequestQueue {
 public:
  using List = IntrusiveList<Call, QueueTag>;

  // A pool thread's place in the queue. The queue keeps it after its thread has left, for whoever
  // is about to notify it.
  class Seat : public ListHook<> {
   private:
    friend class RequestQueue;
    std::condition_variable wakeup_;
    bool woken_ = false;
    bool running_ = false;
  };

  // A thread joins: it is seeking.
  Seat& enter();
  void leave(Seat& seat) noexcept;

  // I/O thread: adds the requests of a turn and sees to it that a thread comes for them.
  void push(List& calls) noexcept;
  // Pool thread, with the GIL: the next request, or nullptr: then let go of the GIL and sleep().
  Call* pop(Seat& seat) noexcept;
  // Pool thread, without the GIL: waits until there may be something to do. False: the queue is
  // closed and empty, the thread ends.
  bool sleep(Seat& seat) noexcept;

  // Wakes a thread for other work than requests, when all of them are asleep.
  void nudge() noexcept;
  // No more requests will come: threads end when they have popped what is there.
  void close() noexcept;

 private:
  std::condition_variable* wake_one() noexcept;

  std::mutex mutex_;
  std::vector<std::unique_ptr<Seat>> seats_;
  List calls_;
  IntrusiveList<Seat> asleep_;  // the one that fell asleep last is in front
  size_t seeking_ = 0;
  size_t running_ = 0;
  bool closed_ = false;
};

}  // namespace cppcorn::wsgi
