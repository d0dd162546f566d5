#include "src/master/preparation.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "src/config/settings_json.h"
#include "tests/unit/src/master/folder.h"

namespace cppcorn::master {
namespace {

using testing::Folder;
namespace fs = std::filesystem;

struct PrepareWorkers : ::testing::Test {
  ~PrepareWorkers() override { fs::current_path(before); }
  config::Settings settings() const {
    config::Settings settings;
    settings.app = "main:app";
    settings.python = folder.write_program("python3");
    return settings;
  }
  Folder folder;
  const fs::path before = fs::current_path();
};

TEST_F(PrepareWorkers, ThePlan) {
  config::Settings wanted = settings();
  wanted.graceful_timeout_ms = UINT64_MAX;
  const Result<WorkerPlan> plan = prepare_workers(wanted);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->python, wanted.python);
  EXPECT_EQ(plan->start.master_pid, getpid());
  EXPECT_EQ(plan->start.graceful_timeout_ms, static_cast<uint64_t>(INT64_MAX));
  EXPECT_FALSE(plan->environment.empty());
  EXPECT_EQ(fs::current_path(), before);
}

TEST_F(PrepareWorkers, ChdirHappensAfterTheInterpreterIsFoundAndBecomesAbsolute) {
  config::Settings wanted = settings();
  fs::create_directories(folder / "site");
  fs::current_path(folder.path());
  wanted.python = "./python3";
  wanted.chdir = "site";
  const Result<WorkerPlan> plan = prepare_workers(wanted);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->python, folder / "python3");
  EXPECT_EQ(fs::current_path(), folder / "site");
  const auto read_back = config::from_json(plan->start.settings_json);
  ASSERT_TRUE(read_back) << read_back.error().message;
  EXPECT_EQ(read_back->chdir, folder / "site");
}

TEST_F(PrepareWorkers, WhatAnOuterWorkerGotIsNotPassedOn) {
  setenv("CPPCORN_CONTROL_FD", "77", 1);
  config::Settings wanted = settings();
  wanted.worker_boot_timeout_ms = 5;
  const Result<WorkerPlan> plan = prepare_workers(wanted);
  unsetenv("CPPCORN_CONTROL_FD");
  ASSERT_TRUE(plan) << plan.error().message;
  for (const std::string& entry : plan->environment) {
    EXPECT_FALSE(entry.starts_with("CPPCORN_CONTROL_FD="));
  }
  EXPECT_EQ(plan->boot_timeout_ms, 5u);
}

TEST_F(PrepareWorkers, Outputs) {
  config::Settings wanted = settings();
  EXPECT_TRUE(check_outputs(wanted));
  wanted.errorlog = folder / "error.log";
  wanted.accesslog = folder / "access.log";
  wanted.tmp_upload_dir = folder.path();
  EXPECT_TRUE(check_outputs(wanted));
  EXPECT_FALSE(fs::exists(wanted.errorlog) || fs::exists(wanted.accesslog));
  const auto error = [&](auto member, const char* value) {
    config::Settings wrong = wanted;
    wrong.*member = value;
    return check_outputs(wrong).error().message;
  };
  EXPECT_EQ(error(&config::Settings::accesslog, "/nowhere/a.log"),
            "the access log /nowhere/a.log cannot be written: there is no folder /nowhere/; create "
            "it (--access-logfile names it)");
  EXPECT_EQ(error(&config::Settings::errorlog, "/"),
            "the error log / cannot be written: it is a folder (--error-logfile names it)");
  EXPECT_EQ(error(&config::Settings::tmp_upload_dir, "/nowhere"),
            "temporary files cannot be made in /nowhere: No such file or directory "
            "(--tmp-upload-dir names it)");
  EXPECT_EQ(error(&config::Settings::tmp_upload_dir, "/dev/null"),
            "temporary files cannot be made in /dev/null: Not a directory "
            "(--tmp-upload-dir names it)");
  wanted.worker_class = config::WorkerClass::kAsgi;
  wanted.tmp_upload_dir = "/nowhere";
  EXPECT_TRUE(check_outputs(wanted)) << "ASGI workers make none";
}

TEST_F(PrepareWorkers, Errors) {
  config::Settings wanted = settings();
  wanted.chdir = "/nowhere";
  EXPECT_EQ(prepare_workers(wanted).error().message,
            "option --chdir: /nowhere: No such file or directory");
  wanted.python = "/nowhere/python3";
  EXPECT_FALSE(prepare_workers(wanted));
}

}  // namespace
}  // namespace cppcorn::master
