// The response encoder under any order of calls with any text. Input: one byte of facts about the
// request, then calls: a letter, a length byte, and that many bytes. The invariants: what an app
// says never ends a line or a head by itself, the body is as long as it was announced, and a
// refused call writes nothing.
#include "protocols/http1/response_encoder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/assert.h"

namespace {

using namespace cppcorn;
using http1::EncodeError;

class AppCalls {
 public:
  explicit AppCalls(uint8_t facts)
      : encoder_({.head_method = (facts & 1) != 0,
                  .http10 = (facts & 2) != 0,
                  .keep_alive = (facts & 4) != 0,
                  .accepts_trailers = (facts & 8) != 0},
                 defaults_) {}

  void call(char verb, std::string_view text) {
    const size_t before = out_.size();
    const EncodeError error = make(verb, text);
    CPPCORN_CHECK(to_string(error).size() > 0);
    if (error != EncodeError::kNone) CPPCORN_CHECK(out_.size() == before);
    CPPCORN_CHECK(!encoder_.finished() || encoder_.head_ended());
    CPPCORN_CHECK(!encoder_.head_ended() || encoder_.started());
  }

  // Every line of every head has the form that it must have, whatever the app said.
  void check_heads() const {
    std::string_view text = heads_;
    bool status_line = true;
    while (!text.empty()) {
      const size_t end = text.find("\r\n");
      CPPCORN_CHECK(end != std::string_view::npos);
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end + 2);
      CPPCORN_CHECK(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
      CPPCORN_CHECK(line.empty() || status_line == line.starts_with("HTTP/1.1 "));
      CPPCORN_CHECK(line.empty() || status_line || line.find(": ") != std::string_view::npos);
      status_line = line.empty();
    }
  }

 private:
  EncodeError make(char verb, std::string_view text) {
    const size_t before = out_.size();
    const size_t colon = std::min(text.find(':'), text.size());
    const http::Field field{text.substr(0, colon), text.substr(std::min(colon + 1, text.size()))};
    const int status = text.empty() ? 200 : static_cast<unsigned char>(text[0]) * 5;
    EncodeError error = EncodeError::kNone;
    switch (verb) {
      case 'i': error = encoder_.inform(out_, status, std::span(&field, 1)); break;
      case 's':
        error = encoder_.start(out_, status, text.substr(std::min<size_t>(1, text.size())));
        break;
      case 'h': error = encoder_.add_header(out_, field.name, field.value); break;
      case 'e': error = end_head(text); break;
      case 'b': return block(text);
      case 'f': return finish(field, !text.empty());
      case 'r':
        if (encoder_.head_ended()) return EncodeError::kNone;
        encoder_.restart();
        out_.clear();
        heads_.clear();
        return EncodeError::kNone;
      default: return EncodeError::kNone;
    }
    heads_.append(out_.view().substr(before));
    return error;
  }

  EncodeError end_head(std::string_view text) {
    const auto known = text.empty() ? std::nullopt : std::optional<uint64_t>(text.size() - 1);
    return encoder_.end_head(out_, known, "date: now\r\n", text.size() % 2 == 0);
  }

  EncodeError block(std::string_view text) {
    const EncodeError error = encoder_.begin_block(out_, text.size());
    if (error != EncodeError::kNone) return error;
    if (encoder_.sends_payload()) payload_ += text.size();
    if (encoder_.sends_payload()) out_.append(text);
    encoder_.end_block(out_);
    CPPCORN_CHECK(encoder_.body_bytes() == payload_);
    return error;
  }

  EncodeError finish(const http::Field& trailer, bool with_trailer) {
    const bool sends_payload = encoder_.sends_payload();
    const EncodeError error = encoder_.finish(out_, std::span(&trailer, with_trailer ? 1 : 0));
    if (error == EncodeError::kBodyTooShort) CPPCORN_CHECK(!encoder_.keep_alive());
    if (error == EncodeError::kNone && sends_payload && encoder_.content_length()) {
      CPPCORN_CHECK(payload_ == *encoder_.content_length());
    }
    return error;
  }

  const http1::ResponseDefaults defaults_{"server: fuzz\r\n", "x-extra: 1\r\n", true};
  http1::ResponseEncoder encoder_;
  ByteBuffer out_;
  std::string heads_;
  uint64_t payload_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  AppCalls app(data[0]);
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (rest.size() >= 2) {
    const size_t length = std::min<size_t>(static_cast<unsigned char>(rest[1]), rest.size() - 2);
    app.call(rest[0], rest.substr(2, length));
    rest.remove_prefix(2 + length);
  }
  app.check_heads();
  return 0;
}
