// ConnectionTest: what the tests of Connection share: a connection over a socket pair, with an
// engine that notes what comes and answers when the test says so. Made anew for each test.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "src/net/event_loop.h"
#include "src/net/stream.h"
#include "src/server/connection.h"
#include "src/server/request_handler.h"

namespace cppcorn::server {

// An engine that notes what comes, and answers when the test says so.
class Engine final : public RequestHandler {
 public:
  struct Job final : ExchangeListener {
    explicit Job(ExchangeRef ref) : exchange(std::move(ref)) {}
    void on_body(std::string_view bytes) override { body += bytes; }
    void on_body_end(const std::vector<http::Field>*) override { ended = true; }
    void on_disconnect() override {
      ++disconnects;
      disconnected = true;
      if (when_disconnected) when_disconnected();
    }
    void on_drained() override {
      drained = true;
      if (when_drained) when_drained();
    }

    std::string path() const { return std::string(exchange->head().path()); }
    void answer(std::string_view text, int status = 200) {
      ResponseWriter& response = exchange->response();
      ASSERT_EQ(response.start(status), http1::EncodeError::kNone);
      ASSERT_EQ(response.body(text, /*last=*/true, exchange->date_line(), exchange->now_s()),
                http1::EncodeError::kNone);
      exchange->commit();
    }

    ExchangeRef exchange;
    std::string body;
    bool ended = false;
    bool disconnected = false;
    bool drained = false;
    int disconnects = 0;
    std::function<void()> when_disconnected;
    std::function<void()> when_drained;
  };

  void on_request(ExchangeRef exchange) override {
    jobs.emplace_back(std::move(exchange));
    jobs.back().exchange->set_listener(&jobs.back());
    if (on_new) on_new(jobs.back());
  }

  std::deque<Job> jobs;
  std::function<void(Job&)> on_new;
};

struct TestCore final : ServerCore {
  TestCore(net::EventLoop& loop, RequestHandler& handler) : ServerCore(loop, handler) {
    response_shared.defaults.date = false;
  }
  void room_changed() noexcept override {}
  void connection_closed(Connection& connection) noexcept override {
    static_cast<cppcorn::ListHook<>&>(connection).unlink();
    --connections;
    loop.delete_later(std::unique_ptr<net::Deferred>(&connection));
  }
};

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() : core_(loop_, engine_) {}
  ~ConnectionTest() override {
    if (core_.connections > 0) connection_->close();
    engine_.jobs.clear();
    loop_.run_once(0);
  }

  void connect() {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    client_.reset(pair[0]);
    connection_ =
        new Connection(core_, net::make_socket_stream(loop_, UniqueFd(pair[1]), true), {});
    core_.connections = 1;
    connection_->start();
  }

  void send(std::string_view bytes) {
    ASSERT_EQ(::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    turns();
  }
  void turns(int count = 4) {
    for (int i = 0; i < count; ++i) loop_.run_once(0);
  }
  // Runs the loop until the condition holds; false after two seconds.
  bool until(const std::function<bool()>& condition) {
    const uint64_t end = monotonic_ms() + 2000;
    while (!condition()) {
      if (monotonic_ms() > end) return false;
      loop_.run_once(10);
    }
    return true;
  }
  // What the server has sent; "<FIN>" and "<RST>" mark the end.
  std::string receive() {
    turns();
    std::string text;
    char buffer[65536];
    while (true) {
      const ssize_t count = ::recv(client_.get(), buffer, sizeof buffer, 0);
      if (count > 0) {
        text.append(buffer, static_cast<size_t>(count));
        continue;
      }
      if (count == 0) text += "<FIN>";
      if (count < 0 && errno == ECONNRESET) text += "<RST>";
      return text;
    }
  }
  static std::string response(std::string_view body) {
    return "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
  }
  bool open() const { return core_.connections > 0; }
  Engine::Job& job(size_t index) { return engine_.jobs.at(index); }

  net::EventLoop loop_;
  Engine engine_;
  TestCore core_;
  UniqueFd client_;
  Connection* connection_ = nullptr;
};

inline constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

inline std::string get(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

}  // namespace cppcorn::server
