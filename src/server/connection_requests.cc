// The requests of a connection: from bytes to exchanges, in the right order.
#include <utility>

#include "src/server/connection.h"

namespace cppcorn::server {
namespace {

// RFC 9110 section 9.2.1: requests that may be answered in parallel with their neighbours in a
// pipeline.
bool is_safe(const http::RequestHead& head) noexcept {
  const std::string_view method = head.method();
  return (method == "GET" || method == "HEAD" || method == "OPTIONS") && !head.has_body();
}

}  // namespace

void Connection::on_data(std::string_view bytes) {
  if (closing_ || refused_) return;  // nobody wants it; a deadline bounds how long it comes
  if (parser_.paused() || !unparsed_.empty()) {
    unparsed_.append(bytes);
    if (unparsed_.size() > kUnparsedMax) stream_->stop_reading();
    return;
  }
  parse(bytes);
  update_read_mode();
}

void Connection::parse(std::string_view bytes) {
  const size_t consumed = parser_.receive(bytes);
  if (wants_requests()) unparsed_.append(bytes.substr(consumed));
}

// What waited behind a pause. The buffer changes hands, so that bytes that have to wait again are
// not copied each time.
void Connection::parse_waiting() {
  ByteBuffer bytes = std::move(unparsed_);
  const size_t consumed = parser_.receive(bytes.view());
  bytes.consume(consumed);
  if (!bytes.empty() && wants_requests()) unparsed_ = std::move(bytes);
}

bool Connection::wants_requests() const noexcept {
  return !closing_ && !refused_ && !parser_.dead();
}

void Connection::on_eof() {
  peer_ended_ = true;
  if (lingering_) return close_now(false);
  schedule();
}

// Complete requests are answered, but their engines may learn that nobody may be listening any
// more. An engine may answer in its upcall, which moves exchanges to the list of the sent ones.
void Connection::tell_end_of_input() {
  Exchange* next = exchanges_.first();
  while (next != nullptr && !next->complete_) {
    Exchange& exchange = *next;
    next = exchanges_.next(exchange);
    if (exchange.body_ended_ && !exchange.deferred_) tell_disconnect(exchange);
  }
}

void Connection::on_error(int) { close_now(false); }

bool Connection::may_parse_ahead() noexcept {
  if (closing_ || refused_ || body_paused_ || (!in_body_ && crowded())) return false;
  return exchanges_.empty() || !exchanges_.back().deferred_;
}

// A client that asks and asks but does not read gets no further answers. Exchanges whose bytes
// wait to be sent count too.
bool Connection::crowded() const noexcept {
  return exchange_count_ >= kPipelineMax || stream_->output().bytes() > kOutputMax;
}

// At the turn's end: gives a request that had to wait to its engine, and parses what was behind it.
// An engine runs after the loop's turn: with something new for it, the loop must not sleep first.
void Connection::serve_next() {
  if (!exchanges_.empty() && exchanges_.front().deferred_) {
    core_.loop.wake();
    dispatch(exchanges_.front());
  }
  if (parser_.paused() && may_parse_ahead()) parser_.resume();
  if (!unparsed_.empty() && !parser_.paused() && !closing_) {
    core_.loop.wake();
    parse_waiting();
  }
  if (closing_) return;
  const bool reads = !refused_ && !peer_ended_ && unparsed_.size() <= kUnparsedMax;
  if (reads) stream_->start_reading();
  if (peer_ended_ && unparsed_.empty() && !parser_.paused() && !parser_told_eof_ && !refused_) {
    parser_told_eof_ = true;
    parser_.receive_eof();
    core_.loop.wake();
  }
  if (peer_ended_) tell_end_of_input();
  const bool no_more_requests = (peer_ended_ && unparsed_.empty()) || parser_.dead() || refused_;
  if (no_more_requests && exchanges_.empty() && !in_body_) close_when_sent();
}

std::unique_ptr<http::RequestHead> Connection::new_head() { return core_.heads.take(); }

Exchange& Connection::add_exchange(std::unique_ptr<http::RequestHead> head) {
  auto* exchange = new Exchange(core_, std::move(head), endpoints_);
  ++exchange->references_;  // the connection's, given back in finish()
  exchange->connection_ = this;
  exchange->began_ns_ = monotonic_ns();
  exchange->response_.set_close_after(core_.draining || !core_.keep_alive_allowed);
  exchanges_.push_back(*exchange);
  ++exchange_count_;
  ++core_.in_flight;
  return *exchange;
}

void Connection::on_request(std::unique_ptr<http::RequestHead> head) {
  const bool in_parallel =
      exchanges_.empty() || (is_safe(*head) && is_safe(exchanges_.back().head()));
  Exchange& exchange = add_exchange(std::move(head));
  ++core_.requests_total;
  receiving_ = &exchange;
  in_body_ = true;
  body_begun_ = false;
  discarded_bytes_ = 0;
  // The head's deadline is over, and what follows gets one of its own, be it another head.
  read_mode_ = ReadMode::kNone;
  body_rest_ms_ = 0;
  // Until the body has begun nobody can tell whether it will come: the answer must end the
  // connection.
  if (exchange.head().expects_continue()) exchange.response_.set_close_after(true);
  if (!in_parallel) {
    exchange.deferred_ = true;
    parser_.pause();
    return;
  }
  if (!exchange.head().has_body() && crowded()) parser_.pause();
  dispatch(exchange);
}

void Connection::dispatch(Exchange& exchange) {
  exchange.deferred_ = false;
  if (core_.concurrency_max > 0 && core_.in_flight > core_.concurrency_max) {
    return exchange.refuse(503, "too many requests in flight");
  }
  core_.handler.on_request(ExchangeRef(exchange));
}

void Connection::on_body(std::string_view bytes) {
  body_window_bytes_ += bytes.size();
  if (receiving_ != nullptr) {
    if (!body_begun_)
      receiving_->response_.set_close_after(core_.draining || !core_.keep_alive_allowed);
    body_begun_ = true;
    if (receiving_->listener_ != nullptr) receiving_->listener_->on_body(bytes);
    return;
  }
  discarded_bytes_ += bytes.size();
  if (discarded_bytes_ <= kDiscardMax) return;
  parser_.pause();
  unread_input_ = true;
  close_when_sent();
}

void Connection::on_request_end(const std::vector<http::Field>* trailers) {
  in_body_ = false;
  body_paused_ = false;
  Exchange* exchange = std::exchange(receiving_, nullptr);
  if (exchange == nullptr) return;
  exchange->body_ended_ = true;
  if (exchange->listener_ != nullptr) exchange->listener_->on_body_end(trailers);
}

void Connection::on_refused(const http::Refusal& refusal, bool in_body) {
  log_refusal(refusal.status, refusal.reason, refusal.offset);
  if (in_body) return break_body(refusal.status, refusal.reason);
  refuse(refusal.status, refusal.reason);
}

// What comes now waits in the kernel, however long the answers to earlier requests take; end()
// reads it away.
void Connection::stop_reading_requests() noexcept {
  refused_ = true;
  unread_input_ = !peer_ended_;
  stream_->stop_reading();
  parser_.pause();
  unparsed_.release();
}

// The body will never be complete: the engine is told, and the client if no head has left. Nothing
// behind it is read.
void Connection::break_body(int status, std::string_view reason) {
  stop_reading_requests();
  in_body_ = false;
  Exchange* exchange = std::exchange(receiving_, nullptr);
  if (exchange == nullptr) return close_when_sent();
  tell_disconnect(*exchange);
  exchange->fail(status, reason);
}

// Answers, in its turn, a request that no engine will see.
void Connection::refuse(int status, std::string_view reason) {
  stop_reading_requests();
  Exchange& exchange = add_exchange(core_.heads.take());
  exchange.fail(status, reason);
}

void Connection::tell_disconnect(Exchange& exchange) {
  if (exchange.disconnect_told_ || exchange.listener_ == nullptr) return;
  exchange.disconnect_told_ = true;
  exchange.listener_->on_disconnect();
  core_.loop.wake();
}

void Connection::log_refusal(int status, std::string_view reason, uint64_t offset) {
  if (!may_log()) return;
  log::warning("Refused a request from {} with {}: {} (at byte {})", endpoints_.peer.to_string(),
               status, reason, offset);
}

// Clients must not be able to fill the disk.
bool Connection::may_log() noexcept {
  unsigned suppressed = 0;
  if (!core_.refusal_log.allow(core_.loop.now_ms(), &suppressed)) return false;
  if (suppressed > 0) log::warning("{} more such lines were not written", suppressed);
  return true;
}

}  // namespace cppcorn::server
