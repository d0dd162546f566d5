#include "src/master/config_loader.h"

#include <gtest/gtest.h>

#include "tests/unit/src/master/folder.h"

namespace cppcorn::master {
namespace {

using testing::Folder;

// A program in Python's place: the loader knows it only by what it writes and how it ends.
struct LoadConfigFile : ::testing::Test {
  Result<std::string> load(const std::string& script) {
    const std::string python = folder.write_program("python3", "#!/bin/sh\n" + script);
    return load_config_file("site.toml", python, {});
  }
  std::string error_of(const std::string& script) {
    const Result<std::string> loaded = load(script);
    return loaded ? "none" : loaded.error().message;
  }
  Folder folder;
};

TEST_F(LoadConfigFile, JsonIsReadDirectly) {
  const std::string path = folder.write("site.json", R"({"workers": 2})");
  const auto loaded = load_config_file(path, "/no/python", {});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(*loaded, R"({"workers": 2})");
  EXPECT_EQ(load_config_file(folder / "none.json", "", {}).error().message,
            "No such file or directory");
  EXPECT_EQ(load_config_file(folder.write("dir.json/x", ""), "", {}).has_value(), false);
}

TEST_F(LoadConfigFile, JsonIsBounded) {
  const std::string path = folder.write("site.json", std::string(kConfigBytesMax + 1, ' '));
  EXPECT_FALSE(load_config_file(path, "", {}));
}

TEST_F(LoadConfigFile, TomlGoesThroughPython) {
  const auto loaded = load("echo \"$*\"");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(*loaded, "-P -m cppcorn.config site.toml\n");
}

TEST_F(LoadConfigFile, TheLastLineIsTheError) {
  EXPECT_EQ(error_of("echo Traceback >&2; echo 'no valid TOML: line 3' >&2; exit 1"),
            "no valid TOML: line 3");
  EXPECT_EQ(error_of("exit 1"), "Python could not read it");
  EXPECT_EQ(error_of("kill -SEGV $$"), "Python could not read it");
  EXPECT_EQ(error_of("echo '{}'; echo why >&2; exit 3"), "why");
}

TEST_F(LoadConfigFile, WhatPythonWritesIsBounded) {
  EXPECT_NE(
      error_of("while :; do echo 0123456789012345678901234567890123456789; done").find("more"),
      std::string::npos);
}

TEST_F(LoadConfigFile, NoInterpreter) {
  EXPECT_FALSE(load_config_file("site.toml", "/nowhere/python3", {}));
  const std::string no_program = folder.write_program("python3", "no program\n");
  EXPECT_FALSE(load_config_file("site.toml", no_program, {}));
}

}  // namespace
}  // namespace cppcorn::master
