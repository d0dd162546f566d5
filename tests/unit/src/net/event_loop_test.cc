#include "src/net/event_loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <functional>
#include <memory>
#include <vector>

#include "src/net/fd_watcher.h"
#include "src/net/notifier.h"
#include "src/net/timer.h"
#include "tests/unit/src/net/testing.h"

namespace cppcorn::net {
namespace {

using testing::kPatienceMs;
using testing::run_until;

struct Task : TurnEndTask {
  explicit Task(std::function<void()> hook) : hook_(std::move(hook)) {}
  void on_turn_end() noexcept override { hook_(); }
  std::function<void()> hook_;
};

struct Mourned : Deferred {
  explicit Mourned(std::function<void()> hook) : hook_(std::move(hook)) {}
  ~Mourned() override { hook_(); }
  std::function<void()> hook_;
};

uint64_t duration_ms(const std::function<void()>& action) {
  const uint64_t began = monotonic_ms();
  action();
  return monotonic_ms() - began;
}

TEST(EventLoop, WaitsNoLongerThanItWasTold) {
  EventLoop loop;
  EXPECT_LT(duration_ms([&] { loop.run_once(0); }), 1000u);
  EXPECT_GE(duration_ms([&] { loop.run_once(20); }), 19u);
}

TEST(EventLoop, DoesNotWaitWithoutAnythingThatCouldEndTheWait) {
  EventLoop loop;
  loop.run_once(EventLoop::kForever);
  loop.run();
}

TEST(EventLoop, ADueTimerEndsTheTurn) {
  // In libuv 1.44 UV_RUN_ONCE runs timers that are due and then waits for events all the same.
  EventLoop loop;
  Notifier keeps_alive(loop, [] {});
  bool fired = false;
  Timer timer(loop, [&] { fired = true; });
  for (const uint64_t delay : {0, 1}) {
    fired = false;
    timer.start(delay);
    const uint64_t due = monotonic_ms() + delay + 2;
    while (monotonic_ms() < due) {
    }
    loop.run_once(EventLoop::kForever);  // hangs when the trap is not avoided
    EXPECT_TRUE(fired);
  }
}

TEST(EventLoop, ATimerEndsTheWait) {
  EventLoop loop;
  Notifier keeps_alive(loop, [] {});
  bool fired = false;
  Timer timer(loop, [&] { fired = true; });
  timer.start(20);
  EXPECT_GE(duration_ms([&] { loop.run_once(EventLoop::kForever); }), 19u);
  EXPECT_TRUE(fired);
}

TEST(EventLoop, ATimerCountsFromNowThoughTheLoopHasNotTurnedForLong) {
  EventLoop loop;
  bool fired = false;
  Timer timer(loop, [&] { fired = true; });
  const uint64_t before = loop.now_ms();
  while (monotonic_ms() < before + 30) {
  }
  EXPECT_GE(loop.now_ms(), before + 29);
  timer.start(25);
  loop.run_once(0);
  EXPECT_FALSE(fired) << "counted from an old time";
  ASSERT_TRUE(run_until(loop, [&] { return fired; }));
}

TEST(EventLoop, ATimerMayBeDestroyedStoppedAndStartedInItsCallback) {
  EventLoop loop;
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&] {
    if (++fired == 1) return timer->start(1);
    timer.reset();
  });
  timer->start(1);
  ASSERT_TRUE(run_until(loop, [&] { return fired == 2; }));
  Timer stopped(loop, [&] { ++fired; });
  stopped.start(0);
  stopped.stop();
  loop.run_once(5);
  EXPECT_EQ(fired, 2);
}

TEST(EventLoop, WakeBeforeATurnEndsItsWaitButNotItsEvents) {
  EventLoop loop;
  int notified = 0;
  Notifier notifier(loop, [&] { ++notified; });
  notifier.notify();
  loop.wake();
  loop.run_once(EventLoop::kForever);
  EXPECT_EQ(notified, 1);
  EXPECT_GE(duration_ms([&] { loop.run_once(20); }), 19u) << "the wake was not used up";
}

TEST(EventLoop, RunsUntilStopped) {
  EventLoop loop;
  Notifier keeps_alive(loop, [] {});
  int turns = 0;
  Timer timer(loop, [&] {
    if (++turns == 3) return loop.stop();
    timer.start(1);
  });
  timer.start(1);
  loop.run();
  EXPECT_EQ(turns, 3);
  loop.stop();
  loop.run();  // returns at once
}

TEST(EventLoop, RunsTasksOnceBeforeItWaits) {
  EventLoop loop;
  Notifier keeps_alive(loop, [] {});
  int first = 0;
  int second = 0;
  Task last([&] { ++second; });
  Task task([&] {
    ++first;
    loop.at_turn_end(last);
  });
  loop.at_turn_end(task);
  loop.at_turn_end(task);
  loop.run_once(0);
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1) << "what a task queues runs in the same turn";
  loop.run_once(0);
  EXPECT_EQ(first, 1);
}

TEST(EventLoop, ATaskThatATimerOrAnEventQueuedIsNotWaitedFor) {
  EventLoop loop;
  bool done = false;
  Task task([&] { done = true; });
  Timer timer(loop, [&] { loop.at_turn_end(task); });
  Notifier notifier(loop, [&] { loop.at_turn_end(task); });
  timer.start(0);
  loop.run_once(EventLoop::kForever);
  loop.run_once(0);
  EXPECT_TRUE(done);
  done = false;
  notifier.notify();
  loop.run_once(EventLoop::kForever);
  EXPECT_EQ(loop.backend_timeout_ms(), 0);
  loop.run_once(0);
  EXPECT_TRUE(done);
}

TEST(EventLoop, ATaskThatQueuesItselfForeverDoesNotStopTheLoop) {
  EventLoop loop;
  int runs = 0;
  Task task([&] {
    ++runs;
    loop.at_turn_end(task);
  });
  loop.at_turn_end(task);
  loop.run_once(EventLoop::kForever);
  const int in_one_turn = runs;
  EXPECT_GT(in_one_turn, 0);
  loop.run_once(EventLoop::kForever);
  EXPECT_GT(runs, in_one_turn);
  task.unlink();
}

TEST(EventLoop, ATaskMayBeDestroyedWhileItIsQueuedEvenByAnother) {
  EventLoop loop;
  auto second = std::make_unique<Task>([] { FAIL(); });
  auto third = std::make_unique<Task>([] { FAIL(); });
  Task first([&] { second.reset(); });
  loop.at_turn_end(first);
  loop.at_turn_end(*second);
  loop.at_turn_end(*third);
  third.reset();
  loop.run_once(0);
}

TEST(EventLoop, DeletesLaterAndNotUnderTheFeetOfACallback) {
  EventLoop loop;
  Notifier keeps_alive(loop, [] {});
  std::vector<int> deaths;
  auto inner = std::make_unique<Mourned>([&] { deaths.push_back(2); });
  auto outer = std::make_unique<Mourned>([&] {
    deaths.push_back(1);
    loop.delete_later(std::move(inner));
  });
  Timer timer(loop, [&] {
    loop.delete_later(std::move(outer));
    EXPECT_TRUE(deaths.empty());
  });
  timer.start(0);
  loop.run_once(EventLoop::kForever);
  EXPECT_EQ(deaths, (std::vector<int>{1, 2}));
  loop.delete_later(std::make_unique<Mourned>([&] { deaths.push_back(3); }));
  EXPECT_EQ(loop.backend_timeout_ms(), 0);
  Timer checks(loop, [&] {
    EXPECT_EQ(deaths.size(), 3u) << "what was queued between turns is deleted before the wait";
  });
  checks.start(5);
  loop.run_once(EventLoop::kForever);
}

TEST(EventLoop, DeletesWhatIsLeftWhenItDies) {
  int deaths = 0;
  {
    EventLoop loop;
    auto timer = std::make_shared<Timer>(loop, [] {});
    loop.delete_later(std::make_unique<Mourned>([&, timer] { ++deaths; }));
  }
  EXPECT_EQ(deaths, 1);
}

TEST(EventLoopDeathTest, RefusesToDieWithAnOpenHandle) {
  EXPECT_DEATH(
      {
        auto loop = std::make_unique<EventLoop>();
        new Timer(*loop, [] {});
        loop.reset();
      },
      "check failed");
}

TEST(EventLoop, CanBeDrivenByAForeignLoop) {
  EventLoop loop;
  testing::SocketPair pair = testing::unix_pair();
  EXPECT_EQ(loop.backend_timeout_ms(), EventLoop::kForever);
  Timer timer(loop, [] {});
  timer.start(5000);
  loop.run_once(0);  // libuv adds a descriptor of its own to its epoll
  EXPECT_GT(loop.backend_timeout_ms(), 4000);
  EXPECT_LE(loop.backend_timeout_ms(), 5000);
  timer.stop();

  testing::Recorder recorder;
  auto stream = make_socket_stream(loop, std::move(pair.ours), true);
  stream->set_listener(&recorder);
  stream->start_reading();
  ASSERT_EQ(send(pair.peer.get(), "x", 1, MSG_NOSIGNAL), 1);
  // The foreign loop's part: as long as the timeout is 0 it calls, then it sleeps on the
  // descriptor.
  const uint64_t end = monotonic_ms() + kPatienceMs;
  while (recorder.data.empty() && monotonic_ms() < end) {
    pollfd waiting{loop.backend_fd(), POLLIN, 0};
    poll(&waiting, 1, loop.backend_timeout_ms() == 0 ? 0 : static_cast<int>(kPatienceMs));
    loop.run_once(0);
  }
  EXPECT_EQ(recorder.data, "x");
  EXPECT_LT(monotonic_ms(), end);
}

TEST(FdWatcher, TellsLevelTriggered) {
  EventLoop loop;
  testing::SocketPair pair = testing::unix_pair();
  int events = 0;
  int calls = 0;
  FdWatcher watcher(loop, pair.ours.get(), [&](int seen, int error) {
    EXPECT_EQ(error, 0);
    events = seen;
    ++calls;
  });
  EXPECT_EQ(watcher.fd(), pair.ours.get());
  ASSERT_EQ(watcher.start(FdWatcher::kReadable), 0);
  loop.run_once(0);
  EXPECT_EQ(calls, 0);
  ASSERT_EQ(send(pair.peer.get(), "x", 1, 0), 1);
  ASSERT_TRUE(run_until(loop, [&] { return calls == 3; }));
  EXPECT_EQ(events, FdWatcher::kReadable);
  ASSERT_EQ(watcher.start(FdWatcher::kReadable | FdWatcher::kWritable), 0);
  ASSERT_TRUE(
      run_until(loop, [&] { return events == (FdWatcher::kReadable | FdWatcher::kWritable); }));
  watcher.stop();
  calls = 0;
  loop.run_once(5);
  EXPECT_EQ(calls, 0);
  ASSERT_EQ(watcher.start(FdWatcher::kDisconnect), 0);
  pair.peer.reset();
  ASSERT_TRUE(run_until(loop, [&] { return calls > 0; }));
  ASSERT_EQ(watcher.start(FdWatcher::kNone), 0);
}

TEST(FdWatcher, TellsAnErrorOnceAndCanBeStartedAgain) {
  EventLoop loop;
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  UniqueFd reading(ends[0]);
  const UniqueFd writing(ends[1]);
  int failures = 0;
  FdWatcher watcher(loop, writing.get(), [&](int, int error) { failures += error < 0 ? 1 : 0; });
  ASSERT_EQ(watcher.start(FdWatcher::kReadable), 0);
  reading.reset();
  ASSERT_TRUE(run_until(loop, [&] { return failures == 1; }));
  loop.run_once(5);
  EXPECT_EQ(failures, 1);
  ASSERT_EQ(watcher.start(FdWatcher::kReadable), 0);
  ASSERT_TRUE(run_until(loop, [&] { return failures == 2; }));
}

TEST(FdWatcher, SaysWhatCannotBeWatched) {
  EventLoop loop;
  const UniqueFd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  FdWatcher of_file(loop, file.get(), [](int, int) {});
  EXPECT_EQ(of_file.start(FdWatcher::kReadable), -EPERM);
  of_file.stop();
  FdWatcher of_nothing(loop, -1, [](int, int) {});
  EXPECT_EQ(of_nothing.start(FdWatcher::kReadable), -EBADF);
  testing::SocketPair pair = testing::unix_pair();
  FdWatcher first(loop, pair.ours.get(), [](int, int) {});
  FdWatcher second(loop, pair.ours.get(), [](int, int) {});
  EXPECT_EQ(first.start(FdWatcher::kReadable), 0);
  EXPECT_EQ(second.start(FdWatcher::kReadable), -EEXIST);
}

TEST(FdWatcher, MayBeDestroyedInItsCallback) {
  EventLoop loop;
  testing::SocketPair pair = testing::unix_pair();
  std::unique_ptr<FdWatcher> watcher;
  int calls = 0;
  watcher = std::make_unique<FdWatcher>(loop, pair.ours.get(), [&](int, int) {
    watcher.reset();
    pair.ours.reset();
    ++calls;
  });
  ASSERT_EQ(watcher->start(FdWatcher::kWritable), 0);
  ASSERT_TRUE(run_until(loop, [&] { return calls == 1; }));
  loop.run_once(0);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace cppcorn::net
