#include "src/config/bind_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <climits>

#include "src/base/ascii.h"

namespace cppcorn::config {
namespace {

constexpr std::string_view kEveryIpv4 = "0.0.0.0";
constexpr size_t kHostBytesMax = 253;  // RFC 1035 section 2.3.4, as text

bool take_prefix(std::string_view& text, std::string_view prefix) noexcept {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool is_ipv6(std::string_view host) {
  in6_addr address;
  const std::string bare(host.substr(0, host.find('%')));  // a zone only the kernel can check
  return inet_pton(AF_INET6, bare.c_str(), &address) == 1;
}

// A name or an IPv4 address. What only looks like an address ("127.0.0.256") is left to the
// resolver.
bool is_host(std::string_view host) noexcept {
  const auto fits = [](char c) {
    const char lower = ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  };
  return !host.empty() && host.size() <= kHostBytesMax &&
         std::all_of(host.begin(), host.end(), fits);
}

Result<BindAddress> unix_address(std::string_view path) {
  if (path.substr(0, 2) == "//") path.remove_prefix(2);  // unix://PATH
  constexpr size_t kPathBytesMax = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty()) return Error{"a path must follow unix:"};
  if (path.find('\0') != path.npos) return Error{"the path holds a NUL"};
  if (path.size() > kPathBytesMax) {
    return Error{fmt::format("the path of a unix socket has at most {} bytes", kPathBytesMax)};
  }
  BindAddress address;
  address.kind = BindAddress::Kind::kUnix;
  address.path = path;
  return address;
}

Result<BindAddress> descriptor_address(std::string_view text) {
  const std::optional<uint64_t> number = parse_decimal(text);
  if (!number || *number > INT_MAX) return Error{"the number of a descriptor must follow fd://"};
  BindAddress address;
  address.kind = BindAddress::Kind::kDescriptor;
  address.descriptor = static_cast<int>(*number);
  return address;
}

Result<BindAddress> tcp_address(std::string_view host, std::string_view port) {
  const std::optional<uint64_t> number = parse_decimal(port);
  if (!number || *number > UINT16_MAX) return Error{"the port is a number from 0 to 65535"};
  BindAddress address;
  address.host = host.empty() ? kEveryIpv4 : host;
  address.port = static_cast<uint16_t>(*number);
  return address;
}

Result<BindAddress> bracketed_address(std::string_view text) {
  const size_t end = text.find(']');
  const std::string_view host = text.substr(1, end == text.npos ? end : end - 1);
  if (end == text.npos || !is_ipv6(host)) return Error{"an IPv6 address is written [::1]:8000"};
  const std::string_view rest = text.substr(end + 1);
  if (rest.empty()) return tcp_address(host, std::to_string(kDefaultPort));
  if (rest.front() != ':') return Error{"a port follows an address as [::1]:8000"};
  return tcp_address(host, rest.substr(1));
}

}  // namespace

std::string BindAddress::to_string() const {
  switch (kind) {
    case Kind::kUnix: return "unix:" + path;
    case Kind::kDescriptor: return fmt::format("fd://{}", descriptor);
    case Kind::kTcp: break;
  }
  const bool ipv6 = host.find(':') != host.npos;
  return ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<BindAddress> parse_bind_address(std::string_view text) {
  if (take_prefix(text, "unix:")) return unix_address(text);
  if (take_prefix(text, "fd://")) return descriptor_address(text);
  take_prefix(text, "tcp://");
  if (text.empty()) return Error{"an address is HOST:PORT, unix:PATH or fd://N"};
  if (text.front() == '[') return bracketed_address(text);
  const size_t colon = text.find(':');
  const std::string_view host = text.substr(0, colon);
  if (colon != text.npos && text.find(':', colon + 1) != text.npos) {
    return Error{"an IPv6 address is written [::1]:8000"};
  }
  if (!(host.empty() && colon != text.npos) && !is_host(host)) {
    return Error{"an address is HOST:PORT, unix:PATH or fd://N"};
  }
  return tcp_address(host, colon == text.npos ? std::to_string(kDefaultPort)
                                              : std::string(text.substr(colon + 1)));
}

}  // namespace cppcorn::config
