#include "src/config/printable.h"

#include <fmt/format.h>

#include <iterator>

#include "src/config/settings_json.h"

namespace cppcorn::config {

std::string printable(std::string_view text) {
  const bool ascii_only = !is_utf8(text);
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (ascii_only && byte > 0x7f)) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace cppcorn::config
