#include "src/master/open_files.h"

#include <fmt/format.h>
#include <sys/resource.h>

namespace cppcorn::master {
namespace {

// What a worker opens besides connections: the interpreter, the loop, logs, the app's own files.
constexpr uint64_t kOtherFiles = 256;

}  // namespace

uint64_t raise_open_files_limit() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::string open_files_warning(const config::Settings& settings, uint64_t limit) {
  if (limit == 0 || settings.worker_connections + kOtherFiles <= limit) return {};
  return fmt::format(
      "A worker may hold {} connections, but only {} files may be open: raise the limit (ulimit "
      "-n, "
      "LimitNOFILE= in systemd), or lower --worker-connections",
      settings.worker_connections, limit);
}

}  // namespace cppcorn::master
