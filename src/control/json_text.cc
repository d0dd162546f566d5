#include "src/control/json_text.h"

#include <fmt/format.h>

#include <cstddef>
#include <iterator>

namespace cppcorn::control {
namespace {

struct Lead {
  size_t length;             // of the whole sequence; 0: no sequence begins like this
  unsigned char second_min;  // RFC 3629 section 4: neither overlong forms nor surrogates
  unsigned char second_max;
};

Lead classify(unsigned char byte) noexcept {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xc2 || byte > 0xf4) return {0, 0, 0};
  if (byte < 0xe0) return {2, 0x80, 0xbf};
  if (byte < 0xf0)
    return {3, byte == 0xe0 ? uint8_t{0xa0} : uint8_t{0x80},
            byte == 0xed ? uint8_t{0x9f} : uint8_t{0xbf}};
  return {4, byte == 0xf0 ? uint8_t{0x90} : uint8_t{0x80},
          byte == 0xf4 ? uint8_t{0x8f} : uint8_t{0xbf}};
}

// The length of the well-formed sequence that the text begins with; 0 when it begins with none.
size_t sequence_length(std::string_view text) noexcept {
  const auto byte = [&](size_t index) { return static_cast<unsigned char>(text[index]); };
  const Lead lead = classify(byte(0));
  if (lead.length <= 1) return lead.length;
  if (text.size() < lead.length) return 0;
  if (byte(1) < lead.second_min || byte(1) > lead.second_max) return 0;
  for (size_t i = 2; i < lead.length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return lead.length;
}

void append_ascii(std::string& out, char byte) {
  switch (byte) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  if (static_cast<unsigned char>(byte) < 0x20) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(byte));
  } else {
    out += byte;
  }
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const size_t length = sequence_length(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (length == 1) {
      append_ascii(out, text.front());
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

}  // namespace cppcorn::control
