#include "src/net/socket_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/un.h>

#include "tests/unit/src/net/testing.h"

namespace cppcorn::net {
namespace {

SocketAddress v6(const char* text, uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  EXPECT_EQ(inet_pton(AF_INET6, text, &address.sin6_addr), 1);
  return SocketAddress::from(reinterpret_cast<sockaddr*>(&address), sizeof address);
}

TEST(SocketAddress, Ipv4) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(8000);
  inet_pton(AF_INET, "192.0.2.1", &address.sin_addr);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  const SocketAddress result = SocketAddress::from(any, sizeof address);
  EXPECT_TRUE(result.is_ip());
  EXPECT_EQ(result.host(), "192.0.2.1");
  EXPECT_EQ(result.port(), 8000);
  EXPECT_EQ(result.to_string(), "192.0.2.1:8000");
  EXPECT_FALSE(SocketAddress::from(any, sizeof address - 1).is_ip()) << "cut off";
}

TEST(SocketAddress, Ipv6) {
  EXPECT_EQ(v6("2001:db8::1", 443).to_string(), "[2001:db8::1]:443");
  EXPECT_EQ(v6("::ffff:192.0.2.7", 80).to_string(), "192.0.2.7:80");
  EXPECT_EQ(v6("::1", 1).host(), "::1");
}

TEST(SocketAddress, UnixAndNothing) {
  const testing::SocketPair pair = testing::unix_pair();
  const SocketAddress local = SocketAddress::local_of(pair.ours.get());
  EXPECT_TRUE(local.is_unix());
  EXPECT_EQ(local.to_string(), "unix");
  EXPECT_EQ(local.host(), "");
  EXPECT_EQ(local.port(), 0);
  EXPECT_FALSE(SocketAddress().is_unix());
  EXPECT_FALSE(SocketAddress::local_of(-1).is_ip());
  EXPECT_EQ(SocketAddress::from(nullptr, 0).to_string(), "");
}

}  // namespace
}  // namespace cppcorn::net
