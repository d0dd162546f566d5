#include "workers/wsgi/outbox.h"

#include <algorithm>
#include <utility>

namespace cppcorn::wsgi {

void Outbox::set_waker(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

void Outbox::wake() {
  const std::lock_guard lock(mutex_);
  if (wake_) wake_();
}

// Under the lock: the waker must not be taken away meanwhile.
void Outbox::enqueue(Call& call, bool urgent) noexcept {
  call.mail.news = true;
  if (call.ListHook<OutboxTag>::linked() || (call.watched && !urgent)) return;
  const bool first = calls_.empty();
  calls_.push_back(call);
  if (first && wake_) wake_();
}

void Outbox::deliver(Call& call, Progress& progress, bool release) noexcept {
  const bool urgent = progress.finished || release;
  call.mail.progress = std::move(progress);
  call.mail.has_progress = true;
  call.mail.released |= release;
  enqueue(call, urgent);
}

bool Outbox::try_post(Call& call, BufferChain& bytes, Progress& progress, bool release) {
  const std::lock_guard lock(mutex_);
  if (!call.output.admit(bytes)) return false;
  deliver(call, progress, release);
  return true;
}

void Outbox::post_slowly(Call& call, BufferChain& bytes, Progress& progress, bool release) {
  std::unique_lock lock(mutex_);
  call.output.admit_slowly(lock, bytes, [&] { enqueue(call, true); });
  deliver(call, progress, release);
}

void Outbox::fail(Call& call, int status) {
  const std::lock_guard lock(mutex_);
  call.mail.failed = true;
  call.mail.failure_status = status;
  enqueue(call, true);
}

void Outbox::release(Call& call) {
  const std::lock_guard lock(mutex_);
  call.mail.released = true;
  enqueue(call, true);
}

bool Outbox::read_body(Call& call, const bool& over, ByteBuffer& to, size_t count) {
  std::unique_lock lock(mutex_);
  if (over) return false;
  BodyPipe& pipe = call.pipe;
  if (pipe.bytes.empty() && !pipe.ended && !pipe.broken) {
    call.mail.wants_body = true;
    enqueue(call, true);
    pipe.arrived.wait(lock,
                      [&] { return over || !pipe.bytes.empty() || pipe.ended || pipe.broken; });
    if (over) return false;
  }
  if (pipe.bytes.empty()) return pipe.ended;
  const size_t taken = count == 0 ? pipe.bytes.size() : std::min(count, pipe.bytes.size());
  to.append(pipe.bytes.data(), taken);
  pipe.bytes.consume(taken);
  if (pipe.paused && pipe.bytes.size() < BodyPipe::kLowWater) {
    call.mail.wants_body = true;
    enqueue(call, true);
  }
  return true;
}

void Outbox::end_reading(Call& call, bool& over) {
  const std::lock_guard lock(mutex_);
  over = true;
  call.pipe.arrived.notify_all();
}

void Outbox::collect(std::vector<Call*>& to) {
  const std::lock_guard lock(mutex_);
  while (!calls_.empty()) to.push_back(&calls_.pop_front());
}

void Outbox::watch(Call& call) {
  const std::lock_guard lock(mutex_);
  call.watched = true;
}

bool Outbox::look_at(Call& call) {
  const std::lock_guard lock(mutex_);
  if (call.mail.news) return true;
  call.watched = false;
  return false;
}

}  // namespace cppcorn::wsgi
