#include "src/control/control_channel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <memory>

#include "tests/unit/src/net/testing.h"

namespace cppcorn::control {
namespace {

using net::EventLoop;
using net::testing::run_until;

struct Recorder : ControlChannel::Handler {
  void on_message(const ToMaster& message) override {
    messages.push_back(message);
    if (hook) hook();
  }
  void on_channel_closed(const std::string& why) override {
    ++closed;
    reason = why;
  }
  std::vector<ToMaster> messages;
  int closed = 0;
  std::string reason;
  std::function<void()> hook;
};

struct ControlChannelTest : testing::Test {
  ControlChannelTest() {
    auto ends = ControlChannel::create_ends();
    EXPECT_TRUE(ends);
    worker = std::move(ends->workers);
    channel = std::make_unique<ControlChannel>(loop, std::move(ends->ours), recorder);
  }
  void worker_says(std::string_view text) {
    EXPECT_EQ(send(worker.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  EventLoop loop;
  Recorder recorder;
  UniqueFd worker;
  std::unique_ptr<ControlChannel> channel;
};

TEST_F(ControlChannelTest, MessagesComeInOrder) {
  worker_says(encode(Hello{kProtocol, 1, "3.11", "0.1"}) + encode(Ready{"sync", "why", "app"}));
  ASSERT_TRUE(run_until(loop, [&] { return recorder.messages.size() == 2; }));
  EXPECT_TRUE(std::holds_alternative<Hello>(recorder.messages[0]));
  EXPECT_EQ(std::get<Ready>(recorder.messages[1]).kind, "sync");
  EXPECT_EQ(recorder.closed, 0);
}

TEST_F(ControlChannelTest, OrdersArriveEvenWhenTheSocketIsFull) {
  Start start;
  start.settings_json = "{\"app\":\"" + std::string(400'000, 'x') + "\"}";
  channel->send(start);
  channel->send(Stop{});
  std::string received;
  ASSERT_TRUE(run_until(loop, [&] {
    received += net::testing::read_available(worker.get());
    return received.ends_with(encode(Stop{}));
  }));
  EXPECT_EQ(received, encode(start) + encode(Stop{}));
}

TEST_F(ControlChannelTest, TheEndOfTheWorkerIsSaidOnce) {
  worker_says(encode(Bye{}));
  worker.reset();
  ASSERT_TRUE(run_until(loop, [&] { return recorder.closed > 0; }));
  EXPECT_EQ(recorder.messages.size(), 1u);
  EXPECT_EQ(recorder.reason, "");
  channel->send(Stop{});  // there is nobody, and no SIGPIPE
  loop.run_once(0);
  EXPECT_EQ(recorder.closed, 1);
}

TEST_F(ControlChannelTest, NonsenseClosesTheChannel) {
  worker_says("{\"type\":\"failed\",\"stage\":\"moon\"}\n" + encode(Bye{}));
  ASSERT_TRUE(run_until(loop, [&] { return recorder.closed > 0; }));
  EXPECT_NE(recorder.reason.find("stage"), std::string::npos);
  EXPECT_TRUE(recorder.messages.empty());
}

TEST_F(ControlChannelTest, AnEndlessLineClosesTheChannel) {
  const std::string piece(16'384, 'x');
  for (size_t sent = 0; recorder.closed == 0; sent += piece.size()) {
    ASSERT_LT(sent, 2 * kLineBytesMax);
    worker_says(piece);
    loop.run_once(0);
  }
  EXPECT_EQ(recorder.reason, "a line is too long");
}

TEST_F(ControlChannelTest, MayDieInItsUpcall) {
  recorder.hook = [&] { channel.reset(); };
  worker_says(encode(Draining{}) + encode(Bye{}));
  ASSERT_TRUE(run_until(loop, [&] { return !recorder.messages.empty(); }));
  loop.run_once(0);
  EXPECT_EQ(recorder.messages.size(), 1u);
}

}  // namespace
}  // namespace cppcorn::control
