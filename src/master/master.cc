#include "src/master/master.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "src/base/log.h"
#include "src/config/settings_text.h"
#include "src/master/held_signals.h"
#include "src/master/listening_socket.h"
#include "src/master/open_files.h"
#include "src/master/preparation.h"
#include "src/master/supervisor.h"
#include "src/net/child_process.h"
#include "src/net/event_loop.h"
#include "src/net/signal_watcher.h"
#include "src/net/timer.h"

namespace cppcorn::master {
namespace {

// A TERM that follows another one this fast is the same wish on a second way: to the process group,
// and passed on by the parent.
constexpr uint64_t kSameTermMs = 1000;

// One run of the server, from the first worker to the last.
class Run {
 public:
  Run(const config::Settings& settings, WorkerPlan plan, std::vector<ListeningSocket> sockets)
      : graceful_timeout_ms_(settings.graceful_timeout_ms),
        sockets_(std::move(sockets)),
        supervisor_(loop_, std::move(plan), settings.workers, [this](int code) { finish(code); }),
        reap_timer_(loop_, [this] {
          net::reap_strangers([this](int pid) { return supervisor_.is_worker(pid); });
        }) {
    watch(SIGTERM, [this] { on_term(); });
    for (const int number : {SIGINT, SIGQUIT}) watch(number, [this, number] { on_quick(number); });
    for (const int number : kLaterSignals) watch(number, [number] { on_not_available(number); });
    watch(SIGWINCH, [this] { on_winch(); });
    // In the next turn, when libuv has reaped the workers among the dead.
    watch(SIGCHLD, [this] { reap_timer_.start(0); });
  }

  int run() {
    supervisor_.start();
    loop_.run();
    log::info("Shutting down: Master");
    return exit_code_;
  }

 private:
  enum class Phase { kRunning, kEnding };

  void watch(int number, std::function<void()> handle) {
    signals_.push_back(std::make_unique<net::SignalWatcher>(loop_, number, std::move(handle)));
  }

  void on_term() {
    if (phase_ == Phase::kEnding) {
      if (draining_ && loop_.now_ms() - ending_since_ms_ < kSameTermMs) return;
      return on_second(SIGTERM);
    }
    begin_end(SIGTERM);
    draining_ = true;
    log::info("Draining: requests in flight have {:g} s to finish",
              static_cast<double>(graceful_timeout_ms_) / 1000);
    supervisor_.drain(graceful_timeout_ms_);
  }

  void on_quick(int number) {
    if (phase_ == Phase::kEnding) return on_second(number);
    begin_end(number);
    supervisor_.stop();
  }

  void on_second(int number) {
    log::warning("Handling signal: {}, while shutting down: workers are killed", name_of(number));
    supervisor_.kill();
  }

  void begin_end(int number) {
    phase_ = Phase::kEnding;
    ending_since_ms_ = loop_.now_ms();
    log::info("Handling signal: {}", name_of(number));
    // The sockets are gone when the last worker has closed its copies: clients are then refused
    // instead of waiting for an accept that never comes. Unix paths become free for a successor at
    // once.
    sockets_.clear();
  }

  static void on_not_available(int number) {
    log::warning("Signal {} is not available in this release and ignored", name_of(number));
  }

  // A terminal sends it at every change of its size.
  void on_winch() {
    if (!std::exchange(winch_said_, true)) on_not_available(SIGWINCH);
  }

  void finish(int code) {
    exit_code_ = code;
    loop_.stop();
  }

  static const char* name_of(int number) { return sigabbrev_np(number); }

  net::EventLoop loop_;
  const uint64_t graceful_timeout_ms_;
  std::vector<ListeningSocket> sockets_;
  Supervisor supervisor_;
  net::Timer reap_timer_;
  std::vector<std::unique_ptr<net::SignalWatcher>> signals_;
  Phase phase_ = Phase::kRunning;
  bool draining_ = false;
  bool winch_said_ = false;
  uint64_t ending_since_ms_ = 0;
  int exit_code_ = kExitOk;
};

void add_listeners(WorkerPlan& plan, const std::vector<ListeningSocket>& sockets) {
  for (const ListeningSocket& socket : sockets) {
    plan.listeners.push_back(socket.fd());
    plan.start.listeners.push_back(
        {-1, socket.url()});  // its number in the worker comes at the spawn
  }
}

std::string urls_text(const std::vector<ListeningSocket>& sockets) {
  std::string text;
  for (const ListeningSocket& socket : sockets) {
    if (!text.empty()) text += ',';
    text += socket.url();
  }
  return text;
}

void log_beginning(const config::ParseOutcome& outcome, const std::string& version) {
  log::info("Starting cppcorn {}", version);
  for (const std::string& notice : outcome.notices) log::warning("{}", notice);
  const std::string changed = config::changed_settings_text(outcome);
  if (!changed.empty()) log::info("Settings: {}", changed);
}

Status set_up_log(const config::Settings& settings) {
  return log::set_up(settings.errorlog, static_cast<log::Level>(settings.loglevel));
}

int refuse(const std::string& message, int exit_code) {
  std::fprintf(stderr, "cppcorn: %s\n", message.c_str());
  return exit_code;
}

// The signal came while the master waited for an address.
int end_before_serving(int signal) {
  log::info("Handling signal: {}", sigabbrev_np(signal));
  log::info("Shutting down: Master");
  return kExitOk;
}

// Ends with the check's only worker.
class Check final : private WorkerProcess::Handler {
 public:
  explicit Check(WorkerPlan plan) : plan_(std::move(plan)) { plan_.start.check = true; }

  int run() {
    WorkerProcess::Handler& handler = *this;
    auto worker = WorkerProcess::spawn(loop_, plan_, 1, handler);
    if (!worker) return refuse(worker.error().message, control::kExitBoot);
    worker_ = std::move(*worker);
    loop_.run();
    return exit_code_;
  }

 private:
  void on_worker_ready(WorkerProcess& worker, const control::Ready& ready) override {
    std::printf("The configuration is good: %s, worker %s (%s)\n", ready.app.c_str(),
                ready.kind.c_str(), ready.reason.c_str());
    std::fflush(stdout);
    exit_code_ = kExitOk;
    worker.stop();
  }

  void on_worker_exit(WorkerProcess& worker, net::ChildProcess::Exit exit) override {
    if (worker.failed()) {
      const control::Failed& failed = *worker.failed();
      const bool app = failed.stage == control::Stage::kApp;
      exit_code_ =
          refuse(failed.message + (failed.traceback.empty() ? "" : "\n" + failed.traceback),
                 app ? control::kExitApp : control::kExitBoot);
    } else if (!worker.became_ready()) {
      refuse("the worker that was to load the application " + exit_text(exit), control::kExitBoot);
    }
    worker_.reset();
    loop_.stop();
  }

  net::EventLoop loop_;
  WorkerPlan plan_;
  std::unique_ptr<WorkerProcess> worker_;
  int exit_code_ = control::kExitBoot;
};

}  // namespace

int serve(const config::ParseOutcome& outcome, const std::string& version) {
  const config::Settings& settings = outcome.settings;
  std::signal(SIGPIPE, SIG_IGN);  // a log that nobody reads any more ends no server
  Result<WorkerPlan> plan = prepare_workers(settings);
  if (!plan) return refuse(plan.error().message, kExitUsage);
  if (Status status = check_outputs(settings); !status)
    return refuse(status.error().message, kExitError);
  if (Status status = set_up_log(settings); !status)
    return refuse(status.error().message, kExitError);
  log_beginning(outcome, version);
  const std::string warning = open_files_warning(settings, raise_open_files_limit());
  if (!warning.empty()) log::warning("{}", warning);
  HeldSignals held;
  int ended_by = 0;
  auto sockets = listen_at_all(settings.bind, settings.backlog, [&] {
    ended_by = held.wait_for_end(kBindWaitMs);
    return ended_by == 0;
  });
  if (ended_by != 0) return end_before_serving(ended_by);
  if (!sockets) {
    log::critical("{}", sockets.error().message);
    return kExitError;
  }
  log::info("Listening at: {} ({})", urls_text(*sockets), getpid());
  add_listeners(*plan, *sockets);
  Run run(settings, std::move(*plan), std::move(*sockets));
  held.release();
  const int exit_code = run.run();
  held.hold();
  return exit_code;
}

void say_notices(const config::ParseOutcome& outcome) {
  for (const std::string& notice : outcome.notices) {
    std::fprintf(stderr, "cppcorn: %s\n", notice.c_str());
  }
}

int check(const config::ParseOutcome& outcome) {
  Result<WorkerPlan> plan = prepare_workers(outcome.settings);
  if (!plan) return refuse(plan.error().message, kExitUsage);
  say_notices(outcome);
  if (Status status = check_outputs(outcome.settings); !status)
    return refuse(status.error().message, kExitError);
  return Check(std::move(*plan)).run();
}

}  // namespace cppcorn::master
