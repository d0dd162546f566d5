// Connection: one client's connection from accept to close: stream → request parser → exchanges →
// stream. It decides what is read when, which response leaves next, when the client is too slow,
// and how the connection ends. Created by the server at accept; deletes itself through the loop
// once it has closed.
//
//           bytes            head complete           response complete
//   accept ──────▶ reading head ────────▶ exchanges ──────────────────▶ idle ──▶ reading head …
//                       │ refused             │ it was the last          │ keep-alive is over
//                       └─────▶ closing ◀─────┘                          ▼
//                                  │ output sent                      closed
//                                  ├─ the client may send: lingering ────▲ its FIN, a deadline
//                                  └─────────────────────────────────────┘
//
// Pipelined requests are parsed ahead (kPipelineMax, and while the client reads its answers) and
// given to the engine at once as long as all of them are safe (RFC 9112 section 9.3.2); a request
// that isn't waits until those before it have been answered. Responses leave in the order of the
// requests: those that are ready too early wait in their exchange.
//
// Everything that an engine's call makes necessary beyond appending bytes (flush, the next request,
// closing) happens at the turn's end, never inside that call.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "protocols/http1/request_parser.h"
#include "src/base/byte_buffer.h"
#include "src/net/stream.h"
#include "src/net/timer_wheel.h"
#include "src/server/exchange.h"
#include "src/server/server_core.h"

namespace cppcorn::server {

class Connection final : public net::Deferred,
                         public ListHook<>,         // the server's registry
                         public ListHook<IdleTag>,  // the idle ones
                         private net::TurnEndTask,
                         private net::Stream::Listener,
                         private http1::RequestParser::Listener {
 public:
  // Requests that are parsed ahead while earlier ones are answered. wrk and browsers use at
  // most 16.
  static constexpr size_t kPipelineMax = 32;
  // Bytes of responses that wait for the client; beyond, no further request of its is taken.
  static constexpr uint64_t kOutputMax = Exchange::kHighWater;
  // Bytes behind a paused parser; then reading stops.
  static constexpr size_t kUnparsedMax = 65536;
  // Of a request body that nobody wants: read and dropped, to keep the connection. More costs more
  // than a new one.
  static constexpr uint64_t kDiscardMax = 262144;

  Connection(ServerCore& core, std::unique_ptr<net::Stream> stream, const Endpoints& endpoints);
  ~Connection() override;

  void start();
  // Idle: closes after the rest of its keep-alive time, 2 s at most. Else: after the current
  // responses.
  void drain();
  // Closes now. Exchanges are told.
  void close() { close_now(false); }
  bool idle() const noexcept { return ListHook<IdleTag>::linked(); }

 private:
  friend class Exchange;
  using ExchangeList = IntrusiveList<Exchange>;
  static constexpr uint64_t kNoDeadline = UINT64_MAX;
  enum class ReadMode : uint8_t { kNone, kHead, kBody, kKeepAlive, kLinger };

  struct ReadDeadline final : net::Deadline {
    Connection* connection = nullptr;
    void on_deadline() noexcept override { connection->on_read_deadline(); }
  };
  struct WriteDeadline final : net::Deadline {
    Connection* connection = nullptr;
    void on_deadline() noexcept override { connection->on_write_deadline(); }
  };

  // net::Stream::Listener
  void on_data(std::string_view bytes) override;
  void on_eof() override;
  void on_error(int error) override;
  void on_sent(uint64_t progress_bytes) override;
  // http1::RequestParser::Listener
  std::unique_ptr<http::RequestHead> new_head() override;
  void on_request(std::unique_ptr<http::RequestHead> head) override;
  void on_body(std::string_view bytes) override;
  void on_request_end(const std::vector<http::Field>* trailers) override;
  void on_refused(const http::Refusal& refusal, bool in_body) override;
  // net::TurnEndTask
  void on_turn_end() noexcept override;

  // --- From the exchanges, inside an engine's call ---
  void exchange_committed(Exchange& exchange) noexcept;
  void exchange_wants_body(Exchange& exchange) noexcept;
  void exchange_body_flow(Exchange& exchange, bool paused) noexcept;
  void exchange_aborts(Exchange& exchange) noexcept;
  void exchange_wants_drain() noexcept;
  uint64_t output_bytes(const Exchange& exchange) const noexcept;

  // --- Requests (connection_requests.cc) ---
  void parse(std::string_view bytes);
  void parse_waiting();
  bool wants_requests() const noexcept;
  void serve_next();
  bool may_parse_ahead() noexcept;
  bool crowded() const noexcept;
  Exchange& add_exchange(std::unique_ptr<http::RequestHead> head);
  void dispatch(Exchange& exchange);
  void stop_reading_requests() noexcept;
  void break_body(int status, std::string_view reason);
  void refuse(int status, std::string_view reason);
  void log_refusal(int status, std::string_view reason, uint64_t offset = 0);
  bool may_log() noexcept;
  void tell_disconnect(Exchange& exchange);
  void tell_end_of_input();

  // --- Responses (connection.cc) ---
  void complete_front() noexcept;
  bool survives(const Exchange& exchange) noexcept;
  void upcall_drained();
  void release_sent();
  void abandon(ExchangeList& list);
  void finish(Exchange& exchange) noexcept;

  // --- The end (connection.cc) ---
  void schedule() noexcept;
  void after_flush();
  void close_when_sent() noexcept;
  void end();
  void close_now(bool with_reset);

  // --- Deadlines (connection_deadlines.cc) ---
  void update_read_mode() noexcept;
  ReadMode wanted_read_mode() noexcept;
  bool client_awaits_continue() const noexcept;
  uint64_t rest_of_read_mode() const noexcept;
  uint64_t delay_of(ReadMode mode) const noexcept;
  void set_read_mode(ReadMode mode, uint64_t delay_ms) noexcept;
  void on_read_deadline() noexcept;
  void on_body_deadline();
  void update_write_deadline() noexcept;
  void on_write_deadline() noexcept;
  void update_idle() noexcept;

  ServerCore& core_;
  std::unique_ptr<net::Stream> stream_;
  http1::RequestParser parser_;
  ExchangeList exchanges_;  // in the order of the requests; the front one's response is leaving
  ExchangeList sent_;       // complete, but not all of their bytes have left
  Exchange* receiving_ = nullptr;  // whose body is being received; nullptr: nobody wants it
  ByteBuffer unparsed_;            // behind a pause of the parser
  Endpoints endpoints_;
  ReadDeadline read_deadline_;
  WriteDeadline write_deadline_;
  // Of read_mode_; the wheel's deadline may be earlier and is then set anew.
  uint64_t read_due_ms_ = kNoDeadline;
  uint64_t body_rest_ms_ = 0;  // of a window of the body's that a pause interrupted; 0: none
  uint64_t body_window_bytes_ = 0;
  uint64_t write_window_begin_ = 0;  // stream_->taken_bytes() at the window's begin
  uint64_t discarded_bytes_ = 0;
  uint32_t exchange_count_ = 0;  // of exchanges_ and sent_
  ReadMode read_mode_ = ReadMode::kNone;
  bool served_one_ : 1 = false;
  bool in_body_ : 1 = false;      // a request's body has begun and not ended
  bool body_begun_ : 1 = false;   // some of it has come
  bool body_paused_ : 1 = false;  // the engine holds the body back
  bool peer_ended_ : 1 = false;   // FIN
  bool parser_told_eof_ : 1 = false;
  bool refused_ : 1 = false;  // a request was refused or broke: nothing behind it is read
  bool closing_ : 1 = false;  // no request will be answered any more; what is queued still leaves
  bool unread_input_ : 1 = false;  // the client may still be sending what nobody will read: linger
  bool lingering_ : 1 = false;
  bool abort_ : 1 = false;  // close with a reset at the turn's end
  bool closed_ : 1 = false;
  bool drain_upcall_ : 1 = false;
};

}  // namespace cppcorn::server
