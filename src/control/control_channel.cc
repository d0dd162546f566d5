#include "src/control/control_channel.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace cppcorn::control {

using net::FdWatcher;

Result<ControlChannel::Ends> ControlChannel::create_ends() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return Error{fmt::format("no control channel could be made: {}", std::strerror(errno))};
  }
  return Ends{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

ControlChannel::ControlChannel(net::EventLoop& loop, UniqueFd fd, Handler& handler)
    : handler_(handler),
      fd_(std::move(fd)),
      alive_(std::make_shared<bool>(true)),
      watcher_(loop, fd_.get(), [this](int events, int) { on_events(events); }) {
  watch();
}

ControlChannel::~ControlChannel() { *alive_ = false; }

void ControlChannel::send(const ToWorker& message) {
  if (closed_) return;
  output_ += encode(message);
  flush();
  if (!closed_) watch();
}

void ControlChannel::watch() noexcept {
  watcher_.start(FdWatcher::kReadable | (output_.empty() ? 0 : FdWatcher::kWritable));
}

void ControlChannel::flush() noexcept {
  while (!output_.empty()) {
    const ssize_t count =
        ::send(fd_.get(), output_.data(), output_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) {
      output_.erase(0, static_cast<size_t>(count));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      output_.clear();  // the worker is gone; reading will say so
    }
  }
}

void ControlChannel::on_events(int events) {
  if ((events & FdWatcher::kWritable) != 0) {
    flush();
    watch();
  }
  read_messages();
}

void ControlChannel::read_rest() {
  const std::shared_ptr<bool> alive = alive_;
  while (!closed_ && read_messages() && *alive) {
  }
}

// False when there was nothing to read, or nobody is left to read for.
bool ControlChannel::read_messages() {
  char piece[16384];
  const ssize_t count = recv(fd_.get(), piece, sizeof piece, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (count < 0 && errno != ECONNRESET) return fail(std::strerror(errno));
  if (count <= 0) return fail("");
  if (!lines_.append({piece, static_cast<size_t>(count)})) return fail("a line is too long");
  const std::shared_ptr<bool> alive = alive_;
  while (const auto line = lines_.next_line()) {
    Result<ToMaster> message = decode_to_master(*line);
    if (!message) return fail(message.error().message);
    handler_.on_message(*message);
    if (!*alive || closed_) return false;
  }
  return true;
}

bool ControlChannel::fail(const std::string& reason) {
  closed_ = true;
  watcher_.stop();
  // A worker that still lives gets an EOF, and drains. The descriptor itself stays until libuv has
  // forgotten it.
  shutdown(fd_.get(), SHUT_RDWR);
  handler_.on_channel_closed(reason);
  return false;
}

}  // namespace cppcorn::control
