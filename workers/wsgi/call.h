// Call: one request on its way from the I/O thread to a pool thread and back: the request with its
// body, and the mail that the pool thread has for the I/O thread. Nothing of Python in it.
//
//   receiving ──body complete──▶ queued ──pop──▶ in the app ──released──▶ draining
//       │                          ▲                                         │ all given on
//       ├── request_buffering off ─┘                                         ▼
//       └── broken body: the server answers ────────────────────────────▶ recycled
//
// Owned by the engine, which recycles it. What belongs to which thread is said at each member.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/byte_buffer.h"
#include "src/base/intrusive_list.h"
#include "src/server/exchange.h"
#include "src/server/spool.h"
#include "workers/wsgi/response_buffer.h"

namespace cppcorn::wsgi {

class Call;
struct QueueTag;
struct OutboxTag;
struct WatchTag;

// The engine, as its calls see it. I/O thread only.
class CallHost {
 public:
  // The request may go to a pool thread.
  virtual void call_ready(Call& call) = 0;
  // Look at the call again at the turn's end: its exchange has something new.
  virtual void call_changed(Call& call) = 0;
  // Nobody needs the call any more.
  virtual void call_over(Call& call) = 0;
  virtual std::mutex& mail_mutex() noexcept = 0;
  virtual bool buffers_requests() const noexcept = 0;

 protected:
  ~CallHost() = default;
};

// What a pool thread has to say; guarded by the outbox's mutex.
struct Mail {
  server::Exchange::Progress progress;
  bool news = false;  // since the I/O thread looked last
  bool has_progress = false;
  bool failed = false;  // by that status; 0: the connection is cut
  int failure_status = 0;
  bool released = false;    // the pool thread will not touch the call any more
  bool wants_body = false;  // unbuffered: the app waits for bytes
};

// A body on its way to an app that reads it as it comes (request_buffering off); guarded by the
// outbox's mutex.
struct BodyPipe {
  static constexpr size_t kHighWater = 262144;  // beyond it the client is not read from
  static constexpr size_t kLowWater = 65536;
  ByteBuffer bytes;
  std::condition_variable arrived;
  bool ended = false;
  bool broken = false;
  bool paused = false;
};

class Call final : public server::ExchangeListener,
                   public ListHook<>,
                   public ListHook<QueueTag>,
                   public ListHook<OutboxTag>,
                   public ListHook<WatchTag> {
 public:
  Call(CallHost& host, ResponseStore& store) : body(store.spools), output(store), host_(host) {}
  ~Call();

  // --- I/O thread ---
  void begin(server::ExchangeRef exchange);
  // Lets go of everything.
  void reset() noexcept;
  server::Exchange& exchange() noexcept { return *exchange_; }
  // Acts on the mail, and gives to the exchange what may leave.
  void handle_mail();
  // The app is still at work on the response.
  bool streaming() const noexcept { return in_app_ && !answered_ && !abandoned_; }

  // --- Either thread ---
  const http::RequestHead& head() const noexcept { return exchange_->head(); }
  const server::Endpoints& endpoints() const noexcept { return exchange_->endpoints(); }

  // --- The thread that has the call: first the I/O thread, then the pool thread ---
  server::Spool body;
  http1::RequestFacts facts;
  bool streams_body = false;
  bool keeps_head = false;      // the access log asks for fields of the response
  bool asked_for_body = false;  // of one that streams

  // The client has gone; for a pool thread to look at between two blocks.
  std::atomic<bool> gone{false};

  // --- Guarded by the outbox's mutex ---
  Mail mail;
  ResponseBuffer output;
  BodyPipe pipe;
  bool watched = false;  // the I/O thread looks by itself, a moment later: it needs no waking

 private:
  // server::ExchangeListener
  void on_body(std::string_view bytes) override;
  void on_body_end(const std::vector<http::Field>* trailers) override;
  void on_disconnect() override;
  void on_drained() override { host_.call_changed(*this); }

  void spool_failed(server::SpoolError error);
  void become_ready();
  void abandon();
  void finish_if_over();

  CallHost& host_;
  server::ExchangeRef exchange_;
  bool in_app_ = false;     // the pool has it
  bool answered_ = false;   // the last bytes, or a failure, have been given to the exchange
  bool abandoned_ = false;  // the client has gone, or is answered by the server itself
};

}  // namespace cppcorn::wsgi
