#include "src/master/preparation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "src/base/log.h"
#include "src/config/settings_json.h"
#include "src/control/worker_control.h"
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

namespace {

Status check_log(const std::string& path, std::string_view what, std::string_view flag) {
  if (path.empty() || path == "-") return ok_status();
  const Status status = log::check_appendable(path);
  if (status) return ok_status();
  return Error{fmt::format("{} {} cannot be written: {} ({} names it)", what, path,
                           status.error().message, flag)};
}

}  // namespace

Status check_outputs(const config::Settings& settings) {
  if (Status status = check_log(settings.errorlog, "the error log", "--error-logfile"); !status)
    return status;
  if (Status status = check_log(settings.accesslog, "the access log", "--access-logfile"); !status)
    return status;
  const std::string& folder = settings.tmp_upload_dir;
  const bool is_read = settings.worker_class != config::WorkerClass::kAsgi;
  if (!is_read || folder.empty()) return ok_status();
  // A path with a slash behind it is a folder's.
  if (faccessat(AT_FDCWD, (folder + "/").c_str(), W_OK | X_OK, AT_EACCESS) == 0) return ok_status();
  return Error{fmt::format("temporary files cannot be made in {}: {} (--tmp-upload-dir names it)",
                           folder, std::strerror(errno))};
}

namespace {

// Of a server that was started by a worker's application: our workers must not read it.
void remove_variable(std::vector<std::string>& environment, std::string_view name) {
  std::erase_if(environment, [name](const std::string& entry) {
    return entry.starts_with(name) && entry.substr(name.size()).starts_with('=');
  });
}

}  // namespace

Result<WorkerPlan> prepare_workers(config::Settings settings) {
  WorkerPlan plan;
  Result<std::string> python = find_python(settings.python, Surroundings::of_this_process());
  if (!python) return python.error();
  plan.python = std::move(*python);
  if (Status status = enter(settings.chdir); !status) return status.error();
  plan.environment = environment_of_this_process();
  remove_variable(plan.environment, control::kControlFdVariable);
  plan.boot_timeout_ms = settings.worker_boot_timeout_ms;
  plan.start.settings_json = config::to_json(settings);
  plan.start.master_pid = getpid();
  // The channel's numbers end here; nobody waits for 292 million years.
  plan.start.graceful_timeout_ms = std::min<uint64_t>(settings.graceful_timeout_ms, INT64_MAX);
  return plan;
}

}  // namespace cppcorn::master
