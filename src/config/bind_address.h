// BindAddress: one place to listen at, as -b names it. A value type; whoever binds resolves the
// host name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/result.h"

namespace cppcorn::config {

struct BindAddress {
  enum class Kind : uint8_t { kTcp, kUnix, kDescriptor };

  Kind kind = Kind::kTcp;
  std::string host;     // kTcp: an IP address without brackets (perhaps with %zone), or a name
  uint16_t port = 0;    // kTcp; 0: the kernel picks one
  std::string path;     // kUnix
  int descriptor = -1;  // kDescriptor: inherited, bound already

  // "127.0.0.1:8000", "[::1]:8000", "unix:/run/app.sock", "fd://3": reads back as the same address.
  std::string to_string() const;
  // Port 0: each socket made of this address gets a port of its own.
  bool is_any_port() const noexcept { return kind == Kind::kTcp && port == 0; }
  bool operator==(const BindAddress&) const = default;
};

constexpr uint16_t kDefaultPort = 8000;

// Reads HOST:PORT, HOST, :PORT (every IPv4 address), [IPV6]:PORT, [IPV6], unix:PATH or fd://N.
// Without a port it is kDefaultPort. The error says what is wrong with the text.
Result<BindAddress> parse_bind_address(std::string_view text);

}  // namespace cppcorn::config
