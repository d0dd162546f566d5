#include "workers/wsgi/request_queue.h"

#include "workers/wsgi/call.h"

namespace cppcorn::wsgi {

RequestQueue::Seat& RequestQueue::enter() {
  const std::lock_guard lock(mutex_);
  seats_.push_back(std::make_unique<Seat>());
  ++seeking_;
  return *seats_.back();
}

void RequestQueue::leave(Seat& seat) noexcept {
  const std::lock_guard lock(mutex_);
  --(seat.running_ ? running_ : seeking_);
}

// The thread to notify once the lock is released: it would only run into the lock before.
std::condition_variable* RequestQueue::wake_one() noexcept {
  if (asleep_.empty()) return nullptr;
  Seat& seat = asleep_.pop_front();
  seat.woken_ = true;
  ++seeking_;
  return &seat.wakeup_;
}

void RequestQueue::push(List& calls) noexcept {
  std::condition_variable* wakeup = nullptr;
  {
    const std::lock_guard lock(mutex_);
    calls_.splice(calls);
    if (seeking_ == 0) wakeup = wake_one();
  }
  if (wakeup != nullptr) wakeup->notify_one();
}

Call* RequestQueue::pop(Seat& seat) noexcept {
  Call* call = nullptr;
  std::condition_variable* wakeup = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (seat.running_) {
      seat.running_ = false;
      --running_;
      ++seeking_;
    }
    if (calls_.empty()) return nullptr;
    call = &calls_.pop_front();
    seat.running_ = true;
    --seeking_;
    ++running_;
    if (!calls_.empty() && seeking_ == 0) wakeup = wake_one();
  }
  if (wakeup != nullptr) wakeup->notify_one();
  return call;
}

bool RequestQueue::sleep(Seat& seat) noexcept {
  std::unique_lock lock(mutex_);
  if (!calls_.empty()) return true;
  if (closed_) return false;
  --seeking_;
  seat.woken_ = false;
  asleep_.push_front(seat);
  seat.wakeup_.wait(lock, [&] { return seat.woken_; });
  return !calls_.empty() || !closed_;
}

void RequestQueue::nudge() noexcept {
  std::condition_variable* wakeup = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (seeking_ == 0 && running_ == 0) wakeup = wake_one();
  }
  if (wakeup != nullptr) wakeup->notify_one();
}

void RequestQueue::close() noexcept {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  while (std::condition_variable* wakeup = wake_one()) wakeup->notify_one();
}

}  // namespace cppcorn::wsgi
