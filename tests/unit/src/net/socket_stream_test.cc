#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <memory>
#include <vector>

#include "src/net/stream.h"
#include "tests/unit/src/net/testing.h"

namespace cppcorn::net {
namespace {

using testing::pattern;
using testing::read_available;
using testing::read_state;
using testing::run_until;
using testing::SocketPair;

FileRange file_of(std::string_view bytes, uint64_t offset, uint64_t size) {
  UniqueFd file(memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return {std::make_shared<UniqueFd>(std::move(file)), offset, size};
}

// Every test runs over a unix pair and over TCP, with and without sendfile.
struct Variant {
  const char* name;
  bool tcp;
  bool sendfile;
};

class SocketStream : public ::testing::TestWithParam<Variant> {
 protected:
  void open(int send_buffer = 0) {
    SocketPair pair = GetParam().tcp ? testing::tcp_pair() : testing::unix_pair();
    if (send_buffer > 0) {
      testing::set_buffer_size(pair.ours.get(), SO_SNDBUF, send_buffer);
    }
    peer = std::move(pair.peer);
    stream = make_socket_stream(loop, std::move(pair.ours), GetParam().sendfile);
    stream->set_listener(&recorder);
  }
  void peer_sends(std::string_view bytes) {
    ASSERT_EQ(send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // The peer's close with a reset: on TCP by SO_LINGER, on a unix socket by leaving bytes unread.
  void peer_resets() {
    const linger reset{1, 0};
    setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (!GetParam().tcp) {
      stream->output().append("unread");
      ASSERT_TRUE(stream->flush());
    }
    peer.reset();
  }
  // Receives at the peer's end until so many bytes are there.
  std::string receive(size_t size) {
    std::string received;
    EXPECT_TRUE(run_until(loop, [&] {
      received += read_available(peer.get());
      return received.size() >= size || recorder.errors > 0;
    }));
    return received;
  }
  // The turns that the loop makes, and the time, when nothing is to be done: neither may be many.
  void expect_quiet() {
    for (int i = 0; i < 5; ++i) loop.run_once(0);
    const uint64_t began = monotonic_ms();
    loop.run_once(50);
    EXPECT_GE(monotonic_ms() - began, 49u) << "the loop did not sleep";
  }

  EventLoop loop;
  testing::Recorder recorder;
  UniqueFd peer;
  std::unique_ptr<Stream> stream;
};

TEST_P(SocketStream, BringsBytesAndSendsBytes) {
  open();
  stream->start_reading();
  peer_sends("hello");
  ASSERT_TRUE(run_until(loop, [&] { return recorder.data == "hello"; }));
  stream->output().append("world");
  EXPECT_TRUE(stream->flush());
  EXPECT_EQ(recorder.sent, 0u) << "on_sent from inside flush";
  EXPECT_EQ(receive(5), "world");
  ASSERT_TRUE(run_until(loop, [&] { return recorder.sent == 5; }));
  EXPECT_EQ(recorder.sents, 1);
  expect_quiet();
}

TEST_P(SocketStream, SendsInPartsWhatTheSocketDoesNotTake) {
  open(4096);
  const std::string bytes = pattern(3'000'000);
  for (size_t i = 0; i < bytes.size(); i += 10'000) {
    stream->output().append(std::string_view(bytes).substr(i, 10'000));
  }
  EXPECT_TRUE(stream->flush());
  EXPECT_GT(stream->output().bytes(), 0u);
  EXPECT_TRUE(receive(bytes.size()) == bytes);
  EXPECT_TRUE(run_until(loop, [&] { return recorder.sent == bytes.size(); }));
  EXPECT_GT(recorder.sents, 1);
  EXPECT_TRUE(stream->output().empty());
  loop.run_once(0);
  expect_quiet();
}

TEST_P(SocketStream, SendsARangeOfAFileBetweenBytes) {
  open(4096);
  const std::string bytes = pattern(300'000);
  stream->output().append("head ");
  stream->output().append(file_of(bytes, 100, 250'000));
  stream->output().append(" tail");
  EXPECT_TRUE(stream->flush());
  const std::string expected = "head " + bytes.substr(100, 250'000) + " tail";
  EXPECT_TRUE(receive(expected.size()) == expected);
  EXPECT_TRUE(run_until(loop, [&] { return recorder.sent == expected.size(); }));
  EXPECT_EQ(recorder.errors, 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SocketStream,
                         ::testing::Values(Variant{"UnixSendfile", false, true},
                                           Variant{"UnixRead", false, false},
                                           Variant{"TcpSendfile", true, true},
                                           Variant{"TcpRead", true, false}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace cppcorn::net
