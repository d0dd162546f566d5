#include "src/net/child_process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "src/net/signal_watcher.h"
#include "tests/unit/src/net/testing.h"

namespace cppcorn::net {
namespace {

using testing::run_until;

struct ChildProcessTest : ::testing::Test {
  std::unique_ptr<ChildProcess> spawn(const std::string& script,
                                      std::vector<int> descriptors = {0, 1, 2}) {
    auto process = ChildProcess::spawn(
        loop,
        {"sh", {"-c", script}, {"PATH=/usr/bin:/bin", "GREETING=hello"}, std::move(descriptors)},
        [this](ChildProcess::Exit ended) {
          exit = ended;
          if (hook) hook();
        });
    EXPECT_TRUE(process) << process.error().message;
    return process ? std::move(*process) : nullptr;
  }
  bool ended() {
    return run_until(loop, [&] { return exit.has_value(); });
  }

  EventLoop loop;
  std::optional<ChildProcess::Exit> exit;
  std::function<void()> hook;
};

TEST_F(ChildProcessTest, TellsTheExitCode) {
  const auto process = spawn("exit 7");
  EXPECT_TRUE(process->running());
  EXPECT_GT(process->pid(), 0);
  ASSERT_TRUE(ended());
  EXPECT_EQ(exit->code, 7);
  EXPECT_EQ(exit->signal, 0);
  EXPECT_FALSE(process->running());
  process->kill(SIGKILL);  // hits nobody
}

TEST_F(ChildProcessTest, TellsTheSignal) {
  const auto process = spawn("exec sleep 60");
  process->kill(SIGTERM);
  ASSERT_TRUE(ended());
  EXPECT_EQ(exit->signal, SIGTERM);
}

TEST_F(ChildProcessTest, GetsItsDescriptorsAndItsEnvironment) {
  testing::SocketPair pair = testing::unix_pair();
  // Fifth, behind three that are given in the wrong order.
  const auto process = spawn("printf %s \"$GREETING\" >&4", {0, 2, 1, 2, pair.ours.get()});
  ASSERT_TRUE(ended());
  EXPECT_EQ(testing::read_available(pair.peer.get()), "hello");
}

TEST_F(ChildProcessTest, InheritsNothingElse) {
  testing::SocketPair pair = testing::unix_pair();
  const auto process = spawn("exec 2>/dev/null; true >&" + std::to_string(pair.ours.get()));
  ASSERT_TRUE(ended());
  EXPECT_NE(exit->code, 0);
}

TEST_F(ChildProcessTest, StartsWithDefaultSignals) {
  const SignalWatcher watcher(loop, SIGTERM, [] {});
  signal(SIGPIPE, SIG_IGN);
  // A shell cannot trap what was ignored when it began.
  const auto process = spawn("trap 'exit 5' PIPE; kill -PIPE $$; exit 6");
  ASSERT_TRUE(ended());
  EXPECT_EQ(exit->code, 5);
  signal(SIGPIPE, SIG_DFL);
}

TEST_F(ChildProcessTest, MayDieInItsUpcall) {
  auto process = spawn("true");
  hook = [&] { process.reset(); };
  ASSERT_TRUE(ended());
  EXPECT_EQ(process, nullptr);
}

TEST_F(ChildProcessTest, WhatCannotBeStartedIsAnError) {
  auto process = ChildProcess::spawn(loop, {"/nowhere/program", {}, {}, {}}, [](auto) { FAIL(); });
  ASSERT_FALSE(process);
  EXPECT_NE(process.error().message.find("/nowhere/program"), std::string::npos);
  loop.run_once(0);
}

TEST_F(ChildProcessTest, StrangersAreReapedAndOwnOnesAreNot) {
  const auto process = spawn("exit 3");
  const pid_t stranger = fork();
  if (stranger == 0) _exit(0);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(stranger), &info, WEXITED | WNOWAIT), 0);
  ASSERT_TRUE(run_until(loop, [&] {
    reap_strangers([&](int pid) { return pid == process->pid(); });
    return exit.has_value() &&
           waitid(P_PID, static_cast<id_t>(stranger), &info, WEXITED | WNOWAIT | WNOHANG) != 0;
  }));
  EXPECT_EQ(exit->code, 3);
}

}  // namespace
}  // namespace cppcorn::net
