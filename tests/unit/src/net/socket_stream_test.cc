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

TEST_P(SocketStream, TellsThatAFileIsShorterThanPromisedAndResets) {
  open();
  stream->output().append("head");
  stream->output().append(file_of("0123456789", 5, 10));
  stream->flush();
  EXPECT_EQ(recorder.errors, 0) << "on_error from inside flush";
  recorder.hook_error = [&] { stream->close(); };
  ASSERT_TRUE(run_until(loop, [&] { return recorder.errors == 1; }));
  EXPECT_EQ(recorder.error, Stream::kFileTruncated);
  int ending = 0;
  // The reset drops what has not left yet.
  EXPECT_TRUE(std::string_view("head56789").starts_with(read_available(peer.get(), &ending)));
  EXPECT_EQ(ending, GetParam().tcp ? -ECONNRESET : 0);  // a unix socket knows no reset
}

TEST_P(SocketStream, TellsThatAFileWasTruncatedWhileItWasSent) {
  open(4096);
  FileRange range = file_of(pattern(8'000'000), 0, 8'000'000);
  const std::shared_ptr<UniqueFd> file = range.file;
  stream->output().append(std::move(range));
  EXPECT_TRUE(stream->flush());
  ASSERT_EQ(ftruncate(file->get(), 0), 0);
  ASSERT_TRUE(run_until(loop, [&] {
    read_available(peer.get());
    return recorder.errors == 1;
  }));
  EXPECT_EQ(recorder.error, Stream::kFileTruncated);
  EXPECT_EQ(file.use_count(), 1) << "the stream still holds the file";
}

TEST_P(SocketStream, SendsOneBlockForHeadAndForeignBody) {
  open();
  static int released;
  released = 0;
  const std::string body = pattern(5000);
  stream->output().append("head");
  stream->output().append(
      ForeignBytes{body.data(), body.size(), nullptr, [](void*) noexcept { ++released; }});
  EXPECT_TRUE(stream->flush());
  EXPECT_EQ(released, 1) << "let go when the kernel has the bytes";
  EXPECT_TRUE(receive(5004) == "head" + body);
}

TEST_P(SocketStream, StopsReadingAndGoesOn) {
  open();
  stream->start_reading();
  recorder.hook_data = [&] { stream->stop_reading(); };
  peer_sends("one");
  ASSERT_TRUE(run_until(loop, [&] { return recorder.data == "one"; }));
  peer_sends("two");
  expect_quiet();
  EXPECT_EQ(recorder.data, "one");
  EXPECT_FALSE(stream->reading());
  stream->start_reading();
  EXPECT_EQ(recorder.data, "one") << "on_data from inside start_reading";
  ASSERT_TRUE(run_until(loop, [&] { return recorder.data == "onetwo"; }));
}

TEST_P(SocketStream, StopsReadingInTheMiddleOfALargeBlock) {
  open();
  stream->start_reading();
  recorder.hook_data = [&] { stream->stop_reading(); };
  const std::string bytes = pattern(150'000);
  size_t sent = 0;
  while (recorder.data.size() < bytes.size()) {
    if (sent < bytes.size()) {
      const ssize_t count =
          send(peer.get(), bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT);
      if (count > 0) sent += static_cast<size_t>(count);
    }
    const size_t before = recorder.data.size();
    stream->start_reading();
    ASSERT_TRUE(run_until(loop, [&] { return recorder.data.size() > before; }));
    ASSERT_LE(recorder.data.size() - before, EventLoop::kReadBufferBytes);
  }
  EXPECT_TRUE(recorder.data == bytes);
}

TEST_P(SocketStream, TellsTheEndOnceAndCanStillSend) {
  open();
  stream->start_reading();
  peer_sends("last");
  ASSERT_EQ(shutdown(peer.get(), SHUT_WR), 0);
  ASSERT_TRUE(run_until(loop, [&] { return recorder.eofs == 1; }));
  EXPECT_EQ(recorder.data, "last");
  expect_quiet();
  stream->output().append("answer");
  EXPECT_TRUE(stream->flush());
  EXPECT_EQ(receive(6), "answer");
  EXPECT_EQ(recorder.eofs, 1);
  EXPECT_EQ(recorder.errors, 0);
}

TEST_P(SocketStream, SleepsWhenBothDirectionsHaveEnded) {
  open();
  stream->start_reading();
  stream->shutdown_write();
  ASSERT_EQ(shutdown(peer.get(), SHUT_WR), 0);
  ASSERT_TRUE(run_until(loop, [&] { return recorder.eofs == 1; }));
  int ending = -1;
  read_available(peer.get(), &ending);
  EXPECT_EQ(ending, 0);
  expect_quiet();
}

TEST_P(SocketStream, SleepsAtAnEndThatIsNotReadYet) {
  open();
  loop.run_once(0);
  peer_sends("unread");
  ASSERT_EQ(shutdown(peer.get(), SHUT_WR), 0);
  expect_quiet();
  stream->shutdown_write();
  expect_quiet();
  EXPECT_EQ(recorder.eofs, 0);
  stream->start_reading();
  ASSERT_TRUE(run_until(loop, [&] { return recorder.eofs == 1; }));
  EXPECT_EQ(recorder.data, "unread");
}

TEST_P(SocketStream, SendsFinBehindQueuedBytesAndReadsOn) {
  open(4096);
  stream->start_reading();
  const std::string bytes = pattern(1'000'000);
  stream->output().append(bytes);
  EXPECT_TRUE(stream->flush());
  stream->shutdown_write();
  stream->shutdown_write();
  std::string received = receive(bytes.size());
  EXPECT_TRUE(received == bytes);
  int ending = -1;
  EXPECT_TRUE(
      run_until(loop, [&] { return read_available(peer.get(), &ending).empty() && ending == 0; }));
  peer_sends("late");
  ASSERT_TRUE(run_until(loop, [&] { return recorder.data == "late"; }));
}

TEST_P(SocketStream, NoticesAResetWhileReading) {
  open();
  stream->start_reading();
  peer_resets();
  ASSERT_TRUE(run_until(loop, [&] { return recorder.errors == 1; }));
  EXPECT_EQ(recorder.error, -ECONNRESET);
  expect_quiet();
  EXPECT_FALSE(stream->flush());
  EXPECT_EQ(recorder.errors, 1);
}

TEST_P(SocketStream, NoticesAResetWhileNotReading) {
  open();
  loop.run_once(0);
  peer_sends("unread");
  peer_resets();
  ASSERT_TRUE(run_until(loop, [&] { return recorder.errors == 1; }));
  EXPECT_EQ(recorder.error, -ECONNRESET);
  EXPECT_EQ(recorder.data, "");
}

TEST_P(SocketStream, NoticesAResetAfterAnEndThatIsNotRead) {
  open();
  loop.run_once(0);
  ASSERT_EQ(shutdown(peer.get(), SHUT_WR), 0);
  expect_quiet();
  peer_resets();
  ASSERT_TRUE(run_until(loop, [&] { return recorder.errors == 1; }));
}

TEST_P(SocketStream, TellsAFailedWriteFromTheLoop) {
  open();
  stream->start_reading();
  ASSERT_EQ(shutdown(peer.get(), SHUT_RD), 0);
  peer.reset();
  loop.run_once(10);  // the FIN
  bool failed = false;
  ASSERT_TRUE(run_until(loop, [&] {
    stream->output().append("x");
    failed = !stream->flush();
    return failed || recorder.errors > 0;
  }));
  ASSERT_TRUE(run_until(loop, [&] { return recorder.errors == 1; }));
  EXPECT_TRUE(recorder.error == -EPIPE || recorder.error == -ECONNRESET) << recorder.error;
  EXPECT_FALSE(stream->flush());
}

TEST_P(SocketStream, FileToAPeerThatIsGoneIsAnErrorAndNoSignal) {
  open(4096);
  stream->output().append(file_of(pattern(8'000'000), 0, 8'000'000));
  EXPECT_TRUE(stream->flush());
  peer.reset();
  ASSERT_TRUE(run_until(loop, [&] { return recorder.errors == 1; }));
}

TEST_P(SocketStream, ClosesAtOnceAndMakesNoUpcall) {
  open(4096);
  stream->start_reading();
  peer_sends("bytes");
  static int released;
  released = 0;
  const std::string body = pattern(4'000'000);
  stream->output().append(
      ForeignBytes{body.data(), body.size(), nullptr, [](void*) noexcept { ++released; }});
  EXPECT_TRUE(stream->flush());
  EXPECT_EQ(released, 0);
  stream->close();
  stream->close();
  EXPECT_TRUE(stream->closed());
  EXPECT_EQ(released, 1);
  EXPECT_FALSE(stream->flush());
  stream->start_reading();
  stream->shutdown_write();
  for (int i = 0; i < 5; ++i) loop.run_once(0);
  EXPECT_EQ(recorder.data, "");
  EXPECT_EQ(recorder.sent, 0u);
  int ending = 0;
  read_available(peer.get(), &ending);
  EXPECT_NE(ending, -EAGAIN);
}

TEST_P(SocketStream, AbortsWithAReset) {
  open();
  stream->output().append("part");
  EXPECT_TRUE(stream->flush());
  stream->abort();
  EXPECT_TRUE(stream->closed());
  int ending = 0;
  EXPECT_EQ(read_available(peer.get(), &ending), "part");
  EXPECT_EQ(ending, GetParam().tcp ? -ECONNRESET : 0);  // a unix socket knows no reset
}

TEST_P(SocketStream, MayBeClosedInEachUpcall) {
  for (const bool destroy : {false, true}) {
    const auto end = [&] {
      if (destroy) {
        stream.reset();
      } else {
        stream->close();
      }
    };
    const auto gone = [&] { return stream == nullptr || stream->closed(); };
    {
      SCOPED_TRACE("on_data");
      recorder = {};
      open();
      recorder.hook_data = end;
      stream->start_reading();
      peer_sends("x");
      ASSERT_TRUE(run_until(loop, gone));
    }
    {
      SCOPED_TRACE("on_eof");
      recorder = {};
      open();
      recorder.hook_eof = end;
      stream->start_reading();
      peer.reset();
      ASSERT_TRUE(run_until(loop, gone));
    }
    {
      SCOPED_TRACE("on_error");
      recorder = {};
      open();
      recorder.hook_error = end;
      stream->start_reading();
      peer_resets();
      ASSERT_TRUE(run_until(loop, gone));
    }
    {
      SCOPED_TRACE("on_sent after flush");
      recorder = {};
      open();
      recorder.hook_sent = end;
      stream->output().append("x");
      ASSERT_TRUE(stream->flush());
      ASSERT_TRUE(run_until(loop, gone));
    }
    {
      SCOPED_TRACE("on_sent when writable, with bytes to read behind it");
      recorder = {};
      open(4096);
      recorder.hook_sent = [&] {
        if (recorder.sents == 2) end();  // the first is of flush()
      };
      stream->start_reading();
      stream->output().append(pattern(1'000'000));
      ASSERT_TRUE(stream->flush());
      peer_sends("y");
      ASSERT_TRUE(run_until(loop, [&] {
        read_available(peer.get());
        return gone();
      }));
    }
    stream.reset();
  }
}

TEST_P(SocketStream, AnswersFromInsideUpcalls) {
  open(4096);
  stream->start_reading();
  int answers = 0;
  recorder.hook_data = [&] {
    stream->output().append(pattern(50'000));
    stream->flush();
    stream->flush();
  };
  recorder.hook_sent = [&] {
    if (stream->output().empty() && ++answers < 3) {
      stream->output().append(pattern(50'000));
      stream->flush();
    }
  };
  peer_sends("go");
  EXPECT_EQ(receive(150'000).size(), 150'000u);
  ASSERT_TRUE(run_until(loop, [&] { return recorder.sent == 150'000; }));
}

TEST_P(SocketStream, ManyMayDieInAnyOrder) {
  std::vector<std::unique_ptr<Stream>> streams;
  std::vector<UniqueFd> peers;
  for (int i = 0; i < 20; ++i) {
    SocketPair pair = GetParam().tcp ? testing::tcp_pair() : testing::unix_pair();
    streams.push_back(make_socket_stream(loop, std::move(pair.ours), GetParam().sendfile));
    streams.back()->set_listener(&recorder);
    streams.back()->start_reading();
    peers.push_back(std::move(pair.peer));
  }
  // All of them have an event in one turn; the first that is told closes all others.
  recorder.hook_data = [&] {
    for (size_t i = streams.size(); i-- > 0;) streams[i].reset();
    // The numbers of their descriptors come back while libuv still goes through its events.
    SocketPair pair = testing::unix_pair();
    stream = make_socket_stream(loop, std::move(pair.ours), true);
    stream->set_listener(&recorder);
    stream->start_reading();
  };
  loop.run_once(0);
  for (const UniqueFd& other : peers) ASSERT_EQ(send(other.get(), "x", 1, MSG_NOSIGNAL), 1);
  ASSERT_TRUE(run_until(loop, [&] { return recorder.data == "x"; }));
  for (int i = 0; i < 3; ++i) loop.run_once(0);
  EXPECT_EQ(recorder.data, "x");
}

TEST_P(SocketStream, OutlivesItsLoopOnlyAsAClosedDescriptor) {
  auto own_loop = std::make_unique<EventLoop>();
  SocketPair pair = testing::unix_pair();
  auto short_lived = make_socket_stream(*own_loop, std::move(pair.ours), true);
  short_lived.reset();
  own_loop.reset();  // checks that uv_loop_close() says 0
  int ending = -1;
  read_available(pair.peer.get(), &ending);
  EXPECT_EQ(ending, 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SocketStream,
                         ::testing::Values(Variant{"UnixSendfile", false, true},
                                           Variant{"UnixRead", false, false},
                                           Variant{"TcpSendfile", true, true},
                                           Variant{"TcpRead", true, false}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace cppcorn::net
