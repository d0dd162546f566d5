// WorkerProcess: one worker from its spawn to its exit: the process, its control channel, and the
// time by which it has to be gone. Owned by its slot in the supervisor; dies after on_worker_exit.
//
//   starting ──ready──▶ serving ──drain/stop, or failed──▶ ending ──▶ (exit)
//       └──────drain/stop, failed, or the boot timeout───────▲
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/control/control_channel.h"
#include "src/control/messages.h"
#include "src/net/child_process.h"
#include "src/net/event_loop.h"
#include "src/net/timer.h"

namespace cppcorn::master {

// What all workers of a server have in common.
struct WorkerPlan {
  std::string python;                    // absolute path
  std::vector<std::string> environment;  // NAME=VALUE
  std::vector<int> listeners;    // the master's descriptors, in the order of start.listeners
  uint64_t boot_timeout_ms = 0;  // from the spawn until it is ready; 0: no limit
  control::Start start;          // but for the worker's number and the descriptors
};

class WorkerProcess final : private control::ControlChannel::Handler {
 public:
  class Handler {
   public:
    virtual void on_worker_ready(WorkerProcess& worker, const control::Ready& ready) = 0;
    // Once, the last upcall: the worker may be destroyed in it.
    virtual void on_worker_exit(WorkerProcess& worker, net::ChildProcess::Exit exit) = 0;

   protected:
    ~Handler() = default;
  };

  // The error is one line.
  static Result<std::unique_ptr<WorkerProcess>> spawn(net::EventLoop& loop, const WorkerPlan& plan,
                                                      uint32_t number, Handler& handler);

  uint32_t number() const noexcept { return number_; }
  int pid() const noexcept { return process_->pid(); }
  // Whether it said ready, ever.
  bool became_ready() const noexcept { return ready_at_ms_.has_value(); }
  uint64_t served_ms() const noexcept;  // since it was ready
  // Why it could not serve, when it said so.
  const std::optional<control::Failed>& failed() const noexcept { return failed_; }
  // It was told to end, or said that it does (a SIGTERM of its own): its end is no failure.
  bool ends_orderly() const noexcept { return told_to_end_ || (said_bye_ && !failed_); }

  // What has not ended when its time is over is killed, with a line in the log. A drain after a
  // stop has no effect.
  void drain(uint64_t timeout_ms);
  void stop();
  void kill() noexcept;

 private:
  enum class State : uint8_t { kStarting, kServing, kEnding };

  WorkerProcess(net::EventLoop& loop, uint32_t number, Handler& handler);
  Status start(const WorkerPlan& plan);
  void on_message(const control::ToMaster& message) override;
  void on_channel_closed(const std::string& reason) override;
  void on_hello(const control::Hello& hello);
  void on_failed(control::Failed failed);
  void on_exit(net::ChildProcess::Exit exit);
  void enter(State state) noexcept;
  void on_boot_time();
  void kill_after(uint64_t delay_ms);
  void on_time_over();

  net::EventLoop& loop_;
  const uint32_t number_;
  Handler& handler_;
  State state_ = State::kStarting;
  uint64_t graceful_timeout_ms_ = 0;
  uint64_t boot_timeout_ms_ = 0;
  bool boot_is_slow_ = false;  // and the log says so
  std::optional<uint64_t> ready_at_ms_;
  std::optional<control::Failed> failed_;
  bool told_to_end_ = false;
  bool told_to_stop_ = false;
  bool said_bye_ = false;
  net::Timer boot_timer_;  // runs while it is starting
  net::Timer kill_timer_;
  std::unique_ptr<control::ControlChannel> channel_;
  std::unique_ptr<net::ChildProcess> process_;
};

// "exited with code 3", "was killed by SIGKILL: perhaps out of memory?"
std::string exit_text(net::ChildProcess::Exit exit);

}  // namespace cppcorn::master
