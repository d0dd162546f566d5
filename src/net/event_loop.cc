#include "src/net/event_loop.h"

#include <uv.h>

#include <utility>

#include "src/base/assert.h"

namespace cppcorn::net {
namespace {

// A task may queue others (or itself); so often they run in one turn before the loop looks at its
// events again.
constexpr int kTurnEndRounds = 8;
// Close callbacks may close further handles; more rounds than this mean that they make new ones for
// ever.
constexpr int kClosingRounds = 64;

}  // namespace

struct EventLoop::Internals {
  uv_timer_t wait_timer{};
  IntrusiveList<TurnEndTask, TurnEndTask> turn_end_tasks;
  std::vector<std::unique_ptr<Deferred>> deferred;
  bool in_turn = false;  // run_once is running
  bool in_uv = false;    // and has entered libuv
  bool woken = false;
  bool stopping = false;

  void run_turn_end_tasks() noexcept {
    for (int round = 0; round < kTurnEndRounds && !turn_end_tasks.empty(); ++round) {
      IntrusiveList<TurnEndTask, TurnEndTask> batch;
      batch.splice(turn_end_tasks);
      while (!batch.empty()) batch.pop_front().on_turn_end();
    }
  }

  void delete_deferred() noexcept {
    while (!deferred.empty()) std::exchange(deferred, {}).clear();
  }

  bool has_work() const noexcept {
    return woken || !deferred.empty() || !const_cast<Internals*>(this)->turn_end_tasks.empty();
  }
};

EventLoop::EventLoop()
    : loop_(std::make_unique<uv_loop_t>()),
      internals_(std::make_unique<Internals>()),
      read_buffer_(std::make_unique_for_overwrite<char[]>(kReadBufferBytes)) {
  CPPCORN_CHECK(uv_loop_init(loop_.get()) == 0);
  CPPCORN_CHECK(uv_timer_init(loop_.get(), &internals_->wait_timer) == 0);
  loop_->data = this;
}

EventLoop::~EventLoop() {
  uv_close(reinterpret_cast<uv_handle_t*>(&internals_->wait_timer), nullptr);
  for (int round = 0; round < kClosingRounds; ++round) {
    internals_->delete_deferred();
    if (uv_loop_alive(loop_.get()) == 0) break;
    uv_run(loop_.get(), UV_RUN_NOWAIT);
  }
  const int left_open = uv_loop_close(loop_.get());
  if (left_open != 0) uv_print_all_handles(loop_.get(), stderr);
  CPPCORN_CHECK(left_open == 0);
}

void EventLoop::run_once(int timeout_ms) {
  Internals& internals = *internals_;
  CPPCORN_CHECK(!internals.in_turn);
  internals.in_turn = true;
  if (internals.has_work()) {
    uv_update_time(loop_.get());
    internals.delete_deferred();
    internals.run_turn_end_tasks();
    internals.delete_deferred();
    if (internals.has_work()) timeout_ms = 0;
    internals.woken = false;
  }
  internals.in_uv = true;
  if (timeout_ms == 0) {
    uv_run(loop_.get(), UV_RUN_NOWAIT);
  } else {
    wait(timeout_ms);
  }
  internals.in_uv = internals.in_turn = false;
  internals.delete_deferred();
}

void EventLoop::wait(int timeout_ms) noexcept {
  uv_timer_t* timer = &internals_->wait_timer;
  if (timeout_ms > 0) {
    // libuv counts from its cached time.
    uv_update_time(loop_.get());
    // A timer that is due before the wait must prevent it: UV_RUN_ONCE runs timers and then waits
    // all the same.
    uv_timer_start(
        timer, [](uv_timer_t* due) { uv_stop(due->loop); }, static_cast<uint64_t>(timeout_ms), 0);
  }
  uv_run(loop_.get(), UV_RUN_ONCE);
  uv_timer_stop(timer);
}

void EventLoop::run() {
  Internals& internals = *internals_;
  while (!internals.stopping && (uv_loop_alive(loop_.get()) != 0 || internals.has_work())) {
    run_once(kForever);
  }
  internals.stopping = false;
}

void EventLoop::stop() noexcept {
  internals_->stopping = true;
  wake();
}

void EventLoop::wake() noexcept {
  // Outside uv_run() the flag of uv_stop() would make the next one skip its events.
  if (internals_->in_uv) {
    uv_stop(loop_.get());
  } else {
    internals_->woken = true;
  }
}

uint64_t EventLoop::now_ms() const noexcept {
  // Within a turn everything takes microseconds; between turns Python may run for seconds.
  if (!internals_->in_turn) uv_update_time(loop_.get());
  return uv_now(loop_.get());
}

void EventLoop::at_turn_end(TurnEndTask& task) noexcept {
  if (task.linked()) return;
  internals_->turn_end_tasks.push_back(task);
  if (internals_->in_uv) uv_stop(loop_.get());  // a timer may have queued it just before the wait
}

void EventLoop::delete_later(std::unique_ptr<Deferred> object) {
  internals_->deferred.push_back(std::move(object));
  if (internals_->in_uv) uv_stop(loop_.get());
}

int EventLoop::backend_fd() const noexcept { return uv_backend_fd(loop_.get()); }

bool EventLoop::settled() const noexcept {
  // libuv has no function that tells. The queue is a ring that begins and ends at its head, in
  // every 1.x; its type's name differs.
  const void* queue = &loop_->watcher_queue;
  const bool nothing_started = *static_cast<const void* const*>(queue) == queue;
  return nothing_started && loop_->closing_handles == nullptr && !internals_->has_work();
}

int EventLoop::backend_timeout_ms() const noexcept {
  if (internals_->has_work()) return 0;
  if (uv_loop_alive(loop_.get()) == 0) return kForever;
  now_ms();
  return uv_backend_timeout(loop_.get());
}

}  // namespace cppcorn::net
