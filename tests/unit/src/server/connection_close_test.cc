// How connections end: half-closes, refusals and engines that fail, in every state.
#include "tests/unit/src/server/connection_fixture.h"

namespace cppcorn::server {
namespace {

void half_close(const UniqueFd& client) { ::shutdown(client.get(), SHUT_WR); }

TEST_F(ConnectionTest, TellsOfAFinAlsoARequestThatHadToWait) {
  connect();
  send(get("/1") + "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  half_close(client_);
  turns();
  EXPECT_EQ(job(0).disconnects, 1);
  job(0).answer("one");
  turns();
  ASSERT_EQ(engine_.jobs.size(), 2u);
  EXPECT_TRUE(job(1).ended);
  EXPECT_EQ(job(1).disconnects, 1);
  EXPECT_TRUE(job(1).exchange->connected());
  job(1).answer("two");
  EXPECT_EQ(receive(), response("one") + response("two") + "<FIN>");
  EXPECT_FALSE(open());
}

TEST_F(ConnectionTest, TellsOfAFinBehindABodyThatWasHeldBack) {
  connect();
  engine_.on_new = [](Engine::Job& fresh) { fresh.exchange->pause_body(); };
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  half_close(client_);
  turns();
  EXPECT_FALSE(job(0).disconnected);
  job(0).exchange->resume_body();
  turns();
  EXPECT_EQ(job(0).body, "abc");
  EXPECT_TRUE(job(0).ended);
  EXPECT_TRUE(job(0).disconnected);
}

TEST_F(ConnectionTest, RefusesABodyThatAFinCutsShort) {
  connect();
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nabc");
  half_close(client_);
  turns();
  EXPECT_TRUE(job(0).disconnected);
  EXPECT_FALSE(job(0).ended);
  EXPECT_NE(receive().find("HTTP/1.1 400 "), std::string::npos);
  EXPECT_FALSE(open());
}

// However long the answer before it takes: what the client goes on to send waits in the kernel.
TEST_F(ConnectionTest, ReadsNothingBehindARefusalThatHasToWait) {
  connect();
  send(get("/slow") + "{}\r\n\r\n");
  const std::string block(100'000, 'x');
  constexpr size_t kBlocks = 100;
  size_t blocks = 0;
  while (blocks<kBlocks&& ::send(client_.get(), block.data(), block.size(), MSG_NOSIGNAL)> 0) {
    ++blocks;
    turns();
  }
  EXPECT_LT(blocks, kBlocks);
  job(0).answer("one");
  const std::string text = receive();
  EXPECT_TRUE(text.starts_with(response("one") + "HTTP/1.1 400 ")) << text;
  EXPECT_TRUE(text.ends_with("<FIN>")) << text;  // no reset, which could destroy the answers
  half_close(client_);
  EXPECT_TRUE(until([&] { return !open(); }));
}

TEST_F(ConnectionTest, ServesNothingBehindWhatTheEngineRefuses) {
  connect();
  engine_.on_new = [](Engine::Job& fresh) {
    if (fresh.path() == "/bad") fresh.exchange->refuse(400, "bad");
  };
  send(get("/1") + get("/bad") + get("/3"));
  send(get("/4"));
  EXPECT_EQ(engine_.jobs.size(), 2u);
  job(0).answer("one");
  const std::string text = receive();
  EXPECT_TRUE(text.starts_with(response("one") + "HTTP/1.1 400 ")) << text;
  EXPECT_TRUE(text.ends_with("400 Bad Request: bad\n<FIN>")) << text;
}

TEST_F(ConnectionTest, RefusesAHeadThatAFinCutsShort) {
  connect();
  send("GET / HTTP/1.1\r\nHo");
  half_close(client_);
  const std::string text = receive();
  EXPECT_NE(text.find("HTTP/1.1 400 "), std::string::npos) << text;
  EXPECT_NE(text.find("<FIN>"), std::string::npos) << text;
  EXPECT_TRUE(engine_.jobs.empty());
  EXPECT_FALSE(open());
}

// Told of the FIN already, it must still learn that what it waits for will not happen.
TEST_F(ConnectionTest, WakesAnEngineThatWaitsForADrainWhenTheClientResetsAfterAFin) {
  connect();
  send(kGet);
  half_close(client_);
  turns();
  EXPECT_EQ(job(0).disconnects, 1);
  ResponseWriter& writer = job(0).exchange->response();
  ASSERT_EQ(writer.start(200), http1::EncodeError::kNone);
  ASSERT_EQ(writer.body(std::string(size_t{4} << 20, 'x'), false, job(0).exchange->date_line(), 0),
            http1::EncodeError::kNone);
  job(0).exchange->commit();
  job(0).exchange->notify_below(0);
  turns();
  client_.reset();
  EXPECT_TRUE(until([&] { return job(0).disconnects == 2; }));
  EXPECT_FALSE(job(0).exchange->connected());
}

TEST_F(ConnectionTest, SurvivesAnEngineThatFailsInTheBody) {
  connect();
  struct Failing final : ExchangeListener {
    explicit Failing(Exchange& which) : exchange(which) {}
    void on_body(std::string_view) override { exchange.fail(503); }
    void on_body_end(const std::vector<http::Field>*) override { exchange.fail(503); }
    void on_disconnect() override { exchange.fail(503); }
    void on_drained() override {}
    Exchange& exchange;
  };
  std::unique_ptr<Failing> failing;
  engine_.on_new = [&](Engine::Job& fresh) {
    failing = std::make_unique<Failing>(*fresh.exchange);
    fresh.exchange->set_listener(failing.get());
  };
  send(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n1\r\nx\r\n1\r\ny\r\n0\r\n\r\n" +
      get("/2"));
  const std::string text = receive();
  EXPECT_NE(text.find("HTTP/1.1 503 "), std::string::npos) << text;
  EXPECT_EQ(text.find("HTTP/1.1 ", 9), std::string::npos) << text;
  EXPECT_EQ(engine_.jobs.size(), 1u);
  EXPECT_EQ(core_.in_flight, 0u);
}

TEST_F(ConnectionTest, IgnoresWhatAnEngineDoesAfterTheEnd) {
  connect();
  send(kGet);
  job(0).answer("done");
  EXPECT_EQ(receive(), response("done"));
  Exchange& exchange = *job(0).exchange;
  EXPECT_FALSE(exchange.connected());
  exchange.commit();
  exchange.fail(500);
  exchange.abort();
  exchange.pause_body();
  exchange.resume_body();
  exchange.want_body();
  exchange.notify_below(0);
  EXPECT_EQ(exchange.queued_bytes(), 0u);
  send(kGet);
  EXPECT_EQ(engine_.jobs.size(), 2u);
  EXPECT_TRUE(open());
}

TEST_F(ConnectionTest, IgnoresAnAbortOfWhatIsComplete) {
  connect();
  send(get("/1") + get("/2"));
  job(1).answer("two");
  job(1).exchange->fail(500);
  job(0).answer("one");
  job(0).exchange->abort();
  EXPECT_EQ(receive(), response("one") + response("two"));
  EXPECT_TRUE(open());
}

TEST_F(ConnectionTest, DropsTheEndOfALargeBodyThatNobodyWants) {
  connect();
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
  job(0).answer("no thanks");
  EXPECT_EQ(receive(), response("no thanks"));
  const std::string piece(50'000, 'x');
  for (uint64_t sent = 0; sent <= Connection::kDiscardMax; sent += piece.size()) send(piece);
  EXPECT_EQ(receive(), "<FIN>");
  EXPECT_TRUE(open());  // lingers
  half_close(client_);
  EXPECT_TRUE(until([&] { return !open(); }));
}

TEST_F(ConnectionTest, EndsInADrainWhatItIsAnswering) {
  connect();
  send(get("/1") + "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
  core_.draining = true;
  connection_->drain();
  job(0).answer("one");
  EXPECT_EQ(receive(), "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\none<FIN>");
  EXPECT_EQ(engine_.jobs.size(), 1u);
  EXPECT_EQ(core_.in_flight, 0u);
}

TEST_F(ConnectionTest, ClosesWhileAnEngineHoldsRequestsInEveryState) {
  connect();
  send(get("/1") + get("/2") + get("/3"));
  job(1).answer("two");
  ASSERT_EQ(job(0).exchange->response().start(200), http1::EncodeError::kNone);
  job(0).exchange->commit();
  connection_->close();
  EXPECT_FALSE(open());
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(job(i).disconnected);
    EXPECT_FALSE(job(i).exchange->connected());
    job(i).exchange->abort();
  }
  EXPECT_EQ(core_.in_flight, 0u);
}

}  // namespace
}  // namespace cppcorn::server
