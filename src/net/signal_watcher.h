// SignalWatcher: calls back on the loop when this process gets a signal (uv_signal). Several may
// watch the same one. It does not keep the loop alive. Owned by whoever handles the signal; the
// default action is back when the last watcher of a signal is gone.
#pragma once

#include <functional>
#include <memory>

#include "src/net/event_loop.h"

namespace cppcorn::net {

class SignalWatcher {
 public:
  SignalWatcher(EventLoop& loop, int signal, std::function<void()> callback);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  struct Impl;
  Impl* impl_;  // dies in its close callback
};

}  // namespace cppcorn::net
