// ControlChannel: the master's end of one worker's control channel: messages up by upcalls from the
// loop, orders down. Owned by the master's record of that worker; the worker's process itself is
// watched elsewhere, for a channel ends also when only the talking does.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "src/control/line_buffer.h"
#include "src/control/messages.h"
#include "src/net/event_loop.h"
#include "src/net/fd_watcher.h"

namespace cppcorn::control {

class ControlChannel {
 public:
  // Upcalls may destroy the channel.
  class Handler {
   public:
    virtual void on_message(const ToMaster& message) = 0;
    // No message will come any more. The reason is empty at EOF, else one line: what came was no
    // message, a line was too long, a read failed.
    virtual void on_channel_closed(const std::string& reason) = 0;

   protected:
    ~Handler() = default;
  };

  // The two ends of a new channel, both close-on-exec; ours does not block.
  struct Ends {
    UniqueFd ours;
    UniqueFd workers;
  };
  static Result<Ends> create_ends();

  ControlChannel(net::EventLoop& loop, UniqueFd fd, Handler& handler);
  ~ControlChannel();
  ControlChannel(const ControlChannel&) = delete;
  ControlChannel& operator=(const ControlChannel&) = delete;

  // Queues and sends what the socket takes; the rest follows from the loop. Without effect once the
  // worker's end is closed.
  void send(const ToWorker& message);
  // Reads all that is there now, with the usual upcalls: for when the process is known to have
  // ended.
  void read_rest();

 private:
  void on_events(int events);
  void flush() noexcept;
  bool read_messages();
  bool fail(const std::string& reason);  // false, for its caller to return
  void watch() noexcept;

  Handler& handler_;
  UniqueFd fd_;
  LineBuffer lines_{kLineBytesMax};
  std::string output_;  // orders not yet sent: a few kilobytes in a worker's life
  bool closed_ = false;
  std::shared_ptr<bool> alive_;  // tells a running read that an upcall destroyed the channel
  net::FdWatcher watcher_;       // dies before the descriptor does
};

}  // namespace cppcorn::control
