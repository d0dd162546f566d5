#include "src/server/server.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>

#include "src/server/server_core.h"
#include "tests/unit/src/net/testing.h"

namespace cppcorn::server {
namespace {

using net::testing::connect_to;
using net::testing::listening_socket;
using net::testing::read_available;
using net::testing::run_until;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// Holds every request until the test answers it.
struct Holder final : RequestHandler, ExchangeListener {
  void on_request(ExchangeRef exchange) override {
    exchange->set_listener(this);
    held.push_back(std::move(exchange));
  }
  void on_body(std::string_view) override {}
  void on_body_end(const std::vector<http::Field>*) override {}
  void on_disconnect() override { ++disconnects; }
  void on_drained() override {}

  void answer() {
    Exchange& exchange = *held.front();
    ASSERT_EQ(exchange.response().start(200), http1::EncodeError::kNone);
    ASSERT_EQ(exchange.response().body("x", true, exchange.date_line(), exchange.now_s()),
              http1::EncodeError::kNone);
    exchange.commit();
    held.pop_front();
  }
  std::deque<ExchangeRef> held;
  int disconnects = 0;
};

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() { settings_.keepalive_ms = 60'000; }
  ~ServerTest() override {
    if (server_ != nullptr) server_->stop();
    holder_.held.clear();
    server_.reset();
    loop_.run_once(0);
  }

  void start(size_t listeners = 1) {
    std::vector<UniqueFd> sockets;
    for (size_t i = 0; i < listeners; ++i) {
      UniqueFd socket = listening_socket();
      listening_.emplace_back(::dup(socket.get()));
      sockets.push_back(std::move(socket));
    }
    auto server =
        Server::create(loop_, settings_, config::AppKind::kAsgi, holder_, std::move(sockets));
    ASSERT_TRUE(server);
    server_ = std::move(server).value();
    server_->start();
  }
  UniqueFd connect(size_t listener = 0) { return connect_to(listening_.at(listener).get()); }
  static void send(const UniqueFd& client, std::string_view bytes) {
    ASSERT_EQ(::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  bool until(const std::function<bool()>& condition) { return run_until(loop_, condition); }
  void turns() {
    for (int i = 0; i < 10; ++i) loop_.run_once(0);
  }
  static bool ended(const UniqueFd& client) {
    int ending = -EAGAIN;
    read_available(client.get(), &ending);
    return ending != -EAGAIN;
  }

  net::EventLoop loop_;
  config::Settings settings_;
  Holder holder_;
  std::vector<UniqueFd> listening_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, ServesOnEveryListener) {
  start(2);
  for (size_t i = 0; i < 2; ++i) {
    const UniqueFd client = connect(i);
    send(client, kGet);
    ASSERT_TRUE(until([&] { return !holder_.held.empty(); }));
    EXPECT_EQ(server_->requests_in_flight(), 1u);
    EXPECT_EQ(holder_.held.front()->endpoints().local.host(), "127.0.0.1");
    holder_.answer();
    std::string text;
    EXPECT_TRUE(
        until([&] { return (text += read_available(client.get())).ends_with("\r\n\r\nx"); }));
    EXPECT_EQ(server_->requests_in_flight(), 0u);
  }
  EXPECT_EQ(server_->requests_total(), 2u);
}

TEST_F(ServerTest, MakesRoomForANewConnectionByTheOneThatIsIdleLongest) {
  settings_.worker_connections = 2;
  start();
  const UniqueFd oldest = connect();
  ASSERT_TRUE(until([&] { return server_->connections() == 1; }));
  const UniqueFd second = connect();
  ASSERT_TRUE(until([&] { return server_->connections() == 2; }));
  const UniqueFd third = connect();
  EXPECT_TRUE(until([&] { return ended(oldest); }));
  EXPECT_EQ(server_->connections(), 2u);
  send(third, kGet);
  EXPECT_TRUE(until([&] { return !holder_.held.empty(); }));
  EXPECT_FALSE(ended(second));
}

TEST_F(ServerTest, LeavesNewConnectionsInTheQueueWhileAllAreBusy) {
  settings_.worker_connections = 1;
  start(2);
  const UniqueFd busy = connect();
  send(busy, kGet);
  ASSERT_TRUE(until([&] { return !holder_.held.empty(); }));
  const UniqueFd waiting = connect(1);
  send(waiting, kGet);
  turns();
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_EQ(holder_.held.size(), 1u);
  holder_.answer();  // now it is idle, and makes room
  ASSERT_TRUE(until([&] { return !holder_.held.empty(); }));
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_TRUE(ended(busy));
  holder_.answer();
  std::string text;
  EXPECT_TRUE(until([&] { return !(text += read_available(waiting.get())).empty(); }));
}

TEST_F(ServerTest, AcceptsAgainWhenABusyConnectionDies) {
  settings_.worker_connections = 1;
  start();
  UniqueFd busy = connect();
  send(busy, kGet);
  ASSERT_TRUE(until([&] { return !holder_.held.empty(); }));
  const UniqueFd waiting = connect();
  send(waiting, kGet);
  turns();
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ASSERT_EQ(setsockopt(busy.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
  busy.reset();
  EXPECT_TRUE(until([&] { return holder_.held.size() == 2; }));
  EXPECT_EQ(holder_.disconnects, 1);
  EXPECT_EQ(server_->requests_in_flight(), 1u);
}

TEST_F(ServerTest, DrainsWithoutConnectionsAtOnceAndTellsIt) {
  start();
  bool drained = false;
  server_->drain([&] { drained = true; });
  EXPECT_FALSE(drained);  // never from inside the call
  EXPECT_TRUE(until([&] { return drained; }));
}

TEST_F(ServerTest, LetsARequestFinishWhenItDrains) {
  start();
  const UniqueFd client = connect();
  send(client, kGet);
  ASSERT_TRUE(until([&] { return !holder_.held.empty(); }));
  bool drained = false;
  server_->drain([&] { drained = true; });
  turns();
  EXPECT_FALSE(drained);
  holder_.answer();
  std::string text;
  EXPECT_TRUE(until([&] { return (text += read_available(client.get())).ends_with("x"); }));
  EXPECT_NE(text.find("connection: close\r\n"), std::string::npos);
  ::shutdown(client.get(), SHUT_WR);
  EXPECT_TRUE(until([&] { return drained; }));
  EXPECT_EQ(server_->connections(), 0u);
}

// One of each: silent, in a head, idle after a request, in a body.
TEST_F(ServerTest, EndsADrainWhateverTheClientsDo) {
  settings_.header_timeout_ms = 300;
  settings_.body_timeout_ms = 300;
  start();
  const UniqueFd silent = connect();
  const UniqueFd in_head = connect();
  send(in_head, "GET / HT");
  const UniqueFd served = connect();
  send(served, kGet);
  ASSERT_TRUE(until([&] { return !holder_.held.empty(); }));
  holder_.answer();
  const UniqueFd in_body = connect();
  send(in_body, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
  ASSERT_TRUE(until([&] { return !holder_.held.empty() && server_->connections() == 4; }));
  bool drained = false;
  server_->drain([&] { drained = true; });
  EXPECT_TRUE(until([&] { return drained; }));
  EXPECT_EQ(holder_.disconnects, 1);
  EXPECT_EQ(server_->requests_in_flight(), 0u);
}

TEST_F(ServerTest, StopsAtOnceWithRequestsInFlight) {
  start();
  const UniqueFd client = connect();
  send(client, std::string(kGet) + std::string(kGet));
  ASSERT_TRUE(until([&] { return holder_.held.size() == 2; }));
  bool drained = false;
  server_->drain([&] { drained = true; });
  server_->stop();
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_EQ(server_->requests_in_flight(), 0u);
  EXPECT_EQ(holder_.disconnects, 2);
  EXPECT_FALSE(drained);
  EXPECT_TRUE(until([&] { return drained; }));
  EXPECT_TRUE(ended(client));
  EXPECT_FALSE(holder_.held.front()->connected());
}

TEST_F(ServerTest, DrainsTwiceWithTheLastCallback) {
  start();
  int first = 0;
  int second = 0;
  server_->drain([&] { ++first; });
  server_->drain([&] { ++second; });
  EXPECT_TRUE(until([&] { return second == 1; }));
  EXPECT_EQ(first, 0);
}

TEST_F(ServerTest, SaysWhatCannotBeSetUp) {
  settings_.accesslog = "/nonexistent/access.log";
  auto server = Server::create(loop_, settings_, config::AppKind::kAsgi, holder_, {});
  ASSERT_FALSE(server);
  EXPECT_NE(server.error().message.find("/nonexistent/access.log"), std::string::npos);
}

}  // namespace
}  // namespace cppcorn::server
