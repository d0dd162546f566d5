// A folder of a test's own, and files in it.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace cppcorn::master::testing {

class Folder {
 public:
  Folder() {
    std::string path = ::testing::TempDir() + "cppcorn-master-XXXXXX";
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    path_ = std::filesystem::canonical(path);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

  std::string write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << content;
    return path_ / name;
  }
  std::string write_program(const std::string& name,
                            const std::string& script = "#!/bin/sh\n") const {
    const std::string path = write(name, script);
    EXPECT_EQ(chmod(path.c_str(), 0755), 0);
    return path;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace cppcorn::master::testing
