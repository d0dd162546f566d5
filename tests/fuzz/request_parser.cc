// The HTTP/1 request parser on any bytes. Input: one byte that chooses the limits, two that choose
// where the bytes are cut, then the bytes. The invariants: the events are the same whole, in two
// pieces, in single bytes and with a pause at every event; what comes out is clean; nothing follows
// a refusal.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocols/http/token.h"
#include "src/base/assert.h"
#include "tests/conformance/recorder.h"

namespace {

using namespace cppcorn;

http::Limits choose_limits(uint8_t choice) {
  http::Limits limits;
  if (choice & 1) limits.request_line_bytes_max = 24;
  if (choice & 2) limits.fields_max = 3;
  if (choice & 4) limits.field_bytes_max = 30;
  if (choice & 8) limits.head_bytes_max = 100;
  if (choice & 16) limits.body_bytes_max = 8;
  if (choice & 32) limits.fields_max = limits.field_bytes_max = limits.request_line_bytes_max = 0;
  return limits;
}

void check_heads(http1::Recorder& recorder, const http::Limits& limits) {
  using http::character::kFieldValue;
  using http::character::kTarget;
  for (const auto& head : recorder.heads()) {
    CPPCORN_CHECK(http::is_token(head->method()));
    CPPCORN_CHECK(!head->target().empty() && http::consists_of(head->target(), kTarget));
    CPPCORN_CHECK(head->path().starts_with('/') || head->path() == "*");
    CPPCORN_CHECK(!(head->chunked() && head->has_content_length()));
    size_t hosts = 0;
    for (size_t i = 0; i < head->field_count(); ++i) {
      const http::Field field = head->field(i);
      CPPCORN_CHECK(http::is_token(field.name));
      for (const char byte : field.name) CPPCORN_CHECK(http::to_lower(byte) == byte);
      CPPCORN_CHECK(http::consists_of(field.value, kFieldValue) &&
                    http::trim(field.value) == field.value);
      hosts += field.name == "host";
    }
    CPPCORN_CHECK(hosts == 1 || (hosts == 0 && head->version_minor() == 0));
    // One more for the Host field that the absolute form brings along.
    CPPCORN_CHECK(limits.fields_max == 0 || head->field_count() <= limits.fields_max + 1);
    if (limits.body_bytes_max != 0) CPPCORN_CHECK(head->content_length() <= limits.body_bytes_max);
  }
}

std::string run(std::string_view bytes, size_t cut, const http::Limits& limits, bool pausing) {
  http1::Recorder recorder(limits);
  recorder.pause_at_events = pausing;
  recorder.feed(bytes.substr(0, cut));
  recorder.feed(bytes.substr(cut));
  recorder.feed_eof();
  check_heads(recorder, limits);
  CPPCORN_CHECK(recorder.parser().dead());
  const std::string text = recorder.text();
  const size_t refused = text.find("\nrefused ");
  if (refused != std::string::npos) CPPCORN_CHECK(text.find('\n', refused + 1) == text.size() - 1);

  return text;
}

std::string run_in_bytes(std::string_view bytes, const http::Limits& limits) {
  http1::Recorder recorder(limits);
  for (size_t i = 0; i < bytes.size(); ++i) recorder.feed(bytes.substr(i, 1));
  recorder.feed_eof();
  return recorder.text();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kChoices = 3;
  if (size < kChoices) return 0;
  const http::Limits limits = choose_limits(data[0]);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + kChoices, size - kChoices);
  const size_t cut =
      bytes.empty() ? 0 : static_cast<size_t>(data[1] * 256 + data[2]) % bytes.size();
  const std::string whole = run(bytes, 0, limits, false);
  CPPCORN_CHECK(run(bytes, cut, limits, false) == whole);
  CPPCORN_CHECK(run(bytes, cut, limits, true) == whole);
  CPPCORN_CHECK(run_in_bytes(bytes, limits) == whole);
  return 0;
}
