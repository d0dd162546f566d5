// What the tests of src/net share: sockets, waiting for a condition, a stream's listener that
// records.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>
#include <utility>

#include "src/base/clock.h"
#include "src/base/unique_fd.h"
#include "src/net/event_loop.h"
#include "src/net/stream.h"

namespace cppcorn::net::testing {

constexpr uint64_t kPatienceMs = 10'000;

// Turns the loop until the condition holds; false when patience ends first.
inline bool run_until(EventLoop& loop, const std::function<bool()>& condition) {
  const uint64_t end = monotonic_ms() + kPatienceMs;
  while (!condition()) {
    if (monotonic_ms() > end) return false;
    loop.run_once(10);
  }
  return true;
}

struct SocketPair {
  UniqueFd ours;
  UniqueFd peer;
};

// Both ends non-blocking.
inline SocketPair unix_pair() {
  int fds[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

inline UniqueFd listening_socket(int backlog = 128) {
  UniqueFd listening(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(listening.get(), any, sizeof address), 0);
  EXPECT_EQ(listen(listening.get(), backlog), 0);
  return listening;
}

// A blocking connect to a listening socket; the result is non-blocking.
inline UniqueFd connect_to(int listening) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(getsockname(listening, any, &size), 0);
  UniqueFd client(socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(connect(client.get(), any, size), 0);
  return client;
}

inline void set_buffer_size(int fd, int option, int bytes) {
  EXPECT_EQ(setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes), 0);
}

inline SocketPair tcp_pair() {
  const UniqueFd listening = listening_socket();
  UniqueFd client = connect_to(listening.get());
  pollfd waiting{listening.get(), POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, static_cast<int>(kPatienceMs)), 1);
  UniqueFd server(accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  EXPECT_TRUE(server.valid());
  return {std::move(server), std::move(client)};
}

// All that can be read from the peer's end now. *ending: 0 at EOF, else a negative errno (-EAGAIN:
// not at its end).
inline std::string read_available(int fd, int* ending = nullptr) {
  std::string bytes;
  char piece[16384];
  for (;;) {
    const ssize_t count = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
    if (count <= 0) {
      if (ending != nullptr) *ending = count < 0 ? -errno : 0;
      return bytes;
    }
    bytes.append(piece, static_cast<size_t>(count));
  }
}

inline std::string pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return bytes;
}

class Recorder : public Stream::Listener {
 public:
  void on_data(std::string_view bytes) override {
    data += bytes;
    if (hook_data) hook_data();
  }
  void on_eof() override {
    ++eofs;
    if (hook_eof) hook_eof();
  }
  void on_error(int code) override {
    ++errors;
    error = code;
    if (hook_error) hook_error();
  }
  void on_sent(uint64_t bytes) override {
    sent += bytes;
    ++sents;
    if (hook_sent) hook_sent();
  }

  std::string data;
  int eofs = 0;
  int errors = 0;
  int error = 0;
  int sents = 0;
  uint64_t sent = 0;
  std::function<void()> hook_data, hook_eof, hook_error, hook_sent;
};

}  // namespace cppcorn::net::testing
