#include "src/master/interpreter.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/src/master/folder.h"

namespace cppcorn::master {
namespace {

namespace fs = std::filesystem;
using testing::Folder;

struct FindPython : ::testing::Test {
  std::string found(const std::string& configured = "") {
    const Result<std::string> python = find_python(configured, surroundings);
    return python ? *python : "error: " + python.error().message;
  }
  Folder folder;
  Surroundings surroundings{folder / "bin/cppcorn", folder / "real/cppcorn", folder / "venv",
                            folder / "path"};
};

TEST_F(FindPython, InThisOrder) {
  const std::string on_path = folder.write_program("path/python3");
  EXPECT_EQ(found(), on_path);
  const std::string of_venv = folder.write_program("venv/bin/python3");
  EXPECT_EQ(found(), of_venv);
  const std::string beside_real = folder.write_program("real/python3");
  EXPECT_EQ(found(), beside_real);
  const std::string beside = folder.write_program("bin/python3");
  EXPECT_EQ(found(), beside);
}

TEST_F(FindPython, Python3BeforePython) {
  const std::string plain = folder.write_program("bin/python");
  EXPECT_EQ(found(), plain);
  const std::string versioned = folder.write_program("bin/python3");
  EXPECT_EQ(found(), versioned);
}

TEST_F(FindPython, LinksAreKept) {
  const std::string real = folder.write_program("usr/python3.11");
  fs::create_directories(folder / "bin");
  fs::create_symlink(real, folder / "bin/python3");
  EXPECT_EQ(found(), folder / "bin/python3");
}

TEST_F(FindPython, TheBinarysNameIsLookedUpOnPath) {
  surroundings.started_as = "cppcorn";
  surroundings.search_path =
      "/nowhere::" + (folder / "other").string() + ":" + (folder / "bin").string();
  folder.write_program("other/python3");
  folder.write_program("bin/cppcorn");
  const std::string beside = folder.write_program("bin/python3");
  EXPECT_EQ(found(), beside);
}

TEST_F(FindPython, ARelativePathOfTheBinaryBecomesAbsolute) {
  const std::string beside = folder.write_program("bin/python3");
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  surroundings.started_as = "./bin/cppcorn";
  EXPECT_EQ(found(), beside);
  EXPECT_EQ(found("bin/python3"), beside);
  fs::current_path(before);
}

TEST_F(FindPython, WhatIsNoProgramIsPassedOver) {
  folder.write("bin/python3", "not executable");
  fs::create_directories(folder / "real/python3");
  const std::string on_path = folder.write_program("path/python3");
  EXPECT_EQ(found(), on_path);
}

TEST_F(FindPython, AConfiguredOneIsTheOnlyOne) {
  folder.write_program("bin/python3");
  const std::string named = folder.write_program("path/python3.12");
  EXPECT_EQ(found("python3.12"), named);
  EXPECT_EQ(found(named), named);
  EXPECT_EQ(found("python9"), "error: option --python: there is no python9 on PATH");
  EXPECT_EQ(found("/nowhere/python3"),
            "error: option --python: /nowhere/python3 is no program that can be run");
}

TEST_F(FindPython, NoneAtAll) {
  EXPECT_NE(found().find("--python"), std::string::npos);
  surroundings = {};
  EXPECT_NE(found().find("--python"), std::string::npos);
}

TEST(Surroundings, OfThisProcess) {
  const Surroundings surroundings = Surroundings::of_this_process();
  EXPECT_TRUE(fs::equivalent(surroundings.real_path, "/proc/self/exe"));
  EXPECT_FALSE(surroundings.started_as.empty());
}

}  // namespace
}  // namespace cppcorn::master
