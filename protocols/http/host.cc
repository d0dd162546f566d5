#include "protocols/http/host.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "protocols/http/token.h"

namespace cppcorn::http {
namespace {

constexpr bool is_digit(char byte) noexcept { return byte >= '0' && byte <= '9'; }

constexpr int hex_value(char byte) noexcept {
  if (is_digit(byte)) return byte - '0';
  const char lower = to_lower(byte);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// ":8000", or ":" alone, which RFC 3986 allows and means the default port.
bool is_valid_port(std::string_view text) noexcept {
  constexpr size_t kDigitsMax = 5;
  constexpr unsigned kPortMax = 65535;
  if (text.empty()) return true;
  text.remove_prefix(1);
  if (text.size() > kDigitsMax || !std::all_of(text.begin(), text.end(), is_digit)) return false;
  unsigned port = 0;
  for (const char digit : text) port = port * 10 + static_cast<unsigned>(digit - '0');
  return port <= kPortMax;
}

// What stands between the brackets.
bool is_valid_ipv6(std::string_view text) noexcept {
  char copy[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof copy || text.find('\0') != std::string_view::npos) return false;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  in6_addr address;
  return inet_pton(AF_INET6, copy, &address) == 1;
}

// Percent triplets stand for UTF-8 beyond ASCII only; "%2f" for a slash would mean something else
// to each reader.
bool is_valid_name(std::string_view text) noexcept {
  constexpr int kFirstBeyondAscii = 8;  // as the high half of the byte
  for (size_t i = 0; i < text.size(); ++i) {
    if (character::is(text[i], character::kHostName)) continue;
    if (text[i] != '%' || text.size() - i < 3) return false;
    if (hex_value(text[i + 1]) < kFirstBeyondAscii || hex_value(text[i + 2]) < 0) return false;
    i += 2;
  }
  return !text.empty();
}

}  // namespace

bool is_valid_authority(std::string_view text) noexcept {
  if (text.empty()) return false;
  if (text.front() == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    const std::string_view behind = text.substr(close + 1);
    if (!behind.empty() && behind.front() != ':') return false;
    return is_valid_ipv6(text.substr(1, close - 1)) && is_valid_port(behind);
  }
  const size_t colon = std::min(text.find(':'), text.size());
  return is_valid_name(text.substr(0, colon)) && is_valid_port(text.substr(colon));
}

}  // namespace cppcorn::http
