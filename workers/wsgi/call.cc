#include "workers/wsgi/call.h"

#include <cstring>
#include <mutex>
#include <utility>

#include "src/base/clock.h"
#include "src/base/log.h"

namespace cppcorn::wsgi {
namespace {

log::RateLimit spool_log{1, 10'000};  // I/O thread only

}  // namespace

Call::~Call() { reset(); }

void Call::begin(server::ExchangeRef exchange) {
  exchange_ = std::move(exchange);
  exchange_->set_listener(this);
  facts = exchange_->facts();
  keeps_head = exchange_->wants_response_head();
  const http::RequestHead& request = head();
  if (!request.has_body()) {
    // It waited for the requests before it, and its end has been told already.
    if (exchange_->body_ended()) become_ready();
    return;
  }
  streams_body = !host_.buffers_requests();
  if (streams_body) return become_ready();
  body.expect(request.content_length());
  exchange_->want_body();
}

void Call::reset() noexcept {
  if (!exchange_) return;
  exchange_->set_listener(nullptr);
  exchange_.reset();
  body.clear();
  output.reset();
  mail = Mail{};
  pipe.bytes.release();
  pipe.ended = pipe.broken = pipe.paused = false;
  gone.store(false, std::memory_order_relaxed);
  streams_body = asked_for_body = watched = in_app_ = answered_ = abandoned_ = false;
}

void Call::on_body(std::string_view bytes) {
  if (abandoned_ || answered_) return;
  if (!streams_body) {
    const server::SpoolError error = body.append(bytes);
    if (error != server::SpoolError::kNone) spool_failed(error);
    return;
  }
  const std::lock_guard lock(host_.mail_mutex());
  pipe.bytes.append(bytes);
  pipe.arrived.notify_all();
  if (pipe.bytes.size() > BodyPipe::kHighWater && !pipe.paused) {
    pipe.paused = true;
    exchange_->pause_body();
  }
}

// The disk is full, or the worker holds as many bodies as it may: the app never sees this request.
void Call::spool_failed(server::SpoolError error) {
  unsigned suppressed = 0;
  if (spool_log.allow(monotonic_ms(), &suppressed)) {
    const std::string target = log::escape_for_log(head().target());
    if (error == server::SpoolError::kBudget) {
      log::error("503 for {} {}: the request bodies of this worker take all of --spool-max",
                 head().method(), target);
    } else {
      log::error("503 for {} {}: its body cannot be stored: {} (--tmp-upload-dir)", head().method(),
                 target, std::strerror(body.error_number()));
    }
  }
  abandoned_ = true;
  exchange_->fail(503, "the request body cannot be stored");
  host_.call_changed(*this);
}

void Call::on_body_end(const std::vector<http::Field>*) {
  if (abandoned_ || answered_) return;
  if (!streams_body) return become_ready();
  const std::lock_guard lock(host_.mail_mutex());
  pipe.ended = true;
  pipe.arrived.notify_all();
}

void Call::become_ready() {
  in_app_ = true;
  host_.call_ready(*this);
}

void Call::on_disconnect() {
  // A FIN behind a complete request: the client may well wait for the response.
  if (exchange_->body_ended() && exchange_->connected()) return;
  abandon();
  host_.call_changed(*this);
}

void Call::abandon() {
  if (std::exchange(abandoned_, true)) return;
  gone.store(true, std::memory_order_relaxed);
  const std::lock_guard lock(host_.mail_mutex());
  output.abandon();
  pipe.broken = true;
  pipe.arrived.notify_all();
}

void Call::handle_mail() {
  if (!exchange_->connected() && !exchange_->complete()) abandon();
  BufferChain bytes;
  server::Exchange::Progress progress;
  bool has_bytes, last = false, failed = false;
  int failure_status = 0;
  {
    const std::lock_guard lock(host_.mail_mutex());
    mail.news = false;
    output.take(bytes, abandoned_ ? 0 : exchange_->queued_bytes());
    has_bytes = mail.has_progress && (!bytes.empty() || (mail.progress.finished && output.taken()));
    if (has_bytes) {
      last = mail.progress.finished && output.taken();
      progress = mail.progress;
      progress.finished = last;
    }
    failed = mail.failed && output.taken();
    if (failed) failure_status = mail.failure_status;
    if (std::exchange(mail.wants_body, false) && !abandoned_) {
      exchange_->want_body();
      if (pipe.paused && pipe.bytes.size() < BodyPipe::kLowWater) {
        pipe.paused = false;
        exchange_->resume_body();
      }
    }
  }
  if (!abandoned_ && !answered_) {
    if (has_bytes) exchange_->commit(std::move(bytes), std::move(progress));
    if (failed && failure_status != 0) exchange_->fail(failure_status);
    if (failed && failure_status == 0) exchange_->abort();
    answered_ = last || failed;
  }
  finish_if_over();
}

void Call::finish_if_over() {
  const uint64_t queued = abandoned_ ? 0 : exchange_->queued_bytes();
  bool over, wants_update;
  uint64_t mark = 0;
  {
    const std::lock_guard lock(host_.mail_mutex());
    if (mail.released) in_app_ = false;
    output.update(queued);
    wants_update = !abandoned_ && output.wants_update(&mark);
    over = !in_app_ && (abandoned_ || (answered_ && !wants_update));
    if (over) ListHook<OutboxTag>::unlink();  // what it says has been heard
  }
  if (over) return host_.call_over(*this);
  if (wants_update) exchange_->notify_below(mark);
}

}  // namespace cppcorn::wsgi
