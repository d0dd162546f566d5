// RequestParser: HTTP/1.0 and HTTP/1.1 requests out of a stream of bytes (RFC 9112), sans-IO: bytes
// in, events out. llhttp in strict mode does the lexical work behind this header; message_framing
// decides where a message ends, and everything that llhttp lets through but we don't is checked
// here. One parser per connection, owned by it.
//
// Nothing behind a refused request is ever parsed: after on_refused the parser is dead and eats all
// bytes.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "protocols/http/limits.h"
#include "protocols/http/refusal.h"
#include "protocols/http/request_head.h"

namespace cppcorn::http1 {

class RequestParser {
 public:
  // Receives the events, in the order of the bytes. Any of them may call pause(); none may destroy
  // the parser.
  class Listener {
   public:
    // Where the parser puts the next head: a fresh or recycled, empty one. Called at a request's
    // first byte.
    virtual std::unique_ptr<http::RequestHead> new_head() = 0;
    // The head is complete and valid. A body follows when head->has_body(); on_request_end follows
    // in any case.
    virtual void on_request(std::unique_ptr<http::RequestHead> head) = 0;
    // A piece of the body, chunk framing removed; the view dies with the call. Never empty.
    virtual void on_body(std::string_view bytes) = 0;
    // The request is complete. trailers (lower-case names) is nullptr when there were none.
    virtual void on_request_end(const std::vector<http::Field>* trailers) = 0;
    // The head was refused (in_body false: no on_request was sent), or the body broke (in_body
    // true).
    virtual void on_refused(const http::Refusal& refusal, bool in_body) = 0;

   protected:
    ~Listener() = default;
  };

  RequestParser(const http::Limits& limits, Listener& listener) noexcept;
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Parses bytes. Returns how many were consumed: all of them, or fewer when a listener called
  // pause(): keep the rest, and give it again after resume(). An event that needs no more bytes is
  // not held back by a pause: on_request_end follows on_request at once when there is no body, and
  // the last on_body of a known length.
  size_t receive(std::string_view bytes);
  // The client sent FIN. In the middle of a message: on_refused with 400 ("ended early"), else
  // nothing.
  void receive_eof();

  void pause() noexcept;
  void resume() noexcept;
  bool paused() const noexcept;
  // Between two requests: not one byte of the next has come (empty lines before a request line
  // don't count).
  bool idle() const noexcept;
  bool in_head() const noexcept;
  bool in_body() const noexcept;
  // Refused or ended: no more events will come.
  bool dead() const noexcept;
  // Bytes that a parser costs while it is idle.
  static size_t idle_memory() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cppcorn::http1
