#include "src/master/held_signals.h"

#include <ctime>

namespace cppcorn::master {
namespace {

template <typename... Lists>
sigset_t set_of(const Lists&... lists) noexcept {
  sigset_t set;
  sigemptyset(&set);
  const auto add = [&set](const auto& list) {
    for (const int number : list) sigaddset(&set, number);
  };
  (add(lists), ...);
  return set;
}

}  // namespace

void HeldSignals::hold() noexcept {
  const sigset_t set = set_of(kEndSignals, kLaterSignals);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void HeldSignals::release() noexcept {
  const sigset_t set = set_of(kEndSignals, kLaterSignals);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

int HeldSignals::wait_for_end(uint64_t timeout_ms) noexcept {
  const sigset_t set = set_of(kEndSignals);
  const timespec time{.tv_sec = static_cast<time_t>(timeout_ms / 1000),
                      .tv_nsec = static_cast<long>(timeout_ms % 1000) * 1'000'000};
  const int number = sigtimedwait(&set, nullptr, &time);
  return number > 0 ? number : 0;
}

}  // namespace cppcorn::master
