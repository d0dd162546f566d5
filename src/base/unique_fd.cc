#include "src/base/unique_fd.h"

#include <unistd.h>

#include <cerrno>

namespace cppcorn {

void UniqueFd::reset(int fd) noexcept {
  if (fd_ == fd) return;
  if (fd_ >= 0) {
    // Linux has released the number even when close() says EINTR: never retry. errno belongs to the
    // caller.
    const int saved = errno;
    ::close(fd_);
    errno = saved;
  }
  fd_ = fd;
}

}  // namespace cppcorn
