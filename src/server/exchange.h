// Exchange: one request and its response: what a worker's engine (ASGI or WSGI) holds while it
// answers. The engine never touches a socket, the connection never asks Python anything.
//
// Reference-counted, on the loop's thread only: the connection holds one reference until the
// response has left or the connection died, the engine holds others for as long as it needs the
// head. After the connection has died an exchange is disconnected: what is sent is dropped, nothing
// is upcalled any more.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocols/http/request_head.h"
#include "src/base/intrusive_list.h"
#include "src/net/socket_address.h"
#include "src/server/response_writer.h"

namespace cppcorn::server {

class Connection;
struct ServerCore;

// Who is at the ends of the connection. Lives as long as the exchange.
struct Endpoints {
  net::SocketAddress peer;
  net::SocketAddress local;
  bool tls = false;
  uint16_t listener = 0;  // the number of the server's listener, in the order that it got them
  std::string_view scheme() const noexcept { return tls ? "https" : "http"; }
};

// The engine's half of an exchange. Upcalls come on the loop's thread, from the loop, never from
// inside a call that the engine makes; no Python may run in them: they note what happened, and the
// engine's own dispatch acts on it.
class ExchangeListener {
 public:
  // A piece of the request body; the view dies with the call.
  virtual void on_body(std::string_view bytes) = 0;
  // The request is complete. trailers is nullptr when there were none.
  virtual void on_body_end(const std::vector<http::Field>* trailers) = 0;
  // The client will not send the rest, or has gone: it closed, reset or stalled, or broke the
  // framing. When exchange.connected() is still true a response may still be sent (a FIN behind a
  // complete request). Once; and once more if the connection ends later with a notify_below()
  // pending.
  virtual void on_disconnect() = 0;
  // The output has fallen to the mark given to notify_below().
  virtual void on_drained() = 0;

 protected:
  ~ExchangeListener() = default;
};

class Exchange final : public ListHook<> {
 public:
  // --- The request ---
  const http::RequestHead& head() const noexcept { return *head_; }
  const Endpoints& endpoints() const noexcept { return endpoints_; }
  // CLOCK_MONOTONIC, ns: when the head was complete.
  uint64_t began_ns() const noexcept { return began_ns_; }
  // The whole request has been received.
  bool body_ended() const noexcept { return body_ended_; }

  void set_listener(ExchangeListener* listener) noexcept { listener_ = listener; }
  // The engine wants the body: sends "100 Continue" where the client waits for it. Idempotent. Body
  // pieces that come without being asked for (the client did not wait) are upcalled all the same.
  void want_body() noexcept;
  // Back-pressure on the client: no on_body until resume_body(). (At most one read more may come.)
  void pause_body() noexcept;
  void resume_body() noexcept;

  // --- The response ---
  // For an encoder of the engine's own: what it has to know of the request, and whether the
  // connection stays open.
  http1::RequestFacts facts() const noexcept;
  // Encode here, then commit(): moves what is ready to the connection, to leave in one write at the
  // turn's end.
  ResponseWriter& response() noexcept { return response_; }
  void commit() noexcept;
  // For a response that was encoded by somebody else with the same facts (a pool thread): appends
  // its bytes. finished: these are the last; keep_alive: what that encoder said. The same rules as
  // commit().
  struct Progress {
    int status = 0;
    uint64_t body_bytes = 0;
    bool finished = false;
    bool keep_alive = true;
    std::string response_head;  // only where wants_response_head()
  };
  void commit(BufferChain&& bytes, Progress progress) noexcept;
  // The access log asks for response fields: an encoder of the engine's own has to keep_head().
  bool wants_response_head() const noexcept;
  const Progress& progress() const noexcept { return progress_; }
  std::string_view response_head() const noexcept;
  // Answers with a short plain error page, if no head has left; else cuts the connection so that
  // the client sees that the response is incomplete. Ends the exchange either way.
  void fail(int status, std::string_view reason = {}) noexcept;
  // The same for a request that no app is to see, from on_request(): as for those that the parser
  // refuses, the log gets a line, and nothing behind it is read.
  void refuse(int status, std::string_view reason) noexcept;
  // Cuts the connection, behind the responses to earlier requests.
  void abort() noexcept;

  // Bytes of this response that wait to be sent.
  uint64_t queued_bytes() const noexcept;
  // Asks for one on_drained() upcall when queued_bytes() <= mark (also when that is so already:
  // from the loop, soon). Not for an exchange that is no longer connected().
  void notify_below(uint64_t mark) noexcept;
  // Above kHighWater an engine should wait (or count its bytes against its own bound); go on below
  // kLowWater.
  static constexpr uint64_t kHighWater = 65536;
  static constexpr uint64_t kLowWater = 16384;

  // False once the connection is gone (reset, write error, stalled, closed by us).
  bool connected() const noexcept { return connection_ != nullptr; }
  // The whole response has been given to the connection.
  bool complete() const noexcept { return complete_; }
  http::DateLine& date_line() noexcept;
  int64_t now_s() const noexcept;

 private:
  friend class Connection;
  friend class ExchangeRef;

  Exchange(ServerCore& core, std::unique_ptr<http::RequestHead> head, const Endpoints& endpoints);
  ~Exchange();

  ServerCore& core_;
  Connection* connection_ = nullptr;
  ExchangeListener* listener_ = nullptr;
  std::unique_ptr<http::RequestHead> head_;
  Endpoints endpoints_;
  ResponseWriter response_;
  BufferChain held_;  // waits until the responses before it have left (pipelining)
  uint64_t began_ns_ = 0;
  uint64_t drain_mark_ = 0;
  Progress progress_;
  uint32_t references_ = 0;
  bool body_ended_ = false;
  bool continue_sent_ = false;
  bool waits_for_drain_ = false;
  bool deferred_ =
      false;  // not given to the engine yet: an earlier request has to be answered first
  bool disconnect_told_ = false;
  bool aborted_ = false;   // the connection is cut when its turn has come
  bool complete_ = false;  // the response is complete and has been given to the stream
};

// A counted reference; copy it on the loop's thread only.
class ExchangeRef {
 public:
  ExchangeRef() noexcept = default;
  explicit ExchangeRef(Exchange& exchange) noexcept : exchange_(&exchange) {
    ++exchange.references_;
  }
  ExchangeRef(const ExchangeRef& other) noexcept : exchange_(other.exchange_) {
    if (exchange_) ++exchange_->references_;
  }
  ExchangeRef(ExchangeRef&& other) noexcept : exchange_(std::exchange(other.exchange_, nullptr)) {}
  ExchangeRef& operator=(ExchangeRef other) noexcept {
    std::swap(exchange_, other.exchange_);
    return *this;
  }
  ~ExchangeRef() { reset(); }
  void reset() noexcept;

  Exchange* get() const noexcept { return exchange_; }
  Exchange& operator*() const noexcept { return *exchange_; }
  Exchange* operator->() const noexcept { return exchange_; }
  explicit operator bool() const noexcept { return exchange_ != nullptr; }

 private:
  Exchange* exchange_ = nullptr;
};

}  // namespace cppcorn::server
