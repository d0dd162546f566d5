// Supervisor: keeps the wanted number of workers running until it is told to end them. Owned by the
// master; dies after on_finished, before the loop.
//
//                       drain()            stop()
//   running ──────────────────▶ draining ────────▶ stopping      kill() at any time: SIGKILL to all
//      └──── stop(), or the first start fails ───────▲
//
// A worker that dies is replaced, with a growing delay when that repeats (backoff.h), for ever once
// a worker was ready: whatever is wrong later, the others serve. Before that the first start can
// fail as a whole:
//   - a worker says why it cannot serve: kExitApp or kExitBoot;
//   - one dies kFirstFailuresMax times in a row without a word: kExitBoot.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/master/backoff.h"
#include "src/master/worker_process.h"
#include "src/net/event_loop.h"
#include "src/net/timer.h"

namespace cppcorn::master {

class Supervisor final : private WorkerProcess::Handler {
 public:
  static constexpr unsigned kFirstFailuresMax = 3;

  // on_finished(exit code) is called once, when the last worker is gone after the end has begun; it
  // may come from inside start(), drain(), stop() or kill(), and must not destroy the supervisor.
  Supervisor(net::EventLoop& loop, WorkerPlan plan, uint32_t workers,
             std::function<void(int exit_code)> on_finished);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  void start();
  void drain(uint64_t timeout_ms);
  void stop();
  void kill();

  bool is_worker(int pid) const noexcept;

 private:
  struct Slot;

  void spawn(Slot& slot);
  void respawn(Slot& slot, uint64_t delay_ms);
  void on_worker_ready(WorkerProcess& worker, const control::Ready& ready) override;
  void on_worker_exit(WorkerProcess& worker, net::ChildProcess::Exit exit) override;
  void replace(Slot& slot, const WorkerProcess& ended);
  void report_end(const WorkerProcess& worker, net::ChildProcess::Exit exit);
  void report_failure(const WorkerProcess& worker);
  void fail_start(int exit_code, const std::string& why);
  void begin_end();
  void for_each_worker(const std::function<void(WorkerProcess&)>& act);
  void finish_if_done();

  net::EventLoop& loop_;
  const WorkerPlan plan_;
  std::function<void(int)> on_finished_;
  std::vector<std::unique_ptr<Slot>> slots_;
  bool ever_ready_ = false;
  bool ending_ = false;
  bool finished_ = false;
  int exit_code_ = 0;
  std::string kind_text_;     // what was last said of the worker kind
  std::string failure_text_;  // what was last said of why an application cannot be loaded
};

}  // namespace cppcorn::master
