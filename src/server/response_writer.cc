#include "src/server/response_writer.h"

#include <utility>

#include "protocols/http/status.h"

namespace cppcorn::server {

using http1::EncodeError;

ResponseWriter::ResponseWriter(const http1::RequestFacts& facts,
                               const ResponseShared& shared) noexcept
    : encoder_(facts, shared.defaults), head_method_(facts.head_method) {}

EncodeError ResponseWriter::inform(int status, std::span<const http::Field> fields) {
  return ready_.append_with([&](ByteBuffer& out) { return encoder_.inform(out, status, fields); });
}

EncodeError ResponseWriter::start(int status, std::string_view reason) {
  return encoder_.start(head_, status, reason);
}

EncodeError ResponseWriter::add_header(std::string_view name, std::string_view value) {
  return encoder_.add_header(head_, name, value);
}

EncodeError ResponseWriter::release_head(std::optional<uint64_t> body_bytes, http::DateLine& date,
                                         int64_t now_s) {
  const EncodeError error = encoder_.end_head(head_, body_bytes, date.at(now_s), close_after_);
  if (error != EncodeError::kNone) return error;
  if (keep_head_) kept_head_.append(head_.view());
  ready_.append(std::move(head_));
  return EncodeError::kNone;
}

EncodeError ResponseWriter::begin(uint64_t bytes, bool last, http::DateLine& date, int64_t now_s) {
  if (!encoder_.head_ended()) {
    // Found while the head can still make room for an error.
    const bool has_payload = !head_method_ && !http::status_has_no_body(encoder_.status());
    if (has_payload && bytes > encoder_.content_length().value_or(bytes)) {
      return EncodeError::kBodyTooLong;
    }
    const EncodeError error =
        release_head(last ? std::optional<uint64_t>(bytes) : std::nullopt, date, now_s);
    if (error != EncodeError::kNone) return error;
  }
  if (bytes == 0) return EncodeError::kNone;
  return ready_.append_with([&](ByteBuffer& out) { return encoder_.begin_block(out, bytes); });
}

EncodeError ResponseWriter::end(uint64_t bytes, bool last) {
  return ready_.append_with([&](ByteBuffer& out) {
    if (bytes > 0) encoder_.end_block(out);
    return last ? encoder_.finish(out) : EncodeError::kNone;
  });
}

EncodeError ResponseWriter::body(std::string_view bytes, bool last, http::DateLine& date,
                                 int64_t now_s) {
  const EncodeError error = begin(bytes.size(), last, date, now_s);
  if (error != EncodeError::kNone) return error;
  if (encoder_.sends_payload()) ready_.append(bytes);
  return end(bytes.size(), last);
}

EncodeError ResponseWriter::body(const ForeignBytes& bytes, bool last, http::DateLine& date,
                                 int64_t now_s) {
  const EncodeError error = begin(bytes.size, last, date, now_s);
  if (error == EncodeError::kNone && encoder_.sends_payload()) {
    ready_.append(bytes);
  } else {
    bytes.release(bytes.owner);
  }
  return error == EncodeError::kNone ? end(bytes.size, last) : error;
}

EncodeError ResponseWriter::file(FileRange range, bool last, http::DateLine& date, int64_t now_s) {
  const uint64_t bytes = range.size;
  const EncodeError error = begin(bytes, last, date, now_s);
  if (error != EncodeError::kNone) return error;
  if (bytes > 0 && encoder_.sends_payload()) ready_.append(std::move(range));
  return end(bytes, last);
}

EncodeError ResponseWriter::finish(std::span<const http::Field> trailers, http::DateLine& date,
                                   int64_t now_s) {
  if (!encoder_.head_ended()) {
    const bool may_have_trailers = !trailers.empty();
    const EncodeError error =
        release_head(may_have_trailers ? std::nullopt : std::optional<uint64_t>(0), date, now_s);
    if (error != EncodeError::kNone) return error;
  }
  return ready_.append_with([&](ByteBuffer& out) { return encoder_.finish(out, trailers); });
}

bool ResponseWriter::restart() noexcept {
  if (encoder_.head_ended()) return false;
  encoder_.restart();
  head_.clear();
  return true;
}

}  // namespace cppcorn::server
