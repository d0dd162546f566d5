// The deadlines of a connection. They are absolute: a byte now and then prolongs none of them.
//
//   head        from a request's first byte (the first request's: from the connection) to the end
//               of its head
//   body        windows; each must bring bytes_per_second_min on average. They stand still while
//               the engine holds the body back, and while the client waits for "100 Continue"
//   keep-alive  from when a response has left to the next request's first byte
//   write       windows; each must take bytes_per_second_min on average of what waits
//   linger      from our FIN to the client's
//
// A busy connection sets no timer per request: the wheel's deadline may be earlier than
// read_due_ms_ says, and is then only set anew when it fires.
#include <algorithm>
#include <utility>

#include "src/server/connection.h"

namespace cppcorn::server {

Connection::ReadMode Connection::wanted_read_mode() noexcept {
  if (lingering_) return ReadMode::kLinger;
  if (closing_ || refused_ || parser_.dead()) return ReadMode::kNone;
  if (parser_.paused() || !unparsed_.empty()) return ReadMode::kNone;
  if (in_body_) return client_awaits_continue() ? ReadMode::kNone : ReadMode::kBody;
  if (parser_.in_head()) return ReadMode::kHead;
  if (!exchanges_.empty() || !sent_.empty()) return ReadMode::kNone;
  return served_one_ ? ReadMode::kKeepAlive : ReadMode::kHead;
}

bool Connection::client_awaits_continue() const noexcept {
  return receiving_ != nullptr && !body_begun_ && !receiving_->continue_sent_ &&
         receiving_->head().expects_continue();
}

uint64_t Connection::delay_of(ReadMode mode) const noexcept {
  const Deadlines& deadlines = core_.deadlines;
  switch (mode) {
    case ReadMode::kNone: return 0;
    case ReadMode::kHead: return deadlines.head_ms;
    case ReadMode::kBody: return deadlines.body_ms;
    case ReadMode::kKeepAlive:
      return core_.draining ? std::min(deadlines.keep_alive_ms, deadlines.drain_idle_ms)
                            : deadlines.keep_alive_ms;
    case ReadMode::kLinger: return deadlines.linger_ms;
  }
  CPPCORN_UNREACHABLE();
}

void Connection::update_read_mode() noexcept {
  if (closed_) return;
  const ReadMode mode = wanted_read_mode();
  update_idle();
  if (mode == read_mode_) return;
  if (read_mode_ == ReadMode::kBody && in_body_) body_rest_ms_ = rest_of_read_mode();
  if (mode == ReadMode::kBody && body_rest_ms_ > 0) {
    return set_read_mode(mode, std::exchange(body_rest_ms_, 0));
  }
  if (mode == ReadMode::kBody) body_window_bytes_ = 0;
  set_read_mode(mode, delay_of(mode));
}

// At least 1; kNoDeadline when there is none.
uint64_t Connection::rest_of_read_mode() const noexcept {
  if (read_due_ms_ == kNoDeadline) return kNoDeadline;
  const uint64_t now = core_.loop.now_ms();
  return read_due_ms_ > now ? read_due_ms_ - now : 1;
}

void Connection::set_read_mode(ReadMode mode, uint64_t delay_ms) noexcept {
  read_mode_ = mode;
  const bool endless = delay_ms == 0 || delay_ms == kNoDeadline;
  read_due_ms_ = endless ? kNoDeadline : core_.loop.now_ms() + delay_ms;
  if (endless) return;
  if (!read_deadline_.set() || read_deadline_.due_ms() > read_due_ms_) {
    core_.wheel.set(read_deadline_, delay_ms);
  }
}

void Connection::on_read_deadline() noexcept {
  if (closed_ || read_mode_ == ReadMode::kNone || read_due_ms_ == kNoDeadline) return;
  const uint64_t now = core_.loop.now_ms();
  if (now < read_due_ms_) return core_.wheel.set(read_deadline_, read_due_ms_ - now);
  switch (read_mode_) {
    case ReadMode::kNone: return;
    case ReadMode::kBody: return on_body_deadline();
    case ReadMode::kKeepAlive:
    case ReadMode::kLinger: return close_now(false);
    case ReadMode::kHead: break;
  }
  // A browser's spare connection that never said a word is closed without one.
  if (!parser_.in_head()) return close_now(false);
  log_refusal(408, "the request's head took too long");
  read_mode_ = ReadMode::kNone;
  refuse(408, "the request's head took too long");
}

void Connection::on_body_deadline() {
  if (body_window_bytes_ >= core_.window_bytes_min(core_.deadlines.body_ms)) {
    body_window_bytes_ = 0;
    return set_read_mode(ReadMode::kBody, core_.deadlines.body_ms);
  }
  log_refusal(408, "the request's body came too slowly");
  read_mode_ = ReadMode::kNone;
  break_body(408, "the request's body came too slowly");
}

void Connection::update_write_deadline() noexcept {
  const uint64_t window_ms = core_.deadlines.write_ms;
  if (window_ms == 0 || stream_->output().empty()) return write_deadline_.cancel();
  if (write_deadline_.set()) return;
  write_window_begin_ = stream_->taken_bytes();
  core_.wheel.set(write_deadline_, window_ms);
}

void Connection::on_write_deadline() noexcept {
  if (closed_ || stream_->output().empty()) return;
  // What the peer's kernel has taken counts: the socket asks for more only in large steps.
  if (stream_->taken_bytes() >=
      write_window_begin_ + core_.window_bytes_min(core_.deadlines.write_ms)) {
    return update_write_deadline();
  }
  if (may_log()) {
    log::warning("Closed the connection from {}: the response was taken too slowly",
                 endpoints_.peer.to_string());
  }
  close_now(true);
}

// Idle: nothing of a request has come and nothing of a response is left. The list keeps the longest
// idle in front.
void Connection::update_idle() noexcept {
  const bool is_idle = !closed_ && !closing_ && exchanges_.empty() && sent_.empty() && !in_body_ &&
                       parser_.idle() && unparsed_.empty();
  if (is_idle == idle()) return;
  if (is_idle) {
    core_.idle.push_back(*this);
  } else {
    ListHook<IdleTag>::unlink();
  }
  if (core_.connections_max > 0 && core_.connections >= core_.connections_max) core_.room_changed();
}

}  // namespace cppcorn::server
