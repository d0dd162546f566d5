#include "src/master/worker_process.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <type_traits>
#include <utility>

#include "src/base/log.h"
#include "src/config/settings_table.h"
#include "src/control/worker_control.h"

namespace cppcorn::master {

using control::ControlChannel;
using control::kKillGraceMs;
using net::ChildProcess;

namespace {

// -P: the current directory is not searched before the installed packages, so that a cppcorn.py of
// the user's is not taken for this package; the worker itself adds where the application lies.
const std::vector<std::string> kWorkerArguments = {"-P", "-m", "cppcorn.worker"};

// Timers count in milliseconds since boot; settings have no upper bound.
constexpr uint64_t kLongestDelayMs = 1ULL << 40;

// A start that takes longer is slow enough for a line in the log (or one that has taken half of the
// time it may): whoever waits learns what for.
constexpr uint64_t kSlowBootMs = 30'000;

uint64_t slow_boot_ms(uint64_t boot_timeout_ms) noexcept {
  return std::min(kSlowBootMs, boot_timeout_ms / 2);
}

std::vector<int> descriptors_of(const WorkerPlan& plan, int channel) {
  std::vector<int> descriptors = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
  static_assert(control::kControlFd == STDERR_FILENO + 1);
  descriptors.push_back(channel);
  descriptors.insert(descriptors.end(), plan.listeners.begin(), plan.listeners.end());
  return descriptors;
}

control::Start start_of(const WorkerPlan& plan, uint32_t number) {
  control::Start start = plan.start;
  start.worker_number = number;
  int fd = control::kControlFd;
  for (control::InheritedListener& listener : start.listeners) listener.fd = ++fd;
  return start;
}

}  // namespace

WorkerProcess::WorkerProcess(net::EventLoop& loop, uint32_t number, Handler& handler)
    : loop_(loop),
      number_(number),
      handler_(handler),
      boot_timer_(loop, [this] { on_boot_time(); }),
      kill_timer_(loop, [this] { on_time_over(); }) {}

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::spawn(net::EventLoop& loop,
                                                            const WorkerPlan& plan, uint32_t number,
                                                            Handler& handler) {
  std::unique_ptr<WorkerProcess> worker(new WorkerProcess(loop, number, handler));
  if (Status status = worker->start(plan); !status) return status.error();
  return worker;
}

Status WorkerProcess::start(const WorkerPlan& plan) {
  Result<ControlChannel::Ends> ends = ControlChannel::create_ends();
  if (!ends) return ends.error();
  ChildProcess::Options options;
  options.file = plan.python;
  options.arguments = kWorkerArguments;
  options.environment = plan.environment;
  options.environment.push_back(
      fmt::format("{}={}", control::kControlFdVariable, control::kControlFd));
  options.descriptors = descriptors_of(plan, ends->workers.get());
  auto process =
      ChildProcess::spawn(loop_, options, [this](ChildProcess::Exit exit) { on_exit(exit); });
  if (!process) return process.error();
  graceful_timeout_ms_ = std::min(plan.start.graceful_timeout_ms, kLongestDelayMs);
  boot_timeout_ms_ = std::min(plan.boot_timeout_ms, kLongestDelayMs);
  if (boot_timeout_ms_ > 0) boot_timer_.start(slow_boot_ms(boot_timeout_ms_));
  process_ = std::move(*process);
  ControlChannel::Handler& handler = *this;
  channel_ = std::make_unique<ControlChannel>(loop_, std::move(ends->ours), handler);
  channel_->send(start_of(plan, number_));
  return ok_status();
}

uint64_t WorkerProcess::served_ms() const noexcept {
  return ready_at_ms_ ? loop_.now_ms() - *ready_at_ms_ : 0;
}

void WorkerProcess::drain(uint64_t timeout_ms) {
  if (told_to_stop_) return;
  timeout_ms = std::min(timeout_ms, kLongestDelayMs);
  told_to_end_ = true;
  enter(State::kEnding);
  channel_->send(control::Drain{timeout_ms});
  kill_after(timeout_ms + kKillGraceMs);
}

void WorkerProcess::stop() {
  told_to_end_ = told_to_stop_ = true;
  enter(State::kEnding);
  channel_->send(control::Stop{});
  kill_after(control::kStopTimeoutMs + kKillGraceMs);
}

void WorkerProcess::kill() noexcept {
  told_to_end_ = told_to_stop_ = true;
  enter(State::kEnding);
  process_->kill(SIGKILL);
}

void WorkerProcess::enter(State state) noexcept {
  state_ = state;
  boot_timer_.stop();
}

void WorkerProcess::on_boot_time() {
  const uint64_t slow_ms = slow_boot_ms(boot_timeout_ms_);
  if (!std::exchange(boot_is_slow_, true)) {
    log::warning("Worker (pid: {}) is not ready after {} s; --worker-boot-timeout allows {} s",
                 pid(), config::seconds_text(slow_ms), config::seconds_text(boot_timeout_ms_));
    return boot_timer_.start(boot_timeout_ms_ - slow_ms);
  }
  on_failed({control::Stage::kBoot,
             fmt::format("not ready after {} s (--worker-boot-timeout): an import or the "
                         "lifespan's startup hangs, or needs longer",
                         config::seconds_text(boot_timeout_ms_)),
             ""});
  // The worker's handler of this one writes where each thread is to the error log.
  process_->kill(SIGABRT);
  kill_after(kKillGraceMs);
}

void WorkerProcess::kill_after(uint64_t delay_ms) { kill_timer_.start(delay_ms); }

void WorkerProcess::on_time_over() {
  log::warning("Worker (pid: {}) has not ended in time and is killed", pid());
  process_->kill(SIGKILL);
}

void WorkerProcess::on_message(const control::ToMaster& message) {
  std::visit(
      [this](const auto& one) {
        using Message = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<Message, control::Hello>) {
          on_hello(one);
        } else if constexpr (std::is_same_v<Message, control::Failed>) {
          on_failed(one);
        } else if constexpr (std::is_same_v<Message, control::Bye>) {
          said_bye_ = true;
        } else if constexpr (std::is_same_v<Message, control::Draining>) {
          log::debug("Worker (pid: {}) accepts no more connections", pid());
        } else if constexpr (std::is_same_v<Message, control::Unknown>) {
          log::debug("Worker (pid: {}) sent an unknown message: {}", pid(),
                     log::escape_for_log(one.type));
        } else if (state_ == State::kStarting) {
          enter(State::kServing);
          ready_at_ms_ = loop_.now_ms();
          handler_.on_worker_ready(*this, one);
        }
      },
      message);
}

void WorkerProcess::on_hello(const control::Hello& hello) {
  if (hello.protocol == control::kProtocol) {
    log::debug("Worker (pid: {}) runs Python {} with cppcorn {}", pid(), hello.python,
               hello.version);
    return;
  }
  on_failed(
      {control::Stage::kProtocol,
       fmt::format(
           "the package cppcorn speaks protocol {}, the program cppcorn protocol {}: they are "
           "of different versions; stop the server and start it again",
           hello.protocol, control::kProtocol),
       ""});
}

void WorkerProcess::on_failed(control::Failed failed) {
  // The worker's own words come after the master's when the protocols differ: the first count.
  if (!failed_) failed_ = std::move(failed);
  if (told_to_end_) return;
  enter(State::kEnding);
  // It ends by itself, unless a thread of the application keeps the interpreter from it.
  kill_after(control::kStopTimeoutMs + kKillGraceMs);
}

void WorkerProcess::on_channel_closed(const std::string& reason) {
  if (!reason.empty()) log::error("What worker (pid: {}) says makes no sense: {}", pid(), reason);
  if (state_ == State::kEnding || !process_->running()) return;
  // Mostly this is the end of the process, which is told next. If not, the worker has noticed it as
  // well and drains.
  enter(State::kEnding);
  kill_after(graceful_timeout_ms_ + kKillGraceMs);
}

void WorkerProcess::on_exit(ChildProcess::Exit exit) {
  channel_->read_rest();  // its last words may be later in this turn
  kill_timer_.stop();
  handler_.on_worker_exit(*this, exit);
}

std::string exit_text(ChildProcess::Exit exit) {
  if (exit.signal == 0) return fmt::format("exited with code {}", exit.code);
  const char* name = sigabbrev_np(exit.signal);
  std::string text = name != nullptr ? fmt::format("was killed by SIG{}", name)
                                     : fmt::format("was killed by signal {}", exit.signal);
  if (exit.signal == SIGKILL) text += ": perhaps out of memory?";
  return text;
}

}  // namespace cppcorn::master
