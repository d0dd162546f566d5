#include "src/net/notifier.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/unit/src/net/testing.h"

namespace cppcorn::net {
namespace {

using testing::run_until;

TEST(Notifier, WakesASleepingLoopFromAnotherThread) {
  EventLoop loop;
  bool notified = false;
  Notifier notifier(loop, [&] { notified = true; });
  std::thread other([&] { notifier.notify(); });
  while (!notified) loop.run_once(EventLoop::kForever);
  other.join();
}

TEST(Notifier, NoCallIsLostAmongManyThreads) {
  EventLoop loop;
  constexpr int kThreads = 4;
  constexpr int kCalls = 5000;
  std::atomic<int> posted = 0;
  int seen = 0;
  int callbacks = 0;
  Notifier notifier(loop, [&] {
    ++callbacks;
    seen = posted.load();
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int call = 0; call < kCalls; ++call) {
        ++posted;
        notifier.notify();
      }
    });
  }
  EXPECT_TRUE(run_until(loop, [&] { return seen == kThreads * kCalls; }));
  EXPECT_LE(callbacks, kThreads * kCalls);
  for (std::thread& thread : threads) thread.join();
}

TEST(Notifier, JoinsCallsAndMayDieInItsCallback) {
  EventLoop loop;
  int calls = 0;
  std::unique_ptr<Notifier> notifier;
  notifier = std::make_unique<Notifier>(loop, [&] {
    ++calls;
    notifier.reset();
  });
  notifier->notify();
  notifier->notify();
  ASSERT_TRUE(run_until(loop, [&] { return calls == 1; }));
  loop.run_once(0);
  EXPECT_EQ(calls, 1);
}

TEST(Notifier, KeepsTheLoopAliveIfWanted) {
  EventLoop loop;
  int calls = 0;
  Notifier notifier(loop, [&] {
    ++calls;
    notifier.keep_loop_alive(false);
  });
  notifier.notify();
  loop.run();  // ends when nothing keeps it alive
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace cppcorn::net
