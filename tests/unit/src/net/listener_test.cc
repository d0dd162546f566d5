#include "src/net/listener.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <functional>
#include <memory>
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

TEST(Listener, AcceptsABoundedNumberInOneTurn) {
  EventLoop loop;
  Accepted accepted;
  UniqueFd socket = testing::listening_socket();
  const int fd = socket.get();
  std::vector<UniqueFd> clients;
  for (int i = 0; i < Listener::kBatch + 3; ++i) clients.push_back(testing::connect_to(fd));
  Listener listener(loop, std::move(socket), accepted);
  listener.start();
  loop.run_once(0);
  EXPECT_EQ(accepted.sockets.size(), static_cast<size_t>(Listener::kBatch));
  ASSERT_TRUE(run_until(loop, [&] { return accepted.sockets.size() == clients.size(); }));
}

TEST(Listener, StopsAndStartsEvenInItsUpcall) {
  EventLoop loop;
  Accepted accepted;
  UniqueFd socket = testing::listening_socket();
  const int fd = socket.get();
  Listener listener(loop, std::move(socket), accepted);
  accepted.hook = [&] { listener.stop(); };
  const UniqueFd first = testing::connect_to(fd);
  const UniqueFd second = testing::connect_to(fd);
  listener.start();
  listener.start();
  for (int i = 0; i < 3; ++i) loop.run_once(0);
  EXPECT_EQ(accepted.sockets.size(), 1u);
  listener.stop();
  listener.start();
  ASSERT_TRUE(run_until(loop, [&] { return accepted.sockets.size() == 2; }));
}

TEST(Listener, MayBeDestroyedInItsUpcall) {
  EventLoop loop;
  Accepted accepted;
  UniqueFd socket = testing::listening_socket();
  const int fd = socket.get();
  const UniqueFd first = testing::connect_to(fd);
  const UniqueFd second = testing::connect_to(fd);
  auto listener = std::make_unique<Listener>(loop, std::move(socket), accepted);
  accepted.hook = [&] { listener.reset(); };
  listener->start();
  ASSERT_TRUE(run_until(loop, [&] { return accepted.sockets.size() == 1; }));
  for (int i = 0; i < 3; ++i) loop.run_once(0);
  EXPECT_EQ(accepted.sockets.size(), 1u);
}

TEST(Listener, AcceptsFromAUnixSocket) {
  EventLoop loop;
  Accepted accepted;
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;  // with no path the kernel gives an abstract name
  ASSERT_EQ(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);
  ASSERT_EQ(listen(socket.get(), 8), 0);
  const UniqueFd client = testing::connect_to(socket.get());
  Listener listener(loop, std::move(socket), accepted);
  EXPECT_TRUE(listener.local_address().is_unix());
  listener.start();
  ASSERT_TRUE(run_until(loop, [&] { return accepted.sockets.size() == 1; }));
  EXPECT_TRUE(accepted.peers[0].is_unix());
}

// In a child process, whose limit of descriptors can be lowered. Exit status 0: all was as
// expected.
int accept_without_descriptors() {
  EventLoop loop;
  Accepted accepted;
  UniqueFd socket = testing::listening_socket();
  const int fd = socket.get();
  const UniqueFd client = testing::connect_to(fd);
  Listener listener(loop, std::move(socket), accepted);
  listener.start();
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const UniqueFd highest(dup(fd));
  limit.rlim_cur = static_cast<rlim_t>(highest.get()) + 1;
  std::vector<UniqueFd> hoard;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
  for (UniqueFd more(dup(fd)); more.valid(); more = UniqueFd(dup(fd))) {
    hoard.push_back(std::move(more));
  }
  if (!run_until(loop, [&] { return accepted.pauses.size() == 1; })) return 2;
  if (accepted.pauses[0] != EMFILE) return 3;
  const uint64_t began = monotonic_ms();
  loop.run_once(50);
  if (monotonic_ms() - began < 49 || accepted.pauses.size() != 1) return 4;  // no busy loop
  if (!run_until(loop, [&] { return accepted.pauses.size() == 2; })) return 5;
  if (monotonic_ms() - began + 50 < Listener::kPauseMs) return 6;
  if (!accepted.sockets.empty()) return 7;
  hoard.clear();
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return run_until(loop, [&] { return accepted.sockets.size() == 1; }) ? 0 : 8;  // not lost
}

TEST(Listener, PausesWithoutDescriptorsAndLosesNobody) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(accept_without_descriptors());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace cppcorn::net
