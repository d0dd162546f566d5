#include "src/control/worker_control.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <thread>

#include "src/base/clock.h"
#include "src/control/line_buffer.h"

namespace cppcorn::control {
namespace {

using Order = WorkerControl::Order;
using namespace std::chrono_literals;

Start some_start() {
  Start start;
  start.settings_json = R"({"app":"main:app"})";
  start.worker_number = 2;
  start.master_pid = getpid();
  start.graceful_timeout_ms = 5'000;
  return start;
}

// The master's end, blocking.
class Master {
 public:
  Master() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    ours_.reset(fds[0]);
    workers_.reset(fds[1]);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(ours_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  void says(const ToWorker& message) { says_text(encode(message)); }
  void says_text(std::string_view text) {
    EXPECT_EQ(send(ours_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  void dies() { ours_.reset(); }
  auto connect() { return WorkerControl::connect(std::move(workers_), "3.11.7", "0.1.0"); }

  // The next message of the worker; an error at EOF.
  Result<ToMaster> hears() {
    for (;;) {
      if (const auto line = lines_.next_line()) return decode_to_master(*line);
      char piece[4096];
      const ssize_t count = recv(ours_.get(), piece, sizeof piece, 0);
      if (count <= 0) return Error{"no more"};
      EXPECT_TRUE(lines_.append({piece, static_cast<size_t>(count)}));
    }
  }
  template <typename Message>
  Message hears_a() {
    const Result<ToMaster> message = hears();
    EXPECT_TRUE(message && std::holds_alternative<Message>(*message));
    return message && std::holds_alternative<Message>(*message) ? std::get<Message>(*message)
                                                                : Message{};
  }

 private:
  UniqueFd ours_, workers_;
  LineBuffer lines_{kLineBytesMax};
};

// Collects orders and lets a test wait for one.
class Orders {
 public:
  void attach(WorkerControl& control) {
    control.set_order_callback([this](Order order, uint64_t timeout_ms) {
      const std::lock_guard lock(mutex_);
      given_.emplace_back(order, timeout_ms);
      changed_.notify_all();
    });
  }
  std::vector<std::pair<Order, uint64_t>> wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 10s, [&] { return given_.size() >= count; }));
    return given_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<Order, uint64_t>> given_;
};

struct Connected {
  Connected() {
    master.says(some_start());
    auto connected = master.connect();
    EXPECT_TRUE(connected) << connected.error().message;
    control = std::move(*connected);
    master.hears_a<Hello>();
    orders.attach(*control);
  }
  Master master;
  Orders orders;
  std::unique_ptr<WorkerControl> control;
};

TEST(WorkerControl, HandshakeAndMessages) {
  Master master;
  master.says(some_start());
  auto control = master.connect();
  ASSERT_TRUE(control) << control.error().message;
  EXPECT_EQ((*control)->start(), some_start());
  EXPECT_EQ((*control)->order(), Order::kNone);
  EXPECT_EQ(master.hears_a<Hello>(), (Hello{kProtocol, getpid(), "3.11.7", "0.1.0"}));
  (*control)->send_ready("asgi", "-k asgi", "main:app");
  EXPECT_EQ(master.hears_a<Ready>(), (Ready{"asgi", "-k asgi", "main:app"}));
  (*control)->send_failed(Stage::kBoot, "lifespan", "Traceback");
  EXPECT_EQ(master.hears_a<Failed>(), (Failed{Stage::kBoot, "lifespan", "Traceback"}));
  (*control)->send_draining();
  master.hears_a<Draining>();
  (*control)->send_bye();
  master.hears_a<Bye>();
  control->reset();
  EXPECT_FALSE(master.hears()) << "destruction closes the channel";
}

TEST(WorkerControl, ListenersAreAdopted) {
  const int fd = dup(STDERR_FILENO);
  Start start = some_start();
  start.listeners = {{fd, "http://x"}};
  Master master;
  master.says(start);
  auto control = master.connect();
  ASSERT_TRUE(control) << control.error().message;
  std::vector<UniqueFd> listeners = (*control)->take_listeners();
  ASSERT_EQ(listeners.size(), 1u);
  EXPECT_EQ(listeners[0].get(), fd);
  EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  EXPECT_TRUE((*control)->take_listeners().empty());
}

TEST(WorkerControl, AnotherProtocolIsRefusedOnBothSides) {
  Master master;
  master.says_text("{\"type\":\"start\",\"protocol\":99}\n");
  auto control = master.connect();
  ASSERT_FALSE(control);
  master.hears_a<Hello>();
  const Failed failed = master.hears_a<Failed>();
  EXPECT_EQ(failed.stage, Stage::kProtocol);
  EXPECT_EQ(failed.message, control.error().message);
  EXPECT_NE(failed.message.find("99"), std::string::npos);
}

TEST(WorkerControl, AnythingButStartFirstIsRefused) {
  for (const std::string& text : {encode(Stop{}), std::string("hm\n")}) {
    Master master;
    master.says_text(text);
    EXPECT_FALSE(master.connect());
    master.hears_a<Hello>();
    EXPECT_EQ(master.hears_a<Failed>().stage, Stage::kProtocol);
  }
  Master gone;
  gone.dies();
  EXPECT_FALSE(gone.connect());
}

TEST(WorkerControl, AListenerThatIsNotThereIsAnError) {
  Start start = some_start();
  start.listeners = {{1000, "http://x"}};
  Master master;
  master.says(start);
  const auto control = master.connect();
  ASSERT_FALSE(control);
  EXPECT_NE(control.error().message.find("http://x"), std::string::npos);
}

TEST(WorkerControl, NoDescriptorNoWorker) {
  EXPECT_FALSE(WorkerControl::connect(UniqueFd(), "", ""));
}

TEST(WorkerControl, OrdersReachTheCallbackOnce) {
  Connected worker;
  worker.master.says(Drain{700});
  worker.master.says(Drain{900});
  worker.master.says(Stop{});
  worker.master.says(Drain{900});
  worker.master.says(Stop{});
  const auto given = worker.orders.wait_for(2);
  EXPECT_EQ(given[0], std::pair(Order::kDrain, uint64_t{700}));
  EXPECT_EQ(given[1], std::pair(Order::kStop, kStopTimeoutMs));
  EXPECT_EQ(worker.control->order(), Order::kStop);
  worker.control.reset();
  EXPECT_EQ(worker.orders.wait_for(2).size(), 2u);
}

TEST(WorkerControl, TheMastersDeathIsAnOrderToDrain) {
  Connected worker;
  worker.master.dies();
  EXPECT_EQ(worker.orders.wait_for(1)[0], std::pair(Order::kDrain, uint64_t{5'000}));
}

TEST(WorkerControl, AnOrderThatMakesNoSenseIsPassedOver) {
  Connected worker;
  worker.master.says_text("{\"type\":\"dance\"}\n");
  worker.master.says(Drain{1});
  EXPECT_EQ(worker.orders.wait_for(1)[0].second, 1u);
}

TEST(WorkerControl, ATimeoutWithoutBoundIsNoDeadline) {
  Connected worker;
  worker.master.says(Drain{INT64_MAX});
  worker.orders.wait_for(1);
  worker.master.says(Stop{});
  worker.orders.wait_for(2);
}

TEST(WorkerControl, DrainSelf) {
  Connected worker;
  worker.control->drain_self();
  EXPECT_EQ(worker.orders.wait_for(1)[0], std::pair(Order::kDrain, uint64_t{5'000}));
}

// What follows ends a process: each runs in a child, which ends with 99 if nothing else ends it.
template <typename Child>
int exit_status_of(Child child) {
  const pid_t pid = fork();
  if (pid == 0) {
    child();
    _exit(99);
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return status;
}

void wait_forever() {
  for (;;) pause();
}

TEST(WorkerControlProcess, BeforeThereIsACallbackAnOrderEndsTheProcess) {
  Master master;
  master.says(some_start());
  const int status = exit_status_of([&] {
    auto control = master.connect();
    if (!control) return;
    master.says(Drain{60'000});
    wait_forever();
  });
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  master.hears_a<Hello>();
  master.hears_a<Bye>();
}

TEST(WorkerControlProcess, TheDeadlineHoldsWhateverTheEngineDoes) {
  const uint64_t began_ms = monotonic_ms();
  const int status = exit_status_of([] {
    Connected worker;
    worker.master.says(Drain{0});
    wait_forever();
  });
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), WorkerControl::kExitDeadline);
  EXPECT_GE(monotonic_ms() - began_ms, kDeadlineGraceMs);
}

TEST(WorkerControlProcess, SigtermDrainsAndOthersDoNothing) {
  const int status = exit_status_of([] {
    Connected worker;
    install_worker_signal_handlers(*worker.control);
    for (const int number : {SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH}) raise(number);
    if (worker.control->order() != Order::kNone) return;
    raise(SIGTERM);
    if (worker.orders.wait_for(1)[0].first == Order::kDrain) _exit(7);
  });
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(WorkerControlProcess, AProcessThatTheApplicationForkedIsNoWorker) {
  const int status = exit_status_of([] {
    Connected worker;
    install_worker_signal_handlers(*worker.control);
    const int forked = exit_status_of([&] {
      worker.control->send_bye();  // is not heard
      raise(SIGTERM);
    });
    if (!WIFSIGNALED(forked) || WTERMSIG(forked) != SIGTERM) return;
    if (worker.control->order() != Order::kNone) return;
    worker.control->send_draining();
    worker.master.hears_a<Draining>();
    _exit(testing::Test::HasFailure() ? 98 : 7);
  });
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(WorkerControlProcess, TheKernelTellsOfTheMastersDeath) {
  int alive[2];
  ASSERT_EQ(pipe(alive), 0);
  const int status = exit_status_of([&] {
    const pid_t master = getpid();
    if (fork() == 0) {
      if (bind_to_master(master)) {
        close(alive[0]);
        if (write(alive[1], "x", 1) == 1) wait_forever();
      }
      _exit(0);
    }
    close(alive[1]);
    char byte;
    if (read(alive[0], &byte, 1) == 1) _exit(0);
  });
  ASSERT_EQ(status, 0);
  close(alive[1]);
  // The pipe ends when the worker, its last writer, does.
  pollfd waiting{alive[0], POLLIN, 0};
  char byte;
  ASSERT_EQ(poll(&waiting, 1, 10'000), 1);
  EXPECT_EQ(read(alive[0], &byte, 1), 0);
  close(alive[0]);
  EXPECT_EQ(exit_status_of([] { _exit(bind_to_master(1) ? 1 : 0); }), 0);
}

}  // namespace
}  // namespace cppcorn::control
