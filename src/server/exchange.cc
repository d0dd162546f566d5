#include "src/server/exchange.h"

#include "protocols/http1/error_response.h"
#include "src/server/connection.h"
#include "src/server/server_core.h"

namespace cppcorn::server {

Exchange::Exchange(ServerCore& core, std::unique_ptr<http::RequestHead> head,
                   const Endpoints& endpoints)
    : core_(core),
      head_(std::move(head)),
      endpoints_(endpoints),
      response_(facts(), core.response_shared) {
  if (wants_response_head()) response_.keep_head();
}

Exchange::~Exchange() { core_.heads.give_back(std::move(head_)); }

void ExchangeRef::reset() noexcept {
  Exchange* exchange = std::exchange(exchange_, nullptr);
  if (exchange != nullptr && --exchange->references_ == 0) delete exchange;
}

http1::RequestFacts Exchange::facts() const noexcept {
  http1::RequestFacts facts = http1::RequestFacts::of(*head_);
  facts.keep_alive = facts.keep_alive && core_.keep_alive_allowed && !core_.draining;
  return facts;
}

void Exchange::want_body() noexcept {
  if (connection_ != nullptr) connection_->exchange_wants_body(*this);
}

void Exchange::pause_body() noexcept {
  if (connection_ != nullptr) connection_->exchange_body_flow(*this, true);
}

void Exchange::resume_body() noexcept {
  if (connection_ != nullptr) connection_->exchange_body_flow(*this, false);
}

void Exchange::commit() noexcept {
  const http1::ResponseEncoder& encoder = response_.encoder();
  Progress progress;
  progress.status = encoder.status();
  progress.body_bytes = encoder.body_bytes();
  progress.finished = encoder.finished();
  progress.keep_alive = encoder.keep_alive();
  commit(std::move(response_.ready()), std::move(progress));
}

void Exchange::commit(BufferChain&& bytes, Progress progress) noexcept {
  if (connection_ == nullptr || complete_ || aborted_ || progress_.finished) {
    bytes.clear();
    return;
  }
  if (progress_.response_head.size() > progress.response_head.size()) {
    progress.response_head = std::move(progress_.response_head);
  }
  progress_ = std::move(progress);
  held_.append(std::move(bytes));
  connection_->exchange_committed(*this);
}

void Exchange::fail(int status, std::string_view reason) noexcept {
  if (connection_ == nullptr || complete_ || aborted_ || progress_.finished) return;
  // Bytes that left, or that another thread encoded, cannot be taken back.
  if (progress_.status >= 200 || !response_.restart()) return abort();
  Progress progress;
  progress.status = status;
  progress.finished = true;
  progress.keep_alive = false;
  ByteBuffer page;
  http1::append_error_response(page, status, reason, head_->is_head_method(),
                               core_.response_shared.defaults, core_.date_line.at(core_.now_s()));
  progress.body_bytes = page.size() - (page.view().find("\r\n\r\n") + 4);
  BufferChain bytes;
  bytes.append(std::move(page));
  commit(std::move(bytes), std::move(progress));
}

void Exchange::refuse(int status, std::string_view reason) noexcept {
  if (connection_ == nullptr) return;
  connection_->log_refusal(status, reason);
  connection_->stop_reading_requests();
  fail(status, reason);
}

void Exchange::abort() noexcept {
  if (connection_ == nullptr || complete_ || aborted_) return;
  held_.clear();
  connection_->exchange_aborts(*this);
}

bool Exchange::wants_response_head() const noexcept {
  return core_.access_log && core_.access_log->wants_response_head();
}

std::string_view Exchange::response_head() const noexcept {
  return progress_.response_head.empty() ? response_.kept_head() : progress_.response_head;
}

uint64_t Exchange::queued_bytes() const noexcept {
  const uint64_t sent_on = connection_ != nullptr ? connection_->output_bytes(*this) : 0;
  return held_.bytes() + sent_on;
}

void Exchange::notify_below(uint64_t mark) noexcept {
  if (connection_ == nullptr) return;
  drain_mark_ = mark;
  waits_for_drain_ = true;
  connection_->exchange_wants_drain();
}

http::DateLine& Exchange::date_line() noexcept { return core_.date_line; }

int64_t Exchange::now_s() const noexcept { return core_.now_s(); }

}  // namespace cppcorn::server
