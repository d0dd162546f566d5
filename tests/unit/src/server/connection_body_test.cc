// Request bodies: "100 Continue", back-pressure, and what an engine of its own encoder says.
#include "tests/unit/src/server/connection_fixture.h"

namespace cppcorn::server {
namespace {

constexpr std::string_view kExpecting =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";

// The response of an engine that encodes for itself.
void commit_encoded(Exchange& exchange, std::string_view text, bool finished) {
  BufferChain bytes;
  bytes.append(text);
  Exchange::Progress progress;
  progress.status = 200;
  progress.finished = finished;
  exchange.commit(std::move(bytes), std::move(progress));
}

TEST_F(ConnectionTest, SendsNoContinueBehindAResponsesHead) {
  connect();
  send(kExpecting);
  commit_encoded(*job(0).exchange, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab", false);
  job(0).exchange->want_body();
  EXPECT_EQ(receive(), "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab");
}

TEST_F(ConnectionTest, ClosesBehindAnEncodersOwnAnswerToWhoWaitsForContinue) {
  connect();
  send(kExpecting);
  commit_encoded(*job(0).exchange, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab", true);
  EXPECT_NE(receive().find("<FIN>"), std::string::npos);
  send("abc" + get("/smuggled"));
  EXPECT_EQ(engine_.jobs.size(), 1u);
}

TEST_F(ConnectionTest, SendsContinueToARequestThatHadToWait) {
  connect();
  send(get("/1") + std::string(kExpecting));
  job(0).answer("one");
  turns();
  ASSERT_EQ(engine_.jobs.size(), 2u);
  job(1).exchange->want_body();
  EXPECT_EQ(receive(), response("one") + "HTTP/1.1 100 Continue\r\n\r\n");
  send("abc");
  EXPECT_TRUE(job(1).ended);
  job(1).answer("two");
  EXPECT_EQ(receive(), response("two"));
  EXPECT_TRUE(open());
}

TEST_F(ConnectionTest, SendsNoContinueWhenTheBodyComesAnyway) {
  connect();
  send(std::string(kExpecting) + "a");
  job(0).exchange->want_body();
  send("bc");
  EXPECT_EQ(receive(), "");
  job(0).answer("ok");
  EXPECT_EQ(receive(), response("ok"));
}

// What is read while the engine holds the body back is bounded: the rest stays in the kernel.
TEST_F(ConnectionTest, StopsReadingWhileTheEngineHoldsTheBodyBack) {
  connect();
  engine_.on_new = [](Engine::Job& fresh) { fresh.exchange->pause_body(); };
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n");
  const std::string piece(16384, 'x');
  size_t sent = 0;
  while (sent < 4'000'000) {
    const size_t wanted = std::min(piece.size(), 4'000'000 - sent);
    const ssize_t count = ::send(client_.get(), piece.data(), wanted, MSG_NOSIGNAL);
    turns(2);
    if (count < 0) break;
    sent += static_cast<size_t>(count);
  }
  ASSERT_LT(sent, 4'000'000u);
  job(0).exchange->resume_body();
  EXPECT_TRUE(until([&] {
    const size_t wanted = std::min(piece.size(), 4'000'000 - sent);
    const ssize_t count = ::send(client_.get(), piece.data(), wanted, MSG_NOSIGNAL);
    if (count > 0) sent += static_cast<size_t>(count);
    return job(0).ended;
  }));
  EXPECT_EQ(job(0).body.size(), 4'000'000u);
}

// A pause does not outlive its request.
TEST_F(ConnectionTest, GoesOnWhenAnEngineAnswersWithTheBodyPaused) {
  connect();
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
  job(0).exchange->pause_body();
  send("def" + get("/next"));
  EXPECT_EQ(engine_.jobs.size(), 1u);
  job(0).answer("enough");
  turns();
  ASSERT_EQ(engine_.jobs.size(), 2u);
  EXPECT_EQ(job(1).path(), "/next");
  EXPECT_EQ(job(0).body, "abc");
}

}  // namespace
}  // namespace cppcorn::server
