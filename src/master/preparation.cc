#include "src/master/preparation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "src/config/settings_json.h"
#include "src/master/interpreter.h"

extern char** environ;

namespace cppcorn::master {

std::vector<std::string> environment_of_this_process() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return environment;
}

void ensure_standard_descriptors() noexcept {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest free number is what open gives.
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) return;
  }
}

namespace {

Status enter(std::string& folder) {
  if (folder.empty()) return ok_status();
  if (chdir(folder.c_str()) != 0) {
    return Error{fmt::format("option --chdir: {}: {}", folder, std::strerror(errno))};
  }
  std::error_code error;
  folder = std::filesystem::current_path(error).string();
  return ok_status();
}

}  // namespace

Result<WorkerPlan> prepare_workers(config::Settings settings) {
  WorkerPlan plan;
  Result<std::string> python = find_python(settings.python, Surroundings::of_this_process());
  if (!python) return python.error();
  plan.python = std::move(*python);
  if (Status status = enter(settings.chdir); !status) return status.error();
  plan.environment = environment_of_this_process();
  plan.start.settings_json = config::to_json(settings);
  plan.start.master_pid = getpid();
  // The channel's numbers end here; nobody waits for 292 million years.
  plan.start.graceful_timeout_ms = std::min<uint64_t>(settings.graceful_timeout_ms, INT64_MAX);
  return plan;
}

}  // namespace cppcorn::master
