// HeldSignals: the signals that the master answers, kept waiting while no loop watches for them:
// before it serves, when the default action would end the process and leave socket files behind,
// and at its end, when a late signal must not change the exit code. One, on the stack of serve();
// what is held when it dies stays held, for the process is about to end.
#pragma once

#include <array>
#include <csignal>
#include <cstdint>

namespace cppcorn::master {

// What ends the server.
inline constexpr std::array kEndSignals = {SIGTERM, SIGINT, SIGQUIT};
// Of later releases. They must not end the server: scripts written for gunicorn and nginx send
// them.
inline constexpr std::array kLaterSignals = {SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU};

class HeldSignals {
 public:
  HeldSignals() noexcept { hold(); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  void hold() noexcept;
  // What has come meanwhile comes now.
  void release() noexcept;
  // Waits for one of kEndSignals, for so long at most. The signal, which is done with then; 0 when
  // none has come.
  int wait_for_end(uint64_t timeout_ms) noexcept;
};

}  // namespace cppcorn::master
