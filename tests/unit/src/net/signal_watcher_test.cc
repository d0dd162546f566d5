#include "src/net/signal_watcher.h"

#include <gtest/gtest.h>

#include <csignal>

#include "tests/unit/src/net/testing.h"

namespace cppcorn::net {
namespace {

using testing::run_until;

TEST(SignalWatcher, CallsBackAndGivesTheSignalBack) {
  EventLoop loop;
  int first = 0, second = 0;
  {
    const SignalWatcher one(loop, SIGUSR1, [&] { ++first; });
    const SignalWatcher two(loop, SIGUSR1, [&] { ++second; });
    raise(SIGUSR1);
    ASSERT_TRUE(run_until(loop, [&] { return first == 1 && second == 1; }));
  }
  loop.run_once(0);
  struct sigaction action {};
  sigaction(SIGUSR1, nullptr, &action);
  EXPECT_EQ(action.sa_handler, SIG_DFL);
}

TEST(SignalWatcher, DoesNotKeepTheLoopAlive) {
  EventLoop loop;
  const SignalWatcher watcher(loop, SIGUSR1, [] {});
  loop.run();
}

}  // namespace
}  // namespace cppcorn::net
