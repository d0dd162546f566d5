#include "src/master/config_loader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

#include "src/base/clock.h"
#include "src/base/unique_fd.h"

extern char** environ;

namespace cppcorn::master {
namespace {

// One pipe of the child, and what came through it.
struct Pipe {
  UniqueFd ours;
  UniqueFd childs;
  std::string text;

  bool open() noexcept {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) return false;
    ours.reset(fds[0]);
    childs.reset(fds[1]);
    return true;
  }
  // Reads once; closes at EOF. False when there is more than is allowed.
  bool read_some() {
    char piece[16384];
    const ssize_t count = read(ours.get(), piece, sizeof piece);
    if (count > 0) text.append(piece, static_cast<size_t>(count));
    if (count == 0 || (count < 0 && errno != EINTR)) ours.reset();
    return text.size() <= kConfigBytesMax;
  }
};

// The child process `python -m cppcorn.config PATH`.
class Reader {
 public:
  ~Reader() { end(SIGKILL); }

  Status start(const std::string& python, const std::string& path) {
    if (!output_.open() || !error_.open()) return Error{std::strerror(errno)};
    const char* arguments[] = {python.c_str(), "-P", "-m", "cppcorn.config", path.c_str(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output_.childs.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, error_.childs.get(), STDERR_FILENO);
    const int error = posix_spawn(&pid_, python.c_str(), &actions, nullptr,
                                  const_cast<char* const*>(arguments), environ);
    posix_spawn_file_actions_destroy(&actions);
    output_.childs.reset();
    error_.childs.reset();
    if (error == 0) return ok_status();
    pid_ = -1;
    return Error{fmt::format("{} could not be started: {}", python, std::strerror(error))};
  }

  // Reads until both pipes are at their end.
  Status read_all() {
    const uint64_t deadline_ms = monotonic_ms() + kConfigTimeoutMs;
    while (output_.ours.valid() || error_.ours.valid()) {
      const uint64_t now_ms = monotonic_ms();
      if (now_ms >= deadline_ms) return Error{"reading it with Python takes too long"};
      pollfd waiting[2] = {{output_.ours.get(), POLLIN, 0}, {error_.ours.get(), POLLIN, 0}};
      if (poll(waiting, 2, static_cast<int>(deadline_ms - now_ms)) < 0 && errno != EINTR) {
        return Error{std::strerror(errno)};
      }
      const bool fits = (waiting[0].revents == 0 || output_.read_some()) &&
                        (waiting[1].revents == 0 || error_.read_some());
      if (!fits) return Error{fmt::format("it holds more than {} bytes", kConfigBytesMax)};
    }
    return ok_status();
  }

  Result<std::string> result() {
    const int status = end(0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::move(output_.text);
    return Error{last_line(error_.text)};
  }

 private:
  // The last line is what a Python error says.
  static std::string last_line(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    const size_t newline = text.rfind('\n');
    if (newline != text.npos) text.erase(0, newline + 1);
    return text.empty() ? "Python could not read it" : text;
  }

  int end(int signal) noexcept {
    const pid_t pid = std::exchange(pid_, -1);
    if (pid < 0) return 0;
    if (signal != 0) kill(pid, signal);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }

  pid_t pid_ = -1;
  Pipe output_, error_;
};

Result<std::string> read_file(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Error{std::strerror(errno)};
  std::string text;
  char piece[16384];
  for (;;) {
    const ssize_t count = read(fd.get(), piece, sizeof piece);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error{std::strerror(errno)};
    if (count == 0) return text;
    text.append(piece, static_cast<size_t>(count));
    if (text.size() > kConfigBytesMax) {
      return Error{fmt::format("it holds more than {} bytes", kConfigBytesMax)};
    }
  }
}

}  // namespace

Result<std::string> load_config_file(const std::string& path, const std::string& configured,
                                     const Surroundings& surroundings) {
  if (path.ends_with(".json")) return read_file(path);
  Result<std::string> python = find_python(configured, surroundings);
  if (!python) return python.error();
  Reader reader;
  if (Status status = reader.start(*python, path); !status) return status.error();
  if (Status status = reader.read_all(); !status) return status.error();
  return reader.result();
}

}  // namespace cppcorn::master
