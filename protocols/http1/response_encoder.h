// ResponseEncoder: one HTTP/1 response, from calls to bytes (RFC 9112, RFC 9110), sans-IO. It
// decides the framing of the body (Content-Length, chunked, none, or until close), whether the
// connection survives, and refuses what an app must not send: wrong order, CR, LF or NUL in a
// field, a body longer or shorter than its Content-Length.
//
// One encoder per exchange, owned by it; used by one thread at a time (the loop's in ASGI, a pool
// thread's in WSGI).
//
//     inform* → start → add_header* → end_head → (begin_block payload end_block)* → finish
//
// The payload itself never passes through the encoder, so that it can leave without being copied.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocols/http/request_head.h"
#include "src/base/byte_buffer.h"

namespace cppcorn::http1 {

// What the encoder has to know of the request; taken from the head, so that it may outlive it.
struct RequestFacts {
  bool head_method = false;
  bool http10 = false;
  bool keep_alive = false;
  bool accepts_trailers = false;
  static RequestFacts of(const http::RequestHead& head) noexcept;
};

// Lines that every response carries unless the app sent its own; made once per worker, shared by
// all encoders.
struct ResponseDefaults {
  std::string_view server_line;  // "server: cppcorn\r\n", or empty
  std::string_view extra_lines;  // of --header: "name: value\r\n"..., or empty
  bool date = true;
};

// A mistake of the app, not of the client.
enum class EncodeError : uint8_t {
  kNone,
  kWrongOrder,
  kBadStatus,         // not 200..999 (inform: 100..199 without 101)
  kBadHeaderName,     // not a token (RFC 9110 section 5.1)
  kBadHeaderValue,    // CR, LF, NUL or another control character but tab (RFC 9110 section 5.5)
  kBadContentLength,  // not a number, or two different ones
  kBodyTooLong,       // more than Content-Length says
  kBodyTooShort,      // less than Content-Length says: the connection must be closed
};
std::string_view to_string(EncodeError error) noexcept;

class ResponseEncoder {
 public:
  ResponseEncoder(const RequestFacts& facts, const ResponseDefaults& defaults) noexcept;

  // A whole informational response (103 and such); nothing when the client speaks HTTP/1.0. Allowed
  // until end_head(): a head that was begun is then held in another buffer.
  [[nodiscard]] EncodeError inform(ByteBuffer& out, int status,
                                   std::span<const http::Field> fields);

  // The status line. An empty reason becomes the standard one.
  [[nodiscard]] EncodeError start(ByteBuffer& out, int status, std::string_view reason = {});
  // One field, name in any case, kept as it is. Framing fields (content-length, connection) are
  // noted, not trusted: "connection: close" closes; content-length is checked and then enforced.
  // PEP 3333 would let a server fail for Transfer-Encoding, Keep-Alive, Proxy-Connection, TE and
  // Upgrade; they are dropped without a word, as gunicorn does and ASGI asks for the first, because
  // apps that relay another server's answer send them. Only 426 keeps its Upgrade, which it must
  // have (RFC 9110 section 15.5.22).
  [[nodiscard]] EncodeError add_header(ByteBuffer& out, std::string_view name,
                                       std::string_view value);
  // Ends the head and decides the framing. body_bytes is the size of the whole body when it is
  // known already (then the head gets a Content-Length if the app gave none); nullopt when more may
  // come. date_line is "date: ...\r\n" of this second. close_after: the connection will not be used
  // again (draining).
  [[nodiscard]] EncodeError end_head(ByteBuffer& out, std::optional<uint64_t> body_bytes,
                                     std::string_view date_line, bool close_after);

  // Around each block of the body. begin_block writes the chunk-size line if there is one; the
  // caller then sends the payload only if sends_payload() (not for HEAD, 204, 304). A block of 0
  // bytes is no block: don't.
  [[nodiscard]] EncodeError begin_block(ByteBuffer& out, uint64_t bytes);
  void end_block(ByteBuffer& out);
  bool sends_payload() const noexcept;
  // Ends the body. trailers are sent only in a chunked response to a client that accepts them.
  // A faulty trailer ends nothing and writes nothing: call again without it.
  [[nodiscard]] EncodeError finish(ByteBuffer& out, std::span<const http::Field> trailers = {});

  bool started() const noexcept;     // start() was called
  bool head_ended() const noexcept;  // end_head() was called: a status can no longer be changed
  bool finished() const noexcept;
  // Whether the connection may be used for another request after this response. Valid once the head
  // has ended.
  bool keep_alive() const noexcept;
  int status() const noexcept;
  // Of payload that begin_block let through so far, for the access log.
  uint64_t body_bytes() const noexcept;
  std::optional<uint64_t> content_length() const noexcept;  // that the app declared

  // Forgets a head that was begun but has not left, so that an error response can take its place.
  void restart() noexcept;

 private:
  enum class State : uint8_t { kIdle, kHead, kBody, kFinished };
  enum class Framing : uint8_t { kNone, kLength, kChunked, kUntilClose };

  EncodeError add_special_header(ByteBuffer& out, std::string_view name, std::string_view value,
                                 bool* written);
  EncodeError add_content_length(std::string_view value, bool* written);
  void decide_framing(ByteBuffer& out, std::optional<uint64_t> body_bytes);

  RequestFacts facts_;
  const ResponseDefaults* defaults_;
  State state_ = State::kIdle;
  Framing framing_ = Framing::kNone;
  uint16_t status_ = 0;
  bool keep_alive_ = false;
  bool has_length_ = false;
  bool has_date_ = false;
  bool has_server_ = false;
  bool wants_close_ = false;
  bool has_upgrade_ = false;
  bool block_open_ = false;
  uint64_t length_ = 0;
  uint64_t sent_ = 0;
};

}  // namespace cppcorn::http1
