#include "src/master/supervisor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/assert.h"
#include "src/base/log.h"

namespace cppcorn::master {

using control::Stage;
using net::ChildProcess;

// The place of one worker and its successors.
struct Supervisor::Slot {
  Slot(Supervisor& owner, net::EventLoop& loop, uint32_t worker_number)
      : number(worker_number), timer(loop, [this, &owner] { owner.spawn(*this); }) {}

  const uint32_t number;
  Backoff backoff;
  net::Timer timer;  // to the start of the next worker
  std::unique_ptr<WorkerProcess> worker;
};

Supervisor::Supervisor(net::EventLoop& loop, WorkerPlan plan, uint32_t workers,
                       std::function<void(int)> on_finished)
    : loop_(loop), plan_(std::move(plan)), on_finished_(std::move(on_finished)) {
  for (uint32_t number = 1; number <= workers; ++number) {
    slots_.push_back(std::make_unique<Slot>(*this, loop, number));
  }
}

Supervisor::~Supervisor() = default;

void Supervisor::start() {
  for (const auto& slot : slots_) {
    if (!ending_) spawn(*slot);
  }
}

// --- running ---

void Supervisor::spawn(Slot& slot) {
  WorkerProcess::Handler& handler = *this;
  auto worker = WorkerProcess::spawn(loop_, plan_, slot.number, handler);
  if (!worker) {
    log::error("A worker could not be started: {}", worker.error().message);
    const uint64_t delay_ms = slot.backoff.on_end(0);
    if (!ever_ready_) return fail_start(control::kExitBoot, "Workers cannot be started");
    return respawn(slot, std::max(delay_ms, Backoff::kFirstDelayMs));
  }
  slot.worker = std::move(*worker);
  log::info("Booting worker with pid: {}", slot.worker->pid());
}

void Supervisor::respawn(Slot& slot, uint64_t delay_ms) {
  if (delay_ms == 0) return spawn(slot);
  log::info("The next worker is started in {} s", static_cast<double>(delay_ms) / 1000);
  slot.timer.start(delay_ms);
}

void Supervisor::on_worker_ready(WorkerProcess& worker, const control::Ready& ready) {
  ever_ready_ = true;
  failure_text_.clear();
  std::string kind_text = fmt::format("Using worker: {} ({})", ready.kind, ready.reason);
  if (kind_text != kind_text_) log::info("{}", kind_text);
  kind_text_ = std::move(kind_text);
  log::info("Worker ready (pid: {})", worker.pid());
}

void Supervisor::on_worker_exit(WorkerProcess& worker, ChildProcess::Exit exit) {
  const auto slot = std::find_if(slots_.begin(), slots_.end(), [&worker](const auto& one) {
    return one->worker.get() == &worker;
  });
  CPPCORN_CHECK(slot != slots_.end());
  report_end(worker, exit);
  const std::unique_ptr<WorkerProcess> ended = std::move((*slot)->worker);
  if (!ending_) replace(**slot, *ended);
  finish_if_done();
}

void Supervisor::replace(Slot& slot, const WorkerProcess& ended) {
  if (ended.became_ready() && ended.ends_orderly()) {
    return respawn(slot, slot.backoff.on_orderly_end(ended.served_ms()));
  }
  if (!ever_ready_ && ended.failed()) {
    const bool app = ended.failed()->stage == Stage::kApp;
    return fail_start(app ? control::kExitApp : control::kExitBoot,
                      app ? "The application cannot be loaded" : "A worker failed to start");
  }
  const uint64_t delay_ms = slot.backoff.on_end(ended.served_ms());
  if (!ever_ready_ && slot.backoff.failures() >= kFirstFailuresMax) {
    return fail_start(
        control::kExitBoot,
        fmt::format("Workers end before they are ready (started with {}; --python names another)",
                    plan_.python));
  }
  respawn(slot, delay_ms);
}

// --- what the log says ---

void Supervisor::report_end(const WorkerProcess& worker, ChildProcess::Exit exit) {
  if (worker.ends_orderly()) {
    log::info("Worker exited (pid: {})", worker.pid());
  } else if (worker.failed()) {
    report_failure(worker);
  } else {
    log::error("Worker (pid: {}) {}", worker.pid(), exit_text(exit));
  }
}

void Supervisor::report_failure(const WorkerProcess& worker) {
  const control::Failed& failed = *worker.failed();
  std::string text = failed.message;
  if (!failed.traceback.empty()) text += "\n" + failed.traceback;
  while (text.ends_with('\n')) text.pop_back();
  if (text == failure_text_) {
    log::error("Worker (pid: {}) failed as the one before", worker.pid());
    return;
  }
  log::error("Worker (pid: {}) failed: {}", worker.pid(), text);
  failure_text_ = std::move(text);
}

// --- the end ---

void Supervisor::fail_start(int exit_code, const std::string& why) {
  if (ending_) return;
  log::critical("{}: shutting down", why);
  exit_code_ = exit_code;
  stop();
}

void Supervisor::begin_end() {
  ending_ = true;
  for (const auto& slot : slots_) slot->timer.stop();
}

void Supervisor::drain(uint64_t timeout_ms) {
  begin_end();
  for_each_worker([timeout_ms](WorkerProcess& worker) { worker.drain(timeout_ms); });
  finish_if_done();
}

void Supervisor::stop() {
  begin_end();
  for_each_worker([](WorkerProcess& worker) { worker.stop(); });
  finish_if_done();
}

void Supervisor::kill() {
  begin_end();
  for_each_worker([](WorkerProcess& worker) { worker.kill(); });
  finish_if_done();
}

void Supervisor::for_each_worker(const std::function<void(WorkerProcess&)>& act) {
  for (const auto& slot : slots_) {
    if (slot->worker) act(*slot->worker);
  }
}

bool Supervisor::is_worker(int pid) const noexcept {
  return std::any_of(slots_.begin(), slots_.end(), [pid](const auto& slot) {
    return slot->worker && slot->worker->pid() == pid;
  });
}

void Supervisor::finish_if_done() {
  const bool gone = std::none_of(slots_.begin(), slots_.end(),
                                 [](const auto& slot) { return slot->worker != nullptr; });
  if (!ending_ || !gone || std::exchange(finished_, true)) return;
  on_finished_(exit_code_);
}

}  // namespace cppcorn::master
