// SocketAddress: where a peer is or what a socket is bound to: IPv4, IPv6 or a unix path. 28 bytes
// for IP; a unix peer has no name worth keeping. A value type.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>

struct sockaddr;

namespace cppcorn::net {

class SocketAddress {
 public:
  SocketAddress() noexcept { address_.v4.sin_family = AF_UNSPEC; }
  static SocketAddress from(const sockaddr* address, unsigned size) noexcept;
  static SocketAddress local_of(int fd) noexcept;

  // The same family, address and port; unix peers are all alike.
  bool operator==(const SocketAddress& other) const noexcept;

  bool is_ip() const noexcept { return family() == AF_INET || family() == AF_INET6; }
  bool is_unix() const noexcept { return family() == AF_UNIX; }
  int family() const noexcept { return address_.v4.sin_family; }
  // 0.0.0.0 or [::]: bound to every address of the machine.
  bool is_wildcard() const noexcept;
  uint16_t port() const noexcept;
  // "192.0.2.1", "2001:db8::1" (an IPv4-mapped IPv6 address as IPv4); empty for unix.
  std::string host() const;
  // "192.0.2.1:8000", "[2001:db8::1]:8000", or "unix".
  std::string to_string() const;

 private:
  union {
    sockaddr_in v4;
    sockaddr_in6 v6;
  } address_{};
};

}  // namespace cppcorn::net
