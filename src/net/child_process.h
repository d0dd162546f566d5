// ChildProcess: a program that runs as a child of this process and whose end is told by the loop
// (uv_spawn). Owned by whoever started it. Destroying it before the end forgets the child, which
// goes on: only a process that is about to end itself may do that.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/net/event_loop.h"

namespace cppcorn::net {

class ChildProcess {
 public:
  struct Options {
    std::string file;                      // a path, or a name to be found on PATH
    std::vector<std::string> arguments;    // without the program's name, which is `file`
    std::vector<std::string> environment;  // NAME=VALUE, all of it
    // What becomes descriptor 0, 1, 2, … of the child; everything else is inherited only when it is
    // not close-on-exec.
    std::vector<int> descriptors;
  };
  struct Exit {
    int code = 0;    // when signal is 0
    int signal = 0;  // the signal that killed it
  };

  // Signals are at their defaults and unblocked in the child, and it stays in this process group.
  // on_exit is called once, from the loop; it may destroy the object. The error is one line.
  static Result<std::unique_ptr<ChildProcess>> spawn(EventLoop& loop, const Options& options,
                                                     std::function<void(Exit)> on_exit);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  int pid() const noexcept;
  bool running() const noexcept;   // until on_exit is called
  void kill(int signal) noexcept;  // without effect when it has ended

 private:
  struct Impl;
  explicit ChildProcess(Impl* impl) noexcept : impl_(impl) {}
  Impl* impl_;  // dies in its close callback
};

// Reaps what this process has inherited: children of its children when it is process 1 or a
// subreaper, children of the program that it replaced by exec. To be called in the turn after
// a SIGCHLD, as it stops at a child of ChildProcess that has not been told yet; is_own tells those
// by their pid.
void reap_strangers(const std::function<bool(int pid)>& is_own);

}  // namespace cppcorn::net
