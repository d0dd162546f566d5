#include "protocols/http1/trailer_section.h"

#include <algorithm>
#include <array>

#include "protocols/http/token.h"

namespace cppcorn::http1 {
namespace {

constexpr auto kRefused =
    std::to_array<std::string_view>({"content-length", "host", "transfer-encoding"});

constexpr auto kDropped = std::to_array<std::string_view>({
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
});

template <size_t count>
bool contains(const std::array<std::string_view, count>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

void TrailerSection::begin_field() {
  spans_.push_back({{static_cast<uint32_t>(text_.size()), 0}, {}});
}

void TrailerSection::append_name(std::string_view piece) {
  for (const char byte : piece) text_.push_back(http::to_lower(byte));
  spans_.back().name.size += static_cast<uint32_t>(piece.size());
}

void TrailerSection::append_value(std::string_view piece) {
  http::RequestHead::Span& value = spans_.back().value;
  if (value.size == 0) value.begin = static_cast<uint32_t>(text_.size());
  text_.append(piece);
  value.size += static_cast<uint32_t>(piece.size());
}

std::optional<http::Refusal> TrailerSection::finish() {
  fields_.reserve(spans_.size());
  const std::string_view text = text_.view();
  for (const auto& span : spans_) {
    const std::string_view name = text.substr(span.name.begin, span.name.size);
    if (contains(kRefused, name)) return http::Refusal{400, "framing field in the trailers"};
    if (contains(kDropped, name)) continue;
    fields_.push_back({name, http::trim(text.substr(span.value.begin, span.value.size))});
  }
  return std::nullopt;
}

}  // namespace cppcorn::http1
