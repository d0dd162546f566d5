#include "tests/unit/src/server/connection_fixture.h"

namespace cppcorn::server {
namespace {

TEST_F(ConnectionTest, KeepsTheConnectionForTheNextRequest) {
  connect();
  send(kGet);
  job(0).answer("one");
  EXPECT_EQ(receive(), response("one"));
  EXPECT_TRUE(connection_->idle());
  send(kGet);
  EXPECT_FALSE(connection_->idle());
  job(1).answer("two");
  EXPECT_EQ(receive(), response("two"));
}

TEST_F(ConnectionTest, AnswersAPipelineInOrderThoughTheEngineDoesNot) {
  connect();
  send(get("/1") + get("/2") + get("/3"));
  ASSERT_EQ(engine_.jobs.size(), 3u);
  job(2).answer("three");
  job(1).answer("two");
  EXPECT_EQ(receive(), "");
  job(0).answer("one");
  EXPECT_EQ(receive(), response("one") + response("two") + response("three"));
}

TEST_F(ConnectionTest, HoldsAnUnsafeRequestUntilThoseBeforeItAreAnswered) {
  connect();
  send(get("/1") + "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get("/3"));
  ASSERT_EQ(engine_.jobs.size(), 1u);
  job(0).answer("one");
  turns();
  ASSERT_EQ(engine_.jobs.size(), 2u);
  EXPECT_EQ(job(1).body, "abc");
  EXPECT_TRUE(job(1).ended);
  job(1).answer("two");
  turns();
  ASSERT_EQ(engine_.jobs.size(), 3u);
  EXPECT_EQ(job(2).path(), "/3");
  job(2).answer("three");
  EXPECT_EQ(receive(), response("one") + response("two") + response("three"));
}

TEST_F(ConnectionTest, BoundsHowManyRequestsAreParsedAhead) {
  connect();
  std::string many;
  for (size_t i = 0; i < Connection::kPipelineMax * 2; ++i) many += kGet;
  send(many);
  EXPECT_EQ(engine_.jobs.size(), Connection::kPipelineMax);
  for (size_t i = 0; i < Connection::kPipelineMax; ++i) job(i).answer("x");
  turns();
  EXPECT_EQ(engine_.jobs.size(), Connection::kPipelineMax * 2);
}

TEST_F(ConnectionTest, ClosesAfterARequestThatAsksForIt) {
  connect();
  send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  job(0).answer("bye");
  EXPECT_EQ(receive(), "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbye<FIN>");
  EXPECT_FALSE(open());
}

TEST_F(ConnectionTest, AnswersAClientThatHalfCloses) {
  connect();
  send(kGet);
  ::shutdown(client_.get(), SHUT_WR);
  turns();
  EXPECT_TRUE(job(0).disconnected);
  EXPECT_TRUE(job(0).exchange->connected());
  job(0).answer("late");
  EXPECT_EQ(receive(), response("late") + "<FIN>");
  EXPECT_FALSE(open());
}

TEST_F(ConnectionTest, TellsTheEngineOfAReset) {
  connect();
  send(kGet);
  client_.reset();
  EXPECT_TRUE(until([&] { return job(0).disconnected; }));
  job(0).answer("to nobody");
  turns();
  EXPECT_FALSE(open());
  EXPECT_FALSE(job(0).exchange->connected());
}

TEST_F(ConnectionTest, RefusesABadHeadAfterTheAnswersBeforeIt) {
  connect();
  send(get("/1") + "BAD\r\n\r\n" + get("/smuggled"));
  ASSERT_EQ(engine_.jobs.size(), 1u);
  job(0).answer("one");
  const std::string text = receive();
  EXPECT_EQ(text.substr(0, response("one").size()), response("one"));
  EXPECT_NE(text.find("HTTP/1.1 400 Bad Request\r\n"), std::string::npos) << text;
  EXPECT_NE(text.find("connection: close\r\n"), std::string::npos) << text;
  EXPECT_EQ(engine_.jobs.size(), 1u);
  ::shutdown(client_.get(), SHUT_WR);
  EXPECT_TRUE(until([&] { return !open(); }));
}

TEST_F(ConnectionTest, BreaksABodyThatBreaks) {
  connect();
  send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n" +
       get("/2"));
  ASSERT_EQ(engine_.jobs.size(), 1u);
  EXPECT_EQ(job(0).body, "abc");
  EXPECT_TRUE(job(0).disconnected);
  EXPECT_FALSE(job(0).ended);
  EXPECT_NE(receive().find("HTTP/1.1 400 "), std::string::npos);
  EXPECT_EQ(engine_.jobs.size(), 1u);
}

TEST_F(ConnectionTest, SendsContinueOnlyWhenTheBodyIsWanted) {
  connect();
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(receive(), "");
  job(0).exchange->want_body();
  job(0).exchange->want_body();
  EXPECT_EQ(receive(), "HTTP/1.1 100 Continue\r\n\r\n");
  send("abc");
  EXPECT_TRUE(job(0).ended);
  job(0).answer("ok");
  EXPECT_EQ(receive(), response("ok"));
  EXPECT_TRUE(open());
}

TEST_F(ConnectionTest, ClosesWhenNobodyCanTellWhetherTheBodyComes) {
  connect();
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  job(0).answer("no");
  const std::string text = receive();
  EXPECT_NE(text.find("connection: close"), std::string::npos) << text;
  EXPECT_NE(text.find("<FIN>"), std::string::npos) << text;
}

TEST_F(ConnectionTest, DropsASmallBodyThatNobodyReadAndGoesOn) {
  connect();
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
  job(0).answer("early");
  turns();
  send("cde" + get("/next"));
  ASSERT_EQ(engine_.jobs.size(), 2u);
  EXPECT_EQ(job(1).path(), "/next");
}

TEST_F(ConnectionTest, HoldsTheBodyBackWhileTheEngineIsBusy) {
  connect();
  engine_.on_new = [](Engine::Job& fresh) { fresh.exchange->pause_body(); };
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
  EXPECT_EQ(job(0).body, "");
  job(0).exchange->resume_body();
  turns();
  EXPECT_EQ(job(0).body, "abc");
  send("def");
  EXPECT_TRUE(job(0).ended);
}

TEST_F(ConnectionTest, CutsAConnectionWhoseResponseCannotBeFinished) {
  connect();
  send(kGet);
  ResponseWriter& response = job(0).exchange->response();
  ASSERT_EQ(response.start(200), http1::EncodeError::kNone);
  ASSERT_EQ(response.body("part", false, job(0).exchange->date_line(), 0),
            http1::EncodeError::kNone);
  job(0).exchange->commit();
  job(0).exchange->fail(500);
  turns();
  EXPECT_FALSE(open());
}

TEST_F(ConnectionTest, AnswersAnAppThatFailedWithAPage) {
  connect();
  send(kGet);
  ASSERT_EQ(job(0).exchange->response().start(200), http1::EncodeError::kNone);
  job(0).exchange->fail(500);
  EXPECT_EQ(receive().substr(0, 36), "HTTP/1.1 500 Internal Server Error\r\n");
}

TEST_F(ConnectionTest, CutsASlowHeadWith408) {
  core_.deadlines.head_ms = 100;
  connect();
  send("GET / HTT");
  std::string text;
  EXPECT_TRUE(until([&] {
    text += receive();
    return text.find("HTTP/1.1 408 ") != std::string::npos;
  }));
}

TEST_F(ConnectionTest, ReadsNothingBehindAHeadThatWasTooSlow) {
  core_.deadlines.head_ms = 100;
  connect();
  send(get("/1") + "GET /slow HTTP/1.1\r\nHo");
  ASSERT_EQ(engine_.jobs.size(), 1u);
  // The refusal waits for the first answer; meanwhile the rest of the slow head comes, too late.
  const uint64_t late = monotonic_ms() + 300;
  EXPECT_TRUE(until([&] { return monotonic_ms() > late; }));
  send("st: a\r\n\r\n");
  job(0).answer("one");
  const std::string text = receive();
  EXPECT_EQ(text.substr(0, response("one").size()), response("one"));
  EXPECT_NE(text.find("HTTP/1.1 408 "), std::string::npos) << text;
  EXPECT_EQ(engine_.jobs.size(), 1u);
}

TEST_F(ConnectionTest, GivesNothingToTheEngineBehindAResponseThatCloses) {
  connect();
  engine_.on_new = [](Engine::Job& fresh) { fresh.exchange->fail(503); };
  send(get("/1") + get("/2") + get("/3"));
  EXPECT_EQ(engine_.jobs.size(), 1u);
  EXPECT_NE(receive().find("HTTP/1.1 503 "), std::string::npos);
}

TEST_F(ConnectionTest, ClosesASilentConnectionWithoutAWord) {
  core_.deadlines.head_ms = 100;
  connect();
  EXPECT_TRUE(until([&] { return !open(); }));
  EXPECT_EQ(receive(), "<FIN>");
}

TEST_F(ConnectionTest, CutsABodyThatDripsThoughBytesCome) {
  core_.deadlines.body_ms = 100;
  connect();
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  std::string text;
  EXPECT_TRUE(until([&] {
    ::send(client_.get(), "x", 1, MSG_NOSIGNAL);
    text += receive();
    return text.find("HTTP/1.1 408 ") != std::string::npos;
  }));
  EXPECT_TRUE(job(0).disconnected);
  EXPECT_FALSE(job(0).ended);
}

TEST_F(ConnectionTest, EndsAnIdleConnectionAfterItsKeepAliveTime) {
  core_.deadlines.keep_alive_ms = 100;
  connect();
  send(kGet);
  job(0).answer("x");
  EXPECT_TRUE(until([&] { return !open(); }));
  EXPECT_EQ(receive(), response("x") + "<FIN>");
}

TEST_F(ConnectionTest, CutsAClientThatDoesNotReadAndTellsTheEngine) {
  core_.deadlines.write_ms = 100;
  connect();
  send(kGet);
  const std::string large(size_t{4} << 20, 'x');
  job(0).answer(large);
  EXPECT_TRUE(until([&] { return !open(); }));
}

TEST_F(ConnectionTest, TellsWhenTheOutputHasDrained) {
  connect();
  send(kGet);
  const std::string large(size_t{4} << 20, 'x');
  job(0).answer(large);
  job(0).exchange->notify_below(0);
  turns();
  EXPECT_FALSE(job(0).drained);
  size_t received = 0;
  EXPECT_TRUE(until([&] {
    received += receive().size();
    return job(0).drained;
  }));
  EXPECT_GT(received, large.size());
  EXPECT_TRUE(open());
}

TEST_F(ConnectionTest, GivesIdleConnectionsAMomentWhenTheWorkerDrains) {
  core_.deadlines.keep_alive_ms = 60'000;
  core_.deadlines.drain_idle_ms = 100;
  connect();
  send(kGet);
  job(0).answer("x");
  EXPECT_EQ(receive(), response("x"));
  core_.draining = true;
  connection_->drain();
  send(kGet);
  job(1).answer("last");
  EXPECT_EQ(receive(),
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nlast<FIN>");
}

TEST_F(ConnectionTest, RefusesRequestsBeyondTheConcurrencyLimit) {
  core_.concurrency_max = 1;
  connect();
  send(get("/1") + get("/2"));
  ASSERT_EQ(engine_.jobs.size(), 1u);
  job(0).answer("one");
  EXPECT_NE(receive().find("HTTP/1.1 503 "), std::string::npos);
}

}  // namespace
}  // namespace cppcorn::server
