// The responses of a connection, in the order of the requests, and its end.
#include "src/server/connection.h"

#include <algorithm>
#include <utility>

namespace cppcorn::server {

Connection::Connection(ServerCore& core, std::unique_ptr<net::Stream> stream,
                       const Endpoints& endpoints)
    : core_(core), stream_(std::move(stream)), parser_(core.limits, *this), endpoints_(endpoints) {
  read_deadline_.connection = this;
  write_deadline_.connection = this;
}

Connection::~Connection() = default;

void Connection::start() {
  stream_->set_listener(this);
  stream_->start_reading();
  update_read_mode();
}

// --- Calls of the exchanges ---------------------------------------------------------------------

void Connection::exchange_committed(Exchange& exchange) noexcept {
  if (closing_) {
    exchange.held_.clear();
  } else if (&exchanges_.front() == &exchange) {
    if (exchange.progress_.finished) {
      complete_front();
    } else {
      stream_->output().append(std::move(exchange.held_));
    }
  }
  schedule();
}

void Connection::exchange_wants_body(Exchange& exchange) noexcept {
  const bool waiting =
      &exchange == receiving_ && !body_begun_ && exchange.head().expects_continue();
  const bool head_left = exchange.response_.head_left() || exchange.progress_.status >= 200;
  if (!waiting || exchange.continue_sent_ || head_left) return;
  exchange.continue_sent_ = true;
  exchange.response_.set_close_after(core_.draining || !core_.keep_alive_allowed);
  stream_->output().append("HTTP/1.1 100 Continue\r\n\r\n");
  schedule();
}

void Connection::exchange_body_flow(Exchange& exchange, bool paused) noexcept {
  if (&exchange != receiving_ || body_paused_ == paused) return;
  body_paused_ = paused;
  if (paused) parser_.pause();  // resumed at the turn's end, by serve_next
  schedule();
}

// The answers before it are still given; the cut comes when its turn has come.
void Connection::exchange_aborts(Exchange& exchange) noexcept {
  exchange.aborted_ = true;
  if (exchanges_.first() == &exchange) abort_ = true;
  schedule();
}

void Connection::exchange_wants_drain() noexcept {
  drain_upcall_ = true;
  schedule();
}

uint64_t Connection::output_bytes(const Exchange& exchange) const noexcept {
  auto& exchanges = const_cast<ExchangeList&>(exchanges_);  // the list has no const view
  const bool leaving = exchange.complete_ || exchanges.first() == &exchange;
  return leaving ? stream_->output().bytes() : 0;
}

// --- Responses ----------------------------------------------------------------------------------

// The front response is complete: the next ones move up, as far as they are ready.
void Connection::complete_front() noexcept {
  while (!exchanges_.empty()) {
    Exchange& exchange = exchanges_.front();
    if (exchange.aborted_) {
      abort_ = true;
      return schedule();
    }
    stream_->output().append(std::move(exchange.held_));
    if (!exchange.progress_.finished) return;
    const bool survived = survives(exchange);
    exchanges_.pop_front();
    --core_.in_flight;
    exchange.complete_ = true;
    served_one_ = true;
    sent_.push_back(exchange);
    if (!survived) return close_when_sent();
  }
}

// Whether another request may follow this response.
bool Connection::survives(const Exchange& exchange) noexcept {
  const bool body_unread = &exchange == receiving_;
  if (body_unread) {
    receiving_ = nullptr;  // the rest is read and dropped, up to kDiscardMax
    body_paused_ = false;
    // A client that still waits for "100 Continue" may send the body or not: what comes next is
    // ambiguous.
    const bool ambiguous =
        exchange.head().expects_continue() && !exchange.continue_sent_ && !body_begun_;
    if (ambiguous) {
      unread_input_ = true;
      return false;
    }
  }
  if (exchange.progress_.keep_alive) return true;
  unread_input_ = unread_input_ || body_unread || (exchange.head().keep_alive() && !peer_ended_);
  return false;
}

void Connection::after_flush() {
  if (stream_->output().empty()) release_sent();
  upcall_drained();
  update_write_deadline();
  if (closing_ && stream_->output().empty() && !lingering_) return end();
  if ((parser_.paused() || !unparsed_.empty()) && may_parse_ahead()) schedule();
  update_read_mode();
}

void Connection::on_sent(uint64_t) { after_flush(); }

// All bytes have left: exchanges that were complete are over. (An engine may commit in its upcall.)
void Connection::release_sent() {
  while (!sent_.empty() && stream_->output().empty()) {
    Exchange& exchange = sent_.pop_front();
    --exchange_count_;
    if (std::exchange(exchange.waits_for_drain_, false) && exchange.listener_ != nullptr) {
      exchange.listener_->on_drained();
      core_.loop.wake();
    }
    finish(exchange);
  }
}

void Connection::upcall_drained() {
  if (!drain_upcall_) return;
  drain_upcall_ = !sent_.empty();
  Exchange* next = exchanges_.first();
  while (next != nullptr) {
    // An engine may commit in its upcall, which moves exchanges to sent_: go on in the next turn.
    if (next->complete_) {
      drain_upcall_ = true;
      return schedule();
    }
    Exchange& exchange = *next;
    next = exchanges_.next(exchange);
    if (!exchange.waits_for_drain_ || exchange.listener_ == nullptr) continue;
    if (exchange.queued_bytes() > exchange.drain_mark_) {
      drain_upcall_ = true;
      continue;
    }
    exchange.waits_for_drain_ = false;
    exchange.listener_->on_drained();
    core_.loop.wake();
  }
}

// The exchange and its connection part; the engine may keep the exchange.
void Connection::finish(Exchange& exchange) noexcept {
  if (core_.access_log && exchange.progress_.status != 0) core_.access_log->write(exchange);
  exchange.connection_ = nullptr;
  ExchangeRef last(exchange);
  --exchange.references_;  // the connection's own, from add_exchange()
}

// The connection ends before these have been answered.
void Connection::abandon(ExchangeList& list) {
  while (!list.empty()) {
    Exchange& exchange = list.pop_front();
    ExchangeRef alive(exchange);
    exchange.held_.clear();
    exchange.connection_ = nullptr;
    const bool waits = std::exchange(exchange.waits_for_drain_, false);
    --exchange_count_;
    if (!exchange.complete_) --core_.in_flight;
    if (exchange.listener_ != nullptr &&
        (waits || (!exchange.complete_ && !exchange.disconnect_told_))) {
      exchange.disconnect_told_ = true;
      exchange.listener_->on_disconnect();
      core_.loop.wake();
    }
    finish(exchange);
  }
}

// --- The turn's end -----------------------------------------------------------------------------

void Connection::schedule() noexcept {
  if (!closed_) core_.loop.at_turn_end(*this);
}

void Connection::on_turn_end() noexcept {
  if (closed_) return;
  if (!closing_ && !abort_) serve_next();
  if (abort_) {
    stream_->flush();  // complete responses before the one that is cut
    return close_now(true);
  }
  if (closing_) abandon(exchanges_);
  if (!stream_->output().empty() && !stream_->flush()) return;  // on_error follows
  after_flush();
}

// --- The end ------------------------------------------------------------------------------------

void Connection::drain() {
  for (Exchange* exchange = exchanges_.first(); exchange; exchange = exchanges_.next(*exchange)) {
    exchange->response_.set_close_after(true);
  }
  const bool silent = idle() && !served_one_;
  if (read_mode_ != ReadMode::kKeepAlive && !silent) return;
  set_read_mode(read_mode_, std::min(rest_of_read_mode(), core_.deadlines.drain_idle_ms));
}

// No request will be answered any more; what is queued still leaves, then the connection ends.
void Connection::close_when_sent() noexcept {
  closing_ = true;
  receiving_ = nullptr;
  parser_.pause();
  unparsed_.release();
  schedule();
}

// Everything has been sent. Where the client may still be sending, a close would be a reset, and
// could destroy the response on its way (RFC 9112 section 9.6): FIN first, then read and drop until
// the client's FIN.
void Connection::end() {
  if (!unread_input_ || peer_ended_) return close_now(false);
  lingering_ = true;
  stream_->shutdown_write();
  stream_->start_reading();
  update_read_mode();
}

void Connection::close_now(bool with_reset) {
  if (closed_) return;
  closed_ = true;
  closing_ = true;
  receiving_ = nullptr;
  read_deadline_.cancel();
  write_deadline_.cancel();
  ListHook<IdleTag>::unlink();
  net::TurnEndTask::unlink();
  if (with_reset) {
    stream_->abort();
  } else {
    stream_->close();
  }
  abandon(exchanges_);
  abandon(sent_);
  core_.connection_closed(*this);
}

}  // namespace cppcorn::server
