#include "src/net/listener.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <vector>

#include "tests/unit/src/net/testing.h"

namespace cppcorn::net {
namespace {

using testing::run_until;

class Accepted : public Listener::Handler {
 public:
  void on_accept(Listener&, UniqueFd socket, const SocketAddress& peer) override {
    sockets.push_back(std::move(socket));
    peers.push_back(peer);
    if (hook) hook();
  }
  void on_accept_paused(Listener&, int error) override { pauses.push_back(error); }

  std::vector<UniqueFd> sockets;
  std::vector<SocketAddress> peers;
  std::vector<int> pauses;
  std::function<void()> hook;
};

TEST(Listener, AcceptsAndTellsWhoCame) {
  EventLoop loop;
  Accepted accepted;
  UniqueFd socket = testing::listening_socket();
  const int fd = socket.get();
  Listener listener(loop, std::move(socket), accepted);
  listener.start();
  const UniqueFd client = testing::connect_to(fd);
  ASSERT_TRUE(run_until(loop, [&] { return accepted.sockets.size() == 1; }));
  EXPECT_EQ(accepted.peers[0].host(), "127.0.0.1");
  EXPECT_EQ(accepted.peers[0].port(), SocketAddress::local_of(client.get()).port());
  EXPECT_EQ(listener.local_address().port(), SocketAddress::local_of(fd).port());
  int nodelay = 0;
  socklen_t size = sizeof nodelay;
  getsockopt(accepted.sockets[0].get(), IPPROTO_TCP, TCP_NODELAY, &nodelay, &size);
  EXPECT_EQ(nodelay, 1);
}

}  // namespace
}  // namespace cppcorn::net
