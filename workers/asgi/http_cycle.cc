#include "workers/asgi/http_cycle.h"

#include "workers/asgi/engine.h"

namespace cppcorn::asgi {

void HttpCycle::begin(server::ExchangeRef exchange) noexcept {
  exchange_ = std::move(exchange);
  body_ended_ = exchange_->body_ended();
  exchange_->set_listener(this);
}

void HttpCycle::reset() noexcept {
  ListHook<PendingTag>::unlink();
  ListHook<LiveTag>::unlink();
  if (exchange_) exchange_->set_listener(nullptr);
  exchange_.reset();
  // A large upload must not stay in the pool of cycles.
  if (body_.capacity() > kBodyHighWater) {
    body_.release();
  } else {
    body_.clear();
  }
  started = false;
  response_state = Response::kStart;
  trailers_promised = false;
  trailers.clear();
  body_ended_ = body_told_ = body_paused_ = disconnected_ = drain_asked_ = false;
}

void HttpCycle::note() noexcept {
  if (!ListHook<PendingTag>::linked()) engine_.pend(*this);
}

void HttpCycle::on_body(std::string_view bytes) {
  // Nobody will ask for it any more: read on, so that the connection can be used again.
  if (response_state == Response::kComplete) return;
  body_.append(bytes);
  if (body_.size() > kBodyHighWater && !body_paused_) {
    body_paused_ = true;
    exchange_->pause_body();
  }
  note();
}

void HttpCycle::on_body_end(const std::vector<http::Field>*) {
  body_ended_ = true;
  note();
}

void HttpCycle::on_disconnect() {
  disconnected_ = true;
  note();
}

void HttpCycle::on_drained() {
  drain_asked_ = false;
  note();
}

void HttpCycle::body_taken() noexcept {
  body_.clear();
  if (body_ended_) body_told_ = true;
  if (!body_paused_) return;
  body_paused_ = false;
  exchange_->resume_body();
}

void HttpCycle::discard_body() noexcept {
  body_taken();
  body_.release();
}

void HttpCycle::want_body() noexcept {
  if (!body_ended_) exchange_->want_body();
}

bool HttpCycle::must_wait_for_drain() const noexcept {
  return connected() && exchange_->queued_bytes() > server::Exchange::kLowWater;
}

void HttpCycle::ask_for_drain() noexcept {
  if (drain_asked_) return;
  drain_asked_ = true;
  exchange_->notify_below(server::Exchange::kLowWater);
}

}  // namespace cppcorn::asgi
