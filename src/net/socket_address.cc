#include "src/net/socket_address.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cstring>

namespace cppcorn::net {

SocketAddress SocketAddress::from(const sockaddr* address, unsigned size) noexcept {
  SocketAddress result;
  // The size is 0 for a unix peer without a name, which then has no family to read.
  if (address == nullptr || size < sizeof(sa_family_t)) return result;
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    std::memcpy(&result.address_.v4, address, sizeof(sockaddr_in));
  } else if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    std::memcpy(&result.address_.v6, address, sizeof(sockaddr_in6));
  } else if (address->sa_family == AF_UNIX) {
    result.address_.v4.sin_family = AF_UNIX;
  }
  return result;
}

SocketAddress SocketAddress::local_of(int fd) noexcept {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (getsockname(fd, address, &size) != 0) return {};
  return from(address, size);
}

bool SocketAddress::operator==(const SocketAddress& other) const noexcept {
  if (family() != other.family()) return false;
  if (family() == AF_INET) {
    return address_.v4.sin_port == other.address_.v4.sin_port &&
           address_.v4.sin_addr.s_addr == other.address_.v4.sin_addr.s_addr;
  }
  if (family() != AF_INET6) return true;
  return address_.v6.sin6_port == other.address_.v6.sin6_port &&
         address_.v6.sin6_scope_id == other.address_.v6.sin6_scope_id &&
         IN6_ARE_ADDR_EQUAL(&address_.v6.sin6_addr, &other.address_.v6.sin6_addr);
}

bool SocketAddress::is_wildcard() const noexcept {
  if (family() == AF_INET) return address_.v4.sin_addr.s_addr == htonl(INADDR_ANY);
  return family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address_.v6.sin6_addr);
}

uint16_t SocketAddress::port() const noexcept {
  if (family() == AF_INET) return ntohs(address_.v4.sin_port);
  if (family() == AF_INET6) return ntohs(address_.v6.sin6_port);
  return 0;
}

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN];
  if (family() == AF_INET) {
    return inet_ntop(AF_INET, &address_.v4.sin_addr, text, sizeof text);
  }
  if (family() == AF_INET6) {
    const in6_addr& v6 = address_.v6.sin6_addr;
    // A dual-stack socket tells IPv4 peers this way (RFC 4291 section 2.5.5.2).
    if (IN6_IS_ADDR_V4MAPPED(&v6)) return inet_ntop(AF_INET, &v6.s6_addr[12], text, sizeof text);
    return inet_ntop(AF_INET6, &v6, text, sizeof text);
  }
  return {};
}

std::string SocketAddress::to_string() const {
  if (!is_ip()) return is_unix() ? "unix" : "";
  const std::string name = host();
  const bool brackets = name.find(':') != std::string::npos;
  return (brackets ? "[" + name + "]" : name) + ":" + std::to_string(port());
}

}  // namespace cppcorn::net
