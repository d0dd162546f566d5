#include "src/base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <utility>

namespace cppcorn {
namespace {

int open_null() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

TEST(UniqueFd, ClosesWhenItDiesAndKeepsErrno) {
  const int fd = open_null();
  errno = ENOENT;
  { const UniqueFd owner(fd); }
  EXPECT_EQ(errno, ENOENT);
  EXPECT_FALSE(is_open(fd));
}

TEST(UniqueFd, MovesOwnership) {
  UniqueFd first(open_null());
  const int fd = first.get();
  UniqueFd second(std::move(first));
  EXPECT_FALSE(first.valid());
  EXPECT_TRUE(is_open(fd));
  UniqueFd third(open_null());
  const int replaced = third.get();
  third = std::move(second);
  EXPECT_FALSE(is_open(replaced));
  EXPECT_EQ(third.get(), fd);
  UniqueFd& self = third;
  third = std::move(self);
  EXPECT_TRUE(is_open(fd)) << "moved to itself";
}

TEST(UniqueFd, ReleasesAndResets) {
  UniqueFd owner(open_null());
  const int fd = owner.release();
  EXPECT_FALSE(owner.valid());
  EXPECT_TRUE(is_open(fd));
  owner.reset(fd);
  owner.reset(fd);
  EXPECT_TRUE(is_open(fd)) << "reset to what it has";
  owner.reset();
  EXPECT_FALSE(is_open(fd));
}

}  // namespace
}  // namespace cppcorn
