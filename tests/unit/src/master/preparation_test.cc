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
