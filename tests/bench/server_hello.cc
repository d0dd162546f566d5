// The server without Python: answers every request with 13 bytes from C++. What is left of a figure
// measured against cppcorn when this one is taken off is the price of Python and the bridge to it.
//
//   server_hello PORT        then: wrk -t1 -c64 -d3s http://127.0.0.1:PORT/
#include <arpa/inet.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "src/server/server.h"

namespace cppcorn::server {
namespace {

class Hello final : public RequestHandler {
 public:
  void on_request(ExchangeRef exchange) override {
    ResponseWriter& response = exchange->response();
    const bool encoded =
        response.start(200) == http1::EncodeError::kNone &&
        response.add_header("content-type", "text/plain") == http1::EncodeError::kNone &&
        response.body("Hello, World!", /*last=*/true, exchange->date_line(), exchange->now_s()) ==
            http1::EncodeError::kNone;
    if (!encoded) return exchange->abort();
    exchange->commit();
  }
};

UniqueFd listen_on(uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 2048) != 0) {
    std::perror("server_hello: listen");
    std::exit(1);
  }
  return fd;
}

int serve(uint16_t port) {
  net::EventLoop loop;
  Hello hello;
  config::Settings settings;
  settings.keepalive_ms = 75'000;
  std::vector<UniqueFd> listeners;
  listeners.push_back(listen_on(port));
  auto server = Server::create(loop, settings, config::AppKind::kAsgi, hello, std::move(listeners));
  if (!server) return 1;
  (*server)->start();
  loop.run();
  return 0;
}

}  // namespace
}  // namespace cppcorn::server

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: server_hello PORT\n");
    return 2;
  }
  return cppcorn::server::serve(static_cast<uint16_t>(std::atoi(argv[1])));
}
