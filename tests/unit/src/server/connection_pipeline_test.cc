// Several requests on their way at once: order, bounds, who is woken.
#include "tests/unit/src/server/connection_fixture.h"

namespace cppcorn::server {
namespace {

std::string post(std::string_view path, std::string_view body) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

// An engine runs after the loop's turn: a turn that gave it something must not wait for events.
TEST_F(ConnectionTest, DoesNotSleepOnARequestThatHadToWait) {
  connect();
  send(get("/1") + post("/2", "abc"));
  job(0).answer("one");
  const uint64_t begin = monotonic_ms();
  while (engine_.jobs.size() < 2 || !job(1).ended) {
    loop_.run_once(5000);
    ASSERT_LT(monotonic_ms() - begin, 4000u);
  }
  EXPECT_EQ(job(1).body, "abc");
}

TEST_F(ConnectionTest, DoesNotSleepOnABodyThatWasHeldBack) {
  connect();
  engine_.on_new = [](Engine::Job& fresh) { fresh.exchange->pause_body(); };
  send(post("/", "abc"));
  job(0).exchange->resume_body();
  const uint64_t begin = monotonic_ms();
  while (!job(0).ended) {
    loop_.run_once(5000);
    ASSERT_LT(monotonic_ms() - begin, 4000u);
  }
}

// The answers to a client that asks and asks and reads nothing must not fill the memory.
TEST_F(ConnectionTest, AnswersNoMoreWhileTheClientDoesNotRead) {
  connect();
  const std::string block(100'000, 'x');
  engine_.on_new = [&](Engine::Job& fresh) { fresh.answer(block); };
  constexpr size_t kRequests = 300;
  std::string many;
  for (size_t i = 0; i < kRequests; ++i) many += kGet;
  send(many);
  turns(20);
  EXPECT_LT(engine_.jobs.size(), 20u);
  // It goes on as soon as it reads.
  size_t received = 0;
  EXPECT_TRUE(until([&] {
    received += receive().size();
    return engine_.jobs.size() == kRequests && received > kRequests * block.size();
  }));
}

// Exchanges that are answered but not sent cost memory too, however small their answers are.
TEST_F(ConnectionTest, BoundsTheAnswersThatWaitToBeSent) {
  connect();
  const std::string filler(size_t{4} << 20, 'x');
  send(kGet);
  job(0).answer(filler);  // the socket is full now
  engine_.on_new = [](Engine::Job& fresh) { fresh.answer("x"); };
  for (int i = 0; i < 1000; ++i) send(kGet);
  EXPECT_LE(engine_.jobs.size(), Connection::kPipelineMax + 1);
  EXPECT_TRUE(until([&] {
    receive();
    return engine_.jobs.size() == 1001;
  }));
}

TEST_F(ConnectionTest, CopiesWithAnEngineThatPausesAtEachPiece) {
  connect();
  send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string chunks;
  constexpr size_t kChunks = 2000;
  for (size_t i = 0; i < kChunks; ++i) chunks += "1\r\nx\r\n";
  job(0).exchange->pause_body();
  send(chunks + "0\r\n\r\n" + get("/next"));
  job(0).exchange->resume_body();
  EXPECT_TRUE(until([&] { return engine_.jobs.size() == 1 && job(0).ended; }));
  EXPECT_EQ(job(0).body.size(), kChunks);
  job(0).answer("ok");
  turns();
  EXPECT_EQ(engine_.jobs.size(), 2u);
}

TEST_F(ConnectionTest, LetsAnEngineAnswerInTheUpcallOfADisconnect) {
  connect();
  send(get("/1") + get("/2") + get("/3"));
  for (size_t i = 0; i < 3; ++i) {
    job(i).when_disconnected = [this, i] { job(i).answer("bye"); };
  }
  ::shutdown(client_.get(), SHUT_WR);
  EXPECT_EQ(receive(), response("bye") + response("bye") + response("bye") + "<FIN>");
  EXPECT_FALSE(open());
  EXPECT_EQ(core_.in_flight, 0u);
}

TEST_F(ConnectionTest, LetsAnEngineAnswerInTheUpcallOfADrain) {
  connect();
  send(get("/1") + get("/2") + get("/3"));
  for (size_t i = 0; i < 3; ++i) {
    job(i).when_drained = [this, i] { job(i).answer("ok"); };
    job(i).exchange->notify_below(0);
  }
  EXPECT_EQ(receive(), response("ok") + response("ok") + response("ok"));
  EXPECT_EQ(core_.in_flight, 0u);
}

// The response that is complete leaves while the next is committed in the upcall.
TEST_F(ConnectionTest, DoesNotEndAnExchangeWhoseBytesWait) {
  connect();
  send(get("/1") + get("/2"));
  const std::string large(size_t{4} << 20, 'x');
  job(0).answer("one");
  job(0).when_drained = [&] { job(1).answer(large); };
  job(0).exchange->notify_below(0);
  turns();
  EXPECT_TRUE(job(0).drained);
  job(1).exchange->notify_below(0);
  turns();
  EXPECT_FALSE(job(1).drained);
  EXPECT_TRUE(job(1).exchange->connected());
  size_t received = 0;
  EXPECT_TRUE(until([&] {
    received += receive().size();
    return job(1).drained;
  }));
  EXPECT_GT(received, large.size());
}

TEST_F(ConnectionTest, GivesTheAnswersBeforeOneThatIsCut) {
  connect();
  send(get("/1") + get("/2") + get("/3"));
  job(1).exchange->abort();
  job(2).answer("three");
  EXPECT_EQ(receive(), "");
  EXPECT_TRUE(open());
  job(0).answer("one");
  turns();
  EXPECT_FALSE(open());
  EXPECT_EQ(receive().substr(0, response("one").size()), response("one"));
  EXPECT_EQ(core_.in_flight, 0u);
}

TEST_F(ConnectionTest, CountsEveryRequestOutHoweverItEnds) {
  connect();
  send(get("/1") + get("/2") + post("/3", "abc") + "BAD\r\n\r\n");
  EXPECT_EQ(core_.in_flight, 3u);  // what is behind the POST has not been looked at
  job(0).answer("one");
  client_.reset();
  EXPECT_TRUE(until([&] { return !open(); }));
  EXPECT_EQ(core_.in_flight, 0u);
}

}  // namespace
}  // namespace cppcorn::server
