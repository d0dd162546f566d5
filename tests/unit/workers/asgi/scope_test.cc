#include "workers/asgi/scope.h"

#include <arpa/inet.h>

#include "tests/unit/workers/asgi/asgi_test.h"

namespace cppcorn::asgi {
namespace {

using python::PyRef;
using testing::kGet;

net::SocketAddress ip(const char* host, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, host, &address.sin_addr);
  return net::SocketAddress::from(reinterpret_cast<sockaddr*>(&address), sizeof address);
}

net::SocketAddress ipv6(const char* host, uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  inet_pton(AF_INET6, host, &address.sin6_addr);
  return net::SocketAddress::from(reinterpret_cast<sockaddr*>(&address), sizeof address);
}

net::SocketAddress unix_peer() {
  const sockaddr address{.sa_family = AF_UNIX, .sa_data = {}};
  return net::SocketAddress::from(&address, sizeof address);
}

class ScopeTest : public testing::AsgiTest {
 protected:
  // The value of a key of the scope that these bytes make.
  std::string of(std::string_view request, const char* key) {
    send(request);
    return repr("scope['" + std::string(key) + "']");
  }
  std::string target(std::string_view target, const char* key) {
    // Each in a connection of its own: the application never answers.
    disconnect_server_side();
    connect();
    return of("GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n", key);
  }
};

TEST_F(ScopeTest, HasEveryKeyOfTheSpecificationAndNoOther) {
  serve_by_hand();
  send("POST /a?b=c HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(repr("scope"),
            "{'type': 'http', 'asgi': {'version': '3.0', 'spec_version': '2.5'}, "
            "'http_version': '1.1', 'method': 'POST', 'scheme': 'http', 'path': '/a', "
            "'raw_path': b'/a', 'query_string': b'b=c', 'root_path': '', "
            "'headers': [(b'host', b'a'), (b'content-length', b'0')], 'client': None, "
            "'server': None, 'state': {}, 'extensions': {'http.response.early_hint': {}, "
            "'http.response.pathsend': {}, 'http.response.zerocopysend': {}}}");
}

TEST_F(ScopeTest, VersionAndMethod) {
  serve_by_hand();
  EXPECT_EQ(of("GET / HTTP/1.0\r\n\r\n", "http_version"), "'1.0'");
  for (const char* method : {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"}) {
    disconnect_server_side();
    connect();
    EXPECT_EQ(of(std::string(method) + " / HTTP/1.1\r\nHost: a\r\n\r\n", "method"),
              "'" + std::string(method) + "'");
  }
}

TEST_F(ScopeTest, PathsAreDecodedAndRawPathsAreNot) {
  serve_by_hand();
  EXPECT_EQ(target("/a%20b%2Fc", "path"), "'/a b/c'");
  EXPECT_EQ(target("/a%20b%2Fc", "raw_path"), "b'/a%20b%2Fc'");
  EXPECT_EQ(target("/%C3%A4%ff", "path"), "'/\xc3\xa4\xef\xbf\xbd'");
  EXPECT_EQ(target("/%zz%", "path"), "'/%zz%'");
  EXPECT_EQ(target("http://host/p?q", "path"), "'/p'");
  EXPECT_EQ(target("/?", "query_string"), "b''");
  EXPECT_EQ(target("/?a=%20&b?c", "query_string"), "b'a=%20&b?c'");
}

TEST_F(ScopeTest, HeadersAreLowerCaseInOrderWithRepetitions) {
  serve_by_hand();
  EXPECT_EQ(
      of("GET / HTTP/1.1\r\nHost: A\r\nX-B:  2 \r\nX-A: \xe4\r\nx-b: 1\r\nX_C:\r\n\r\n", "headers"),
      "[(b'host', b'A'), (b'x-b', b'2'), (b'x-a', b'\\xe4'), (b'x-b', b'1'), (b'x_c', b'')]");
}

TEST_F(ScopeTest, ClientAndServerAreAddressesOfInternetFamilies) {
  serve_by_hand();
  disconnect_server_side();
  connect({.peer = ip("192.0.2.1", 5000), .local = ip("192.0.2.2", 80)});
  EXPECT_EQ(of(kGet, "client"), "('192.0.2.1', 5000)");
  EXPECT_EQ(repr("scope['server']"), "('192.0.2.2', 80)");
  EXPECT_EQ(repr("scope['scheme']"), "'http'");
  disconnect_server_side();
  connect({.peer = ipv6("2001:db8::1", 5000), .local = ipv6("::1", 443), .tls = true});
  EXPECT_EQ(of(kGet, "client"), "('2001:db8::1', 5000)");
  EXPECT_EQ(repr("scope['server']"), "('::1', 443)");
  EXPECT_EQ(repr("scope['scheme']"), "'https'");
}

TEST_F(ScopeTest, TrailersAreOfferedToWhoTakesThem) {
  serve_by_hand();
  send("GET / HTTP/1.1\r\nHost: a\r\nTE: gzip, trailers\r\n\r\n");
  EXPECT_TRUE(truth("'http.response.trailers' in scope['extensions']"));
}

TEST_F(ScopeTest, WhatAnAppChangesIsItsOwn) {
  serve_by_hand();
  run("state = {'shared': [], 'n': 1}");
  ASSERT_TRUE(
      engine_->set_host(gil_, {.app = eval("app"), .loop = eval("loop"), .state = eval("state")}));
  send(kGet);
  EXPECT_EQ(repr("scope['state']"), "{'shared': [], 'n': 1}");
  EXPECT_TRUE(truth("scope['state'] is not state"));
  EXPECT_TRUE(truth("scope['state']['shared'] is state['shared']")) << "a shallow copy";
  run("scope['state']['n'] = 2; scope['extensions'].clear(); scope['headers'].clear()");
  disconnect_server_side();
  connect();
  send(kGet);
  EXPECT_EQ(repr("scope['state']['n'], len(scope['extensions']), len(scope['headers'])"),
            "(1, 3, 1)");
}

class PrefixedScopeTest : public ScopeTest {
 protected:
  PrefixedScopeTest() { scope_options_.root_path = "/api\xc3\xa4"; }
};

TEST_F(PrefixedScopeTest, TheRootPathComesBeforeThePath) {
  serve_by_hand();
  EXPECT_EQ(target("/a%20b", "path"), "'/api\xc3\xa4/a b'");
  EXPECT_EQ(repr("scope['raw_path']"), "b'/api\\xc3\\xa4/a%20b'");
  EXPECT_EQ(repr("scope['root_path']"), "'/api\xc3\xa4'");
}

TEST_F(PrefixedScopeTest, TheAsteriskIsNoPath) {
  serve_by_hand();
  EXPECT_EQ(of("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "path"), "'*'");
  EXPECT_EQ(repr("scope['raw_path']"), "b'*'");
}

class RootPathInTargetTest : public ScopeTest {
 protected:
  RootPathInTargetTest() {
    scope_options_.root_path = "/api";
    scope_options_.root_path_in_target = true;
  }
};

TEST_F(RootPathInTargetTest, ThePathStaysAsItCame) {
  serve_by_hand();
  EXPECT_EQ(target("/api/a", "path"), "'/api/a'");
  EXPECT_EQ(repr("scope['root_path']"), "'/api'");
}

class UnixScopeTest : public ScopeTest {
 protected:
  UnixScopeTest() { scope_options_.unix_servers = {"/run/a", "", "/run/x\xff"}; }
  std::string server_of(uint16_t listener) {
    disconnect_server_side();
    connect({.peer = unix_peer(), .local = unix_peer(), .listener = listener});
    return of(kGet, "server");
  }
};

TEST_F(UnixScopeTest, TheServerIsThePathOfTheSocketThatTheRequestCameBy) {
  serve_by_hand();
  EXPECT_EQ(server_of(0), "('/run/a', None)");
  EXPECT_EQ(repr("scope['client']"), "None");
  EXPECT_EQ(server_of(2), "('/run/x\\udcff', None)");
  EXPECT_EQ(server_of(1), "None");
}

TEST_F(ScopeTest, AddressesAreMadeOnceAndCollisionsAreTold) {
  AddressCache cache;
  const PyRef first = cache.get(gil_, ip("192.0.2.1", 1));
  EXPECT_EQ(cache.get(gil_, ip("192.0.2.1", 1)).get(), first.get());
  for (int port = 1; port < 3000; ++port) {
    const PyRef pair = cache.get(gil_, ip("192.0.2.1", static_cast<uint16_t>(port)));
    ASSERT_EQ(PyLong_AsLong(PyTuple_GET_ITEM(pair.get(), 1)), port);
  }
}

}  // namespace
}  // namespace cppcorn::asgi
