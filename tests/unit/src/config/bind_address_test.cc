#include "src/config/bind_address.h"

#include <gtest/gtest.h>

#include <string>

namespace cppcorn::config {
namespace {

struct Case {
  const char* text;
  const char* canonical;
};

TEST(BindAddress, EveryFormReadsAndWritesBack) {
  constexpr Case kCases[] = {
      {"127.0.0.1:8000", "127.0.0.1:8000"},
      {"127.0.0.1", "127.0.0.1:8000"},
      {":80", "0.0.0.0:80"},
      {"localhost:0", "localhost:0"},
      {"my-host.example_1:65535", "my-host.example_1:65535"},
      {"tcp://10.0.0.1:81", "10.0.0.1:81"},
      {"[::1]:8001", "[::1]:8001"},
      {"[::]", "[::]:8000"},
      {"[fe80::1%eth0]:9", "[fe80::1%eth0]:9"},
      {"unix:/run/app.sock", "unix:/run/app.sock"},
      {"unix:///run/app.sock", "unix:/run/app.sock"},
      {"unix:relative.sock", "unix:relative.sock"},
      {"fd://3", "fd://3"},
  };
  for (const Case& each : kCases) {
    Result<BindAddress> address = parse_bind_address(each.text);
    ASSERT_TRUE(address) << each.text << ": " << address.error().message;
    EXPECT_EQ(address->to_string(), each.canonical);
    Result<BindAddress> again = parse_bind_address(each.canonical);
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, *address);
  }
}

TEST(BindAddress, PartsAreTyped) {
  const BindAddress tcp = *parse_bind_address("[::1]:8001");
  EXPECT_EQ(tcp.kind, BindAddress::Kind::kTcp);
  EXPECT_EQ(tcp.host, "::1");
  EXPECT_EQ(tcp.port, 8001);
  const BindAddress path = *parse_bind_address("unix:/a");
  EXPECT_EQ(path.kind, BindAddress::Kind::kUnix);
  EXPECT_EQ(path.path, "/a");
  const BindAddress inherited = *parse_bind_address("fd://12");
  EXPECT_EQ(inherited.kind, BindAddress::Kind::kDescriptor);
  EXPECT_EQ(inherited.descriptor, 12);
}

TEST(BindAddress, SaysWhatIsWrong) {
  constexpr Case kCases[] = {
      {"", "an address is HOST:PORT, unix:PATH or fd://N"},
      {"host name:80", "an address is HOST:PORT, unix:PATH or fd://N"},
      {"http://localhost:80", "an IPv6 address is written [::1]:8000"},
      {"127.0.0.1:", "the port is a number from 0 to 65535"},
      {"127.0.0.1:http", "the port is a number from 0 to 65535"},
      {"127.0.0.1:65536", "the port is a number from 0 to 65535"},
      {"127.0.0.1:-1", "the port is a number from 0 to 65535"},
      {"127.0.0.1: 80", "the port is a number from 0 to 65535"},
      {"::1", "an IPv6 address is written [::1]:8000"},
      {"[::1", "an IPv6 address is written [::1]:8000"},
      {"[1.2.3.4]:80", "an IPv6 address is written [::1]:8000"},
      {"[]:80", "an IPv6 address is written [::1]:8000"},
      {"[::1]80", "a port follows an address as [::1]:8000"},
      {"unix:", "a path must follow unix:"},
      {"unix://", "a path must follow unix:"},
      {"fd://", "the number of a descriptor must follow fd://"},
      {"fd://x", "the number of a descriptor must follow fd://"},
      {"fd://99999999999", "the number of a descriptor must follow fd://"},
  };
  for (const Case& each : kCases) {
    const Result<BindAddress> address = parse_bind_address(each.text);
    ASSERT_FALSE(address) << each.text;
    EXPECT_EQ(address.error().message, each.canonical) << each.text;
  }
}

TEST(BindAddress, UnixPathsFitTheKernel) {
  EXPECT_TRUE(parse_bind_address("unix:" + std::string(107, 'p')));
  const Result<BindAddress> longer = parse_bind_address("unix:" + std::string(108, 'p'));
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().message, "the path of a unix socket has at most 107 bytes");
  EXPECT_FALSE(parse_bind_address(std::string("unix:a\0b", 8)));
}

}  // namespace
}  // namespace cppcorn::config
