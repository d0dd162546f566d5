// Deadlines: whom they must cut, and whom not. Times are short, and the conditions are waited for.
#include "tests/unit/src/server/connection_fixture.h"

namespace cppcorn::server {
namespace {

class ConnectionDeadlines : public ConnectionTest {
 protected:
  // Lets time pass for the loop; nothing is expected to happen meanwhile.
  void pass(uint64_t ms) {
    const uint64_t end = monotonic_ms() + ms;
    until([&] { return monotonic_ms() >= end; });
  }
};

// The time to keep a connection begins when the response has left.
TEST_F(ConnectionDeadlines, DoesNotCutAResponseBecauseItTakesLongerThanTheKeepAliveTime) {
  core_.deadlines.keep_alive_ms = 100;
  connect();
  send(kGet);
  const std::string large(size_t{8} << 20, 'x');
  job(0).answer(large);
  pass(300);
  ASSERT_TRUE(open());
  size_t received = 0;
  EXPECT_TRUE(until([&] {
    received += receive().size();
    return !open();
  }));
  EXPECT_GT(received, large.size());
}

// Each request's answer renews the time, also when it is given at once.
TEST_F(ConnectionDeadlines, RenewsTheKeepAliveTimeWithEachRequest) {
  core_.deadlines.keep_alive_ms = 1000;
  engine_.on_new = [](Engine::Job& fresh) { fresh.answer("x"); };
  connect();
  for (int i = 0; i < 5; ++i) {
    send(kGet);
    pass(300);
    ASSERT_TRUE(open()) << i;
  }
}

// A pipeline whose reads always end within a head: each head gets the whole time.
TEST_F(ConnectionDeadlines, GivesEachHeadItsOwnTime) {
  core_.deadlines.head_ms = 1000;
  engine_.on_new = [](Engine::Job& fresh) { fresh.answer("x"); };
  connect();
  const std::string begin = "GET / HT";
  const std::string rest = "TP/1.1\r\nHost: a\r\n\r\n";
  send(begin);
  for (int i = 0; i < 6; ++i) {
    pass(250);
    send(rest + begin);
  }
  EXPECT_EQ(engine_.jobs.size(), 6u);
  EXPECT_EQ(receive().find("408"), std::string::npos);
  EXPECT_TRUE(until([&] { return receive().find("HTTP/1.1 408 ") != std::string::npos; }));
}

// Who waits for "100 Continue" waits for us.
TEST_F(ConnectionDeadlines, DoesNotHurryAClientThatWaitsForContinue) {
  core_.deadlines.body_ms = 100;
  connect();
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  pass(300);
  EXPECT_FALSE(job(0).disconnected);
  job(0).exchange->want_body();
  EXPECT_EQ(receive(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(until([&] { return job(0).disconnected; }));  // from now on it is the client's turn
}

TEST_F(ConnectionDeadlines, LetsAResponseThatTheAppIsLateWithLive) {
  core_.deadlines = {.head_ms = 100, .body_ms = 100, .write_ms = 100, .keep_alive_ms = 100};
  connect();
  send(kGet);
  pass(400);
  ASSERT_TRUE(open());
  job(0).answer("late");
  EXPECT_EQ(receive(), response("late"));
}

// An engine that pauses and resumes at each piece must not renew the client's time.
TEST_F(ConnectionDeadlines, CutsADripAlsoWhenTheEngineKeepsPausing) {
  core_.deadlines.body_ms = 300;
  connect();
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  std::string text;
  EXPECT_TRUE(until([&] {
    if (job(0).exchange->connected()) {
      ::send(client_.get(), "x", 1, MSG_NOSIGNAL);
      job(0).exchange->pause_body();
      turns(2);
      job(0).exchange->resume_body();
    }
    text += receive();
    return text.find("HTTP/1.1 408 ") != std::string::npos;
  }));
}

TEST_F(ConnectionDeadlines, DoesNotCountTheTimeInWhichTheEngineHoldsTheBodyBack) {
  core_.deadlines.body_ms = 200;
  connect();
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
  job(0).exchange->pause_body();
  turns();
  pass(500);
  EXPECT_FALSE(job(0).disconnected);
  job(0).exchange->resume_body();
  send("def");
  EXPECT_TRUE(job(0).ended);
}

// The socket asks for more in large steps only: what the peer takes from the kernel counts.
TEST_F(ConnectionDeadlines, LetsASlowReaderLive) {
  core_.deadlines.write_ms = 1000;
  connect();
  send(kGet);
  job(0).answer(std::string(size_t{8} << 20, 'x'));
  turns();
  std::string buffer(40960, '\0');  // more than one of the kernel's buffers
  for (int i = 0; i < 3; ++i) {
    ASSERT_GT(::recv(client_.get(), buffer.data(), buffer.size(), 0), 0);
    pass(700);
    ASSERT_TRUE(open()) << i;
  }
  EXPECT_TRUE(until([&] { return !open(); }));  // it has stopped reading
}

TEST_F(ConnectionDeadlines, EndsAnIdleConnectionInADrainThoughItsDeadlineIsOff) {
  core_.deadlines.drain_idle_ms = 100;
  connect();
  turns();
  core_.draining = true;
  connection_->drain();
  EXPECT_TRUE(until([&] { return !open(); }));
}

TEST_F(ConnectionDeadlines, DoesNotWaitForEverForTheClientsFin) {
  core_.deadlines.linger_ms = 100;
  connect();
  send("BAD\r\n\r\n");
  EXPECT_NE(receive().find("<FIN>"), std::string::npos);
  EXPECT_TRUE(open());
  EXPECT_TRUE(until([&] {
    ::send(client_.get(), "x", 1, MSG_NOSIGNAL);  // prolongs nothing
    return !open();
  }));
}

}  // namespace
}  // namespace cppcorn::server
