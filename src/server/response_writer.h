// ResponseWriter: one response on its way out: the encoder, the head that is held back until the
// first body block (so that head and body leave in one write, and an error can still replace the
// head), and the bytes that are ready. Sans-IO: used on the loop's thread by ASGI, through its
// exchange, and on a pool thread by WSGI, which hands the bytes over. One per exchange; used by one
// thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocols/http/date.h"
#include "protocols/http1/response_encoder.h"
#include "src/base/buffer_chain.h"

namespace cppcorn::server {

// What all responses of a worker share. Outlives every writer.
struct ResponseShared {
  http1::ResponseDefaults defaults;
};

class ResponseWriter {
 public:
  ResponseWriter(const http1::RequestFacts& facts, const ResponseShared& shared) noexcept;

  // 1xx: leaves at once, before the head.
  [[nodiscard]] http1::EncodeError inform(int status, std::span<const http::Field> fields);

  // Begins the head. It is held back until body(), file() or finish().
  [[nodiscard]] http1::EncodeError start(int status, std::string_view reason = {});
  [[nodiscard]] http1::EncodeError add_header(std::string_view name, std::string_view value);

  // A block of the body; last says that nothing follows, which lets a first block get a
  // Content-Length. Empty blocks are allowed. bytes is copied when small and else kept until sent
  // (released in any case, also on an error).
  [[nodiscard]] http1::EncodeError body(std::string_view bytes, bool last, http::DateLine& date,
                                        int64_t now_s);
  [[nodiscard]] http1::EncodeError body(const ForeignBytes& bytes, bool last, http::DateLine& date,
                                        int64_t now_s);
  [[nodiscard]] http1::EncodeError file(FileRange range, bool last, http::DateLine& date,
                                        int64_t now_s);
  // Ends the body after blocks that were not the last, with trailers if the client accepts them.
  [[nodiscard]] http1::EncodeError finish(std::span<const http::Field> trailers,
                                          http::DateLine& date, int64_t now_s);

  // Whether the connection will not be used again; to be said before the head leaves.
  void set_close_after(bool close) noexcept { close_after_ = close; }
  // Drops a head that has not left (an error response takes its place). False when it has left.
  bool restart() noexcept;

  bool started() const noexcept { return encoder_.started(); }
  bool head_left() const noexcept { return encoder_.head_ended(); }
  bool finished() const noexcept { return encoder_.finished(); }
  const http1::ResponseEncoder& encoder() const noexcept { return encoder_; }

  // Encoded bytes, ready to be sent: whoever sends them takes them out.
  BufferChain& ready() noexcept { return ready_; }
  // The head's bytes as they left, for an access log that asks for response headers; empty unless
  // keep_head() was called.
  void keep_head() noexcept { keep_head_ = true; }
  std::string_view kept_head() const noexcept { return kept_head_.view(); }

 private:
  http1::EncodeError release_head(std::optional<uint64_t> body_bytes, http::DateLine& date,
                                  int64_t now_s);
  http1::EncodeError begin(uint64_t bytes, bool last, http::DateLine& date, int64_t now_s);
  http1::EncodeError end(uint64_t bytes, bool last);

  http1::ResponseEncoder encoder_;
  ByteBuffer head_;
  BufferChain ready_;
  ByteBuffer kept_head_;
  bool head_method_ = false;
  bool close_after_ = false;
  bool keep_head_ = false;
};

}  // namespace cppcorn::server
