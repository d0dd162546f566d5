#include "src/master/worker_process.h"

#include <gtest/gtest.h>

#include "tests/unit/src/master/folder.h"
#include "tests/unit/src/net/testing.h"

// A shell script stands in for Python; whole runs are in tests/functional/test_master_workers.py.
namespace cppcorn::master {
namespace {

using net::ChildProcess;
using net::testing::run_until;
using testing::Folder;

struct Recorder : WorkerProcess::Handler {
  void on_worker_ready(WorkerProcess&, const control::Ready& ready) override {
    ++readies;
    kind = ready.kind;
  }
  void on_worker_exit(WorkerProcess& worker, ChildProcess::Exit end) override {
    ++exits;
    exit = end;
    failed = worker.failed();
    became_ready = worker.became_ready();
    orderly = worker.ends_orderly();
  }
  int readies = 0, exits = 0;
  std::string kind;
  ChildProcess::Exit exit;
  std::optional<control::Failed> failed;
  bool became_ready = false, orderly = false;
};

struct WorkerProcessTest : ::testing::Test {
  void spawn(const std::string& script, uint64_t boot_timeout_ms = 0) {
    WorkerPlan plan;
    plan.boot_timeout_ms = boot_timeout_ms;
    plan.python = folder.write_program("python3", "#!/bin/sh\n" + script);
    plan.environment = {"PATH=/usr/bin:/bin"};
    plan.start.settings_json = "{}";
    auto spawned = WorkerProcess::spawn(loop, plan, 1, recorder);
    ASSERT_TRUE(spawned) << spawned.error().message;
    worker = std::move(*spawned);
  }
  bool ended() {
    return run_until(loop, [&] { return recorder.exits > 0; });
  }
  static constexpr const char* kReady =
      R"(echo '{"type":"ready","kind":"sync","reason":"","app":""}' >&3;)";
  static constexpr const char* kBye = R"(echo '{"type":"bye"}' >&3;)";

  Folder folder;
  net::EventLoop loop;
  Recorder recorder;
  std::unique_ptr<WorkerProcess> worker;
};

TEST_F(WorkerProcessTest, LastWordsAreHeardBeforeTheEnd) {
  spawn(std::string(kReady) +
        R"(echo '{"type":"failed","stage":"app","message":"m","traceback":"t"}' >&3; exit 4)");
  ASSERT_TRUE(ended());
  EXPECT_EQ(recorder.readies, 1);
  EXPECT_EQ(recorder.exit.code, 4);
  ASSERT_TRUE(recorder.failed);
  EXPECT_EQ(recorder.failed->message, "m");
  EXPECT_FALSE(recorder.orderly);
}

TEST_F(WorkerProcessTest, TheStartMessageAndTheArguments) {
  spawn("read -r line <&3; echo \"$line\" > " + (folder / "start").string() + "; echo \"$*\" " +
        "\"$CPPCORN_CONTROL_FD\" > " + (folder / "arguments").string());
  ASSERT_TRUE(ended());
  std::string line;
  std::getline(std::ifstream(folder / "start"), line);
  const auto start = control::decode_to_worker(line);
  ASSERT_TRUE(start) << start.error().message;
  EXPECT_EQ(std::get<control::Start>(*start).worker_number, 1u);
  std::getline(std::ifstream(folder / "arguments"), line);
  EXPECT_EQ(line, "-P -m cppcorn.worker 3");
}

TEST_F(WorkerProcessTest, AByeIsAnOrderlyEndAndSilenceIsNot) {
  spawn(std::string(kReady) + kBye);
  ASSERT_TRUE(ended());
  EXPECT_TRUE(recorder.orderly && recorder.became_ready);
  recorder = {};
  spawn(kReady);
  ASSERT_TRUE(ended());
  EXPECT_FALSE(recorder.orderly);
}

TEST_F(WorkerProcessTest, OrdersAndTheKillThatFollowsThem) {
  spawn(std::string(kReady) + "exec sleep 60");
  ASSERT_TRUE(run_until(loop, [&] { return recorder.readies > 0; }));
  worker->drain(0);
  ASSERT_TRUE(ended());
  EXPECT_EQ(recorder.exit.signal, SIGKILL);
  EXPECT_TRUE(recorder.orderly);
}

TEST_F(WorkerProcessTest, ADrainAfterAStopChangesNothing) {
  spawn(std::string(kReady) + "exec sleep 60");
  ASSERT_TRUE(run_until(loop, [&] { return recorder.readies > 0; }));
  worker->stop();
  worker->drain(3'600'000);
  ASSERT_TRUE(ended()) << "the stop's own time holds";
  EXPECT_EQ(recorder.exit.signal, SIGKILL);
}

TEST_F(WorkerProcessTest, AStartThatTakesTooLongIsAborted) {
  spawn("exec sleep 60", 100);
  ASSERT_TRUE(ended());
  EXPECT_EQ(recorder.exit.signal, SIGABRT);
  ASSERT_TRUE(recorder.failed);
  EXPECT_EQ(recorder.failed->stage, control::Stage::kBoot);
  EXPECT_EQ(recorder.failed->message,
            "not ready after 0.1 s (--worker-boot-timeout): an import or the lifespan's startup "
            "hangs, or needs longer");
  EXPECT_FALSE(recorder.orderly);
}

TEST_F(WorkerProcessTest, WhatDoesNotEndByAnAbortIsKilled) {
  // Time enough for the shell to set its trap on a busy machine.
  spawn("trap '' ABRT; while :; do sleep 0.1; done", 1500);
  ASSERT_TRUE(ended());
  EXPECT_EQ(recorder.exit.signal, SIGKILL);
  EXPECT_TRUE(recorder.failed);
}

TEST_F(WorkerProcessTest, TheBootTimeoutEndsWithTheStart) {
  spawn(std::string(kReady) + "sleep 2.2;" + kBye, 2000);
  ASSERT_TRUE(ended());
  EXPECT_TRUE(recorder.orderly && recorder.became_ready);
}

TEST_F(WorkerProcessTest, AProgramThatCannotRun) {
  WorkerPlan plan;
  plan.python = folder / "none";
  plan.start.settings_json = "{}";
  const auto spawned = WorkerProcess::spawn(loop, plan, 1, recorder);
  ASSERT_FALSE(spawned);
  EXPECT_NE(spawned.error().message.find("no such file"), std::string::npos);
  loop.run_once(0);
  EXPECT_EQ(recorder.exits, 0);
}

TEST(ExitText, SaysWhatAPersonNeeds) {
  EXPECT_EQ(exit_text({3, 0}), "exited with code 3");
  EXPECT_EQ(exit_text({0, SIGSEGV}), "was killed by SIGSEGV");
  EXPECT_EQ(exit_text({0, SIGKILL}), "was killed by SIGKILL: perhaps out of memory?");
  EXPECT_EQ(exit_text({0, 63}), "was killed by signal 63");
}

}  // namespace
}  // namespace cppcorn::master
