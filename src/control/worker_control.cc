#include "src/control/worker_control.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "src/base/block_signals.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/control/line_buffer.h"

namespace cppcorn::control {
namespace {

// A master that does not read for so long is stopped or lost; a worker must not hang on it.
constexpr timeval kSendTimeout = {.tv_sec = 1, .tv_usec = 0};
constexpr uint64_t kNoDeadline = UINT64_MAX;

std::atomic<WorkerControl*> drained_by_sigterm = nullptr;

bool set_close_on_exec(int fd) noexcept {
  const int flags = fcntl(fd, F_GETFD);
  return flags >= 0 && fcntl(fd, F_SETFD, flags | FD_CLOEXEC) == 0;
}

// What poll(2) takes: at least a millisecond short of never, -1 for never.
int poll_timeout_ms(uint64_t deadline_ms) noexcept {
  if (deadline_ms == kNoDeadline) return -1;
  const uint64_t now_ms = monotonic_ms();
  if (deadline_ms <= now_ms) return 0;
  return static_cast<int>(std::min<uint64_t>(deadline_ms - now_ms, 3'600'000));
}

}  // namespace

struct WorkerControl::Impl {
  Impl(UniqueFd fd, std::string python_version, std::string package_version)
      : channel(std::move(fd)),
        wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        python(std::move(python_version)),
        version(std::move(package_version)) {}
  ~Impl() {
    if (!thread.joinable()) return;
    closing.store(true);
    wake_thread();
    thread.join();
  }

  // --- messages up ---

  void send(const ToMaster& message) noexcept {
    if (getpid() != pid) return;  // a process that the application forked
    std::string line;
    try {
      line = encode(message);
    } catch (...) {
      return;
    }
    const std::lock_guard lock(send_mutex);
    for (size_t sent = 0; sent < line.size() && !broken;) {
      const ssize_t count =
          ::send(channel.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
      if (count > 0) {
        sent += static_cast<size_t>(count);
      } else if (errno != EINTR) {
        broken = true;  // half a line may be out: nothing that follows would make sense
      }
    }
  }

  // --- the handshake ---

  // What is wrong, if anything; `stage` says of which kind.
  Status read_start(Stage* stage) {
    *stage = Stage::kBoot;
    Result<std::string> line = read_line(monotonic_ms() + kStartTimeoutMs);
    if (!line) return line.error();
    *stage = Stage::kProtocol;
    Result<ToWorker> message = decode_to_worker(*line);
    if (!message) return message.error();
    auto* received = std::get_if<Start>(&*message);
    if (received == nullptr) return Error{"the first message of the master is not start"};
    start = std::move(*received);
    if (start.protocol != kProtocol) {
      return Error{fmt::format(
          "the program cppcorn speaks protocol {}, the package cppcorn {} protocol {}: they are of "
          "different versions",
          start.protocol, version, kProtocol)};
    }
    *stage = Stage::kBoot;
    return adopt_listeners();
  }

  Result<std::string> read_line(uint64_t deadline_ms) {
    for (;;) {
      if (const auto line = lines.next_line()) return std::string(*line);
      pollfd waiting{channel.get(), POLLIN, 0};
      const int ready = poll(&waiting, 1, poll_timeout_ms(deadline_ms));
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) return Error{"no start message came through the control channel"};
      if (!read_some()) return Error{"the control channel was closed before the start message"};
    }
  }

  Status adopt_listeners() {
    for (const InheritedListener& listener : start.listeners) {
      if (!set_close_on_exec(listener.fd)) {
        return Error{fmt::format("the listening socket for {} was not inherited", listener.url)};
      }
      listeners.emplace_back(listener.fd);
    }
    return ok_status();
  }

  // Reads what is there. False at EOF, after an error, and when a line is too long.
  bool read_some() {
    char piece[16384];
    const ssize_t count = recv(channel.get(), piece, sizeof piece, MSG_DONTWAIT);
    if (count > 0) return lines.append({piece, static_cast<size_t>(count)});
    return count < 0 && (errno == EINTR || errno == EAGAIN);
  }

  // --- the thread ---

  void begin_thread() {
    const BlockSignals inherited_by_the_thread;  // they are for Python's main thread
    thread = std::thread([this] { run(); });
    pthread_setname_np(thread.native_handle(), "cppcorn-control");
  }

  void run() noexcept {
    bool master_is_there = true;
    while (!closing.load()) {
      // A negative descriptor is passed over by poll.
      pollfd waiting[2] = {{master_is_there ? channel.get() : -1, POLLIN, 0},
                           {wake.get(), POLLIN, 0}};
      poll(waiting, 2, poll_timeout_ms(deadline_ms));
      if (deadline_ms <= monotonic_ms()) leave_at_deadline();
      if (waiting[1].revents != 0) on_wake();
      if (waiting[0].revents != 0) master_is_there = on_channel();
    }
  }

  void on_wake() noexcept {
    uint64_t count;
    while (read(wake.get(), &count, sizeof count) < 0 && errno == EINTR) {
    }
    if (drain_wanted.exchange(false)) carry_out(Order::kDrain, start.graceful_timeout_ms);
  }

  // False when no more orders can come.
  bool on_channel() noexcept {
    bool open = false;
    try {
      open = read_some();
      while (const auto line = lines.next_line()) on_line(*line);
    } catch (...) {
      open = false;  // out of memory: as if the master were gone
    }
    if (!open) carry_out(Order::kDrain, start.graceful_timeout_ms);
    return open;
  }

  void on_line(std::string_view line) {
    Result<ToWorker> message = decode_to_worker(line);
    if (!message) {
      log::error("The master sent what is no order: {}", message.error().message);
    } else if (const auto* drain = std::get_if<Drain>(&*message)) {
      carry_out(Order::kDrain, drain->timeout_ms);
    } else if (std::holds_alternative<Stop>(*message)) {
      carry_out(Order::kStop, kStopTimeoutMs);
    } else {
      log::debug("The master sent an order that this version does not know");
    }
  }

  void carry_out(Order wanted, uint64_t timeout_ms) noexcept {
    if (wanted <= order.load()) return;
    order.store(wanted);
    // The timeout is a setting without an upper bound.
    const uint64_t now_ms = monotonic_ms();
    deadline_ms = timeout_ms > kNoDeadline - kDeadlineGraceMs - now_ms
                      ? kNoDeadline
                      : now_ms + timeout_ms + kDeadlineGraceMs;
    const std::lock_guard lock(callback_mutex);
    if (callback) {
      callback(wanted, timeout_ms);
    } else if (!had_callback) {
      send(Bye{});
      _exit(0);
    }
  }

  [[noreturn]] void leave_at_deadline() noexcept {
    log::warning("Worker (pid: {}) did not end in time; what it was doing is cut", pid);
    _exit(kExitDeadline);
  }

  void wake_thread() noexcept {
    const uint64_t one = 1;
    // The only error there can be, a full counter, means that the thread is woken already.
    [[maybe_unused]] const ssize_t written = write(wake.get(), &one, sizeof one);
  }

  const pid_t pid = getpid();
  UniqueFd channel;
  UniqueFd wake;
  std::string python, version;
  Start start;
  std::vector<UniqueFd> listeners;
  LineBuffer lines{kLineBytesMax};     // of connect(), then of the thread
  uint64_t deadline_ms = kNoDeadline;  // of the thread

  std::atomic<bool> closing = false;
  std::atomic<bool> drain_wanted = false;
  std::atomic<Order> order = Order::kNone;
  std::mutex send_mutex;
  bool broken = false;
  std::mutex callback_mutex;
  OrderCallback callback;
  bool had_callback = false;
  std::thread thread;
};

Result<std::unique_ptr<WorkerControl>> WorkerControl::connect(UniqueFd channel, std::string python,
                                                              std::string version) {
  if (!set_close_on_exec(channel.get()) ||
      setsockopt(channel.get(), SOL_SOCKET, SO_SNDTIMEO, &kSendTimeout, sizeof kSendTimeout) != 0) {
    return Error{
        fmt::format("there is no control channel at descriptor {} ({}): only the program cppcorn "
                    "starts workers",
                    channel.get(), std::strerror(errno))};
  }
  auto impl = std::make_unique<Impl>(std::move(channel), std::move(python), std::move(version));
  if (!impl->wake.valid()) return Error{fmt::format("eventfd: {}", std::strerror(errno))};
  impl->send(Hello{kProtocol, impl->pid, impl->python, impl->version});
  Stage stage;
  if (Status status = impl->read_start(&stage); !status) {
    impl->send(Failed{stage, status.error().message, ""});
    return status.error();
  }
  impl->begin_thread();
  return std::unique_ptr<WorkerControl>(new WorkerControl(std::move(impl)));
}

WorkerControl::WorkerControl(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WorkerControl::~WorkerControl() {
  WorkerControl* self = this;
  drained_by_sigterm.compare_exchange_strong(self, nullptr);
}

const Start& WorkerControl::start() const noexcept { return impl_->start; }
std::vector<UniqueFd> WorkerControl::take_listeners() {
  return std::exchange(impl_->listeners, {});
}

void WorkerControl::set_order_callback(OrderCallback callback) {
  const std::lock_guard lock(impl_->callback_mutex);
  impl_->had_callback = impl_->had_callback || callback;
  impl_->callback = std::move(callback);
}

WorkerControl::Order WorkerControl::order() const noexcept { return impl_->order.load(); }

void WorkerControl::drain_self() noexcept {
  impl_->drain_wanted.store(true);
  impl_->wake_thread();
}

void WorkerControl::send_ready(std::string kind, std::string reason, std::string app) {
  impl_->send(Ready{std::move(kind), std::move(reason), std::move(app)});
}
void WorkerControl::send_failed(Stage stage, std::string message, std::string traceback) {
  impl_->send(Failed{stage, std::move(message), std::move(traceback)});
}
void WorkerControl::send_draining() { impl_->send(Draining{}); }
void WorkerControl::send_bye() { impl_->send(Bye{}); }

bool bind_to_master(pid_t master_pid) noexcept {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  return getppid() == master_pid;  // it may have died before the line above
}

// --- signals ---

namespace {

constexpr std::array kMastersBusiness = {SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH};

struct Replaced {
  int number;
  void (*ours)(int);
  struct sigaction previous;
};
std::array<Replaced, kMastersBusiness.size() + 1> replaced;

extern "C" void on_sigterm(int) {
  const int saved_errno = errno;
  if (WorkerControl* control = drained_by_sigterm.load()) control->drain_self();
  errno = saved_errno;
}
extern "C" void on_masters_business(int) {}

// A process that the application forks (multiprocessing) is no worker: a SIGTERM must end it, and
// not drain its parent.
extern "C" void restore_in_forked_child() {
  for (const Replaced& signal : replaced) {
    struct sigaction current;
    sigaction(signal.number, nullptr, &current);
    if (current.sa_handler == signal.ours) sigaction(signal.number, &signal.previous, nullptr);
  }
}

void replace(Replaced& slot, int number, void (*handler)(int)) noexcept {
  slot.number = number;
  slot.ours = handler;
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, &slot.previous);
}

}  // namespace

void install_worker_signal_handlers(WorkerControl& control) noexcept {
  drained_by_sigterm.store(&control);
  static bool installed = false;
  if (std::exchange(installed, true)) return;
  replace(replaced[0], SIGTERM, on_sigterm);
  for (size_t i = 0; i < kMastersBusiness.size(); ++i) {
    replace(replaced[i + 1], kMastersBusiness[i], on_masters_business);
  }
  pthread_atfork(nullptr, nullptr, restore_in_forked_child);
}

}  // namespace cppcorn::control
