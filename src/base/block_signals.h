// BlockSignals: while it lives, the calling thread takes no signals. For the moment in which a
// thread of ours is begun: it inherits the mask, so that signals go to the thread that the loop, or
// Python, expects them on. Lives in a block around that moment.
#pragma once

#include <csignal>

namespace cppcorn {

class BlockSignals {
 public:
  BlockSignals() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace cppcorn
