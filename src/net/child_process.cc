#include "src/net/child_process.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <utility>

#include "src/net/handle.h"

namespace cppcorn::net {
namespace {

// The form in which execve wants texts; they must outlive it.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<uv_stdio_container_t> containers_of(const std::vector<int>& descriptors) {
  std::vector<uv_stdio_container_t> containers(descriptors.size());
  for (size_t i = 0; i < descriptors.size(); ++i) {
    containers[i].flags = UV_INHERIT_FD;
    containers[i].data.fd = descriptors[i];
  }
  return containers;
}

}  // namespace

struct ChildProcess::Impl : Handle<ChildProcess::Impl, uv_process_t> {
  explicit Impl(std::function<void(Exit)> on_exited) : callback(std::move(on_exited)) {}

  int spawn(EventLoop& loop, const Options& options) {
    std::vector<std::string> arguments = {options.file};
    arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
    std::vector<std::string> environment = options.environment;
    std::vector<char*> argument_pointers = pointers_to(arguments);
    std::vector<char*> environment_pointers = pointers_to(environment);
    std::vector<uv_stdio_container_t> containers = containers_of(options.descriptors);
    uv_process_options_t uv_options{};
    uv_options.exit_cb = on_exit;
    uv_options.file = options.file.c_str();
    uv_options.args = argument_pointers.data();
    uv_options.env = environment_pointers.data();
    uv_options.stdio = containers.data();
    uv_options.stdio_count = static_cast<int>(containers.size());
    const int error = uv_spawn(loop.uv(), &uv_, &uv_options);
    opened();  // the handle must be closed even when spawning has failed
    running = error == 0;
    return error;
  }

  static void on_exit(uv_process_t* uv, int64_t code, int signal) noexcept {
    Impl& process = *from(uv);
    process.running = false;
    if (process.is_open()) process.callback(Exit{static_cast<int>(code), signal});
  }

  std::function<void(Exit)> callback;
  bool running = false;

  uv_process_t& uv() noexcept { return uv_; }
};

Result<std::unique_ptr<ChildProcess>> ChildProcess::spawn(EventLoop& loop, const Options& options,
                                                          std::function<void(Exit)> on_exit) {
  std::unique_ptr<ChildProcess> process(new ChildProcess(new Impl(std::move(on_exit))));
  const int error = process->impl_->spawn(loop, options);
  if (error != 0) {
    return Error{fmt::format("{} could not be started: {}", options.file, uv_strerror(error))};
  }
  return process;
}

ChildProcess::~ChildProcess() { impl_->let_go(); }
int ChildProcess::pid() const noexcept { return impl_->uv().pid; }
bool ChildProcess::running() const noexcept { return impl_->running; }
void ChildProcess::kill(int signal) noexcept {
  // Before its exit is known here the child is at least a zombie, so the pid is nobody else's.
  if (impl_->running) uv_process_kill(&impl_->uv(), signal);
}

void reap_strangers(const std::function<bool(int pid)>& is_own) {
  for (;;) {
    siginfo_t info{};
    // Looked at first, because reaping one of libuv's children would hide its end from it.
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    if (is_own(info.si_pid)) return;
    waitpid(info.si_pid, nullptr, WNOHANG);
  }
}

}  // namespace cppcorn::net
