// A request on its way to a pool thread and back, over a real connection; the test is the pool.
#include "workers/wsgi/call.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "protocols/http/date.h"
#include "tests/unit/src/server/connection_fixture.h"
#include "workers/wsgi/outbox.h"

namespace cppcorn::wsgi {
namespace {

using http1::EncodeError;
using server::kGet;

class CallTest : public server::ConnectionTest, protected CallHost {
 protected:
  // Each request that the connection takes becomes a call.
  CallTest() {
    engine_.on_new = [this](server::Engine::Job& fresh) {
      calls_.push_back(std::make_unique<Call>(static_cast<CallHost&>(*this), responses_));
      calls_.back()->begin(std::move(fresh.exchange));
    };
  }

  void call_ready(Call& call) override { ready_.push_back(&call); }
  void call_changed(Call& call) override {
    if (!call.ListHook<>::linked()) changed_.push_back(call);
  }
  void call_over(Call& call) override {
    call.ListHook<>::unlink();
    call.reset();
    ++over_;
  }
  std::mutex& mail_mutex() noexcept override { return outbox_.mutex(); }
  bool buffers_requests() const noexcept override { return buffers_; }

  // What the I/O thread does after a turn.
  void handle() {
    std::vector<Call*> collected;
    outbox_.collect(collected);
    for (Call* call : collected) call->handle_mail();
    while (!changed_.empty()) changed_.pop_front().handle_mail();
  }

  // What a pool thread does with a block of the response.
  void respond(Call& call, std::string_view text, bool last = true) {
    server::ResponseWriter writer(call.facts, core_.response_shared);
    ASSERT_EQ(writer.start(200), EncodeError::kNone);
    ASSERT_EQ(writer.body(text, last, date_, 0), EncodeError::kNone);
    server::Exchange::Progress progress{.status = 200, .finished = last};
    ASSERT_TRUE(outbox_.try_post(call, writer.ready(), progress, /*release=*/last));
  }

  bool wants_body(Call& call) {
    const std::lock_guard lock(outbox_.mutex());
    return call.mail.wants_body;
  }
  size_t piped(Call& call) {
    const std::lock_guard lock(outbox_.mutex());
    return call.pipe.bytes.size();
  }

  server::SpoolStore spools_{"/tmp", 1 << 20, 10};
  ResponseStore responses_{spools_, 1 << 20, 1 << 20};
  Outbox outbox_;
  http::DateLine date_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<Call*> ready_;
  IntrusiveList<Call> changed_;
  int over_ = 0;
  bool buffers_ = true;
};

std::string post_head(size_t bytes) {
  return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n";
}

TEST_F(CallTest, GoesToThePoolWhenItIsCompleteAndNotBefore) {
  connect();
  send(post_head(6) + "abc");
  EXPECT_TRUE(ready_.empty());
  send("def");
  ASSERT_EQ(ready_.size(), 1u);
  EXPECT_EQ(ready_[0]->body.view(), "abcdef");
  respond(*ready_[0], "answer");
  handle();
  EXPECT_EQ(over_, 1);
  EXPECT_EQ(receive(), response("answer"));
}

TEST_F(CallTest, BelongsToThePoolUntilItIsReleased) {
  connect();
  send(kGet);
  Call& call = *ready_.at(0);
  connection_->close();
  EXPECT_TRUE(call.gone.load());
  handle();
  EXPECT_EQ(over_, 0);
  respond(call, "nobody reads it", /*last=*/false);
  outbox_.release(call);
  handle();
  EXPECT_EQ(over_, 1);
}

TEST_F(CallTest, IsNeverSeenByThePoolWhenItsBodyBreaks) {
  connect();
  send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  send("no size\r\n");
  handle();
  EXPECT_TRUE(ready_.empty());
  EXPECT_EQ(over_, 1);
  EXPECT_TRUE(receive().starts_with("HTTP/1.1 400 "));
}

TEST_F(CallTest, Answers503WhenItsBodyCannotBeStored) {
  connect();
  constexpr size_t kTooMuch = 100'000;  // neither for what is left of memory nor for the disk
  ASSERT_TRUE(spools_.memory.reserve(server::SpoolStore::kMemoryMax));
  send(post_head(kTooMuch) + std::string(kTooMuch, 'x'));
  handle();
  EXPECT_TRUE(ready_.empty());
  EXPECT_EQ(over_, 1);
  EXPECT_TRUE(receive().starts_with("HTTP/1.1 503 "));
  EXPECT_EQ(spools_.disk.used(), 0u);
  spools_.memory.give_back(server::SpoolStore::kMemoryMax);
}

TEST_F(CallTest, FailsWithAPageWhileNoHeadHasLeft) {
  connect();
  send(kGet);
  outbox_.fail(*ready_.at(0), 500);
  outbox_.release(*ready_[0]);
  handle();
  EXPECT_EQ(over_, 1);
  EXPECT_TRUE(receive().starts_with("HTTP/1.1 500 "));
}

TEST_F(CallTest, CutsTheConnectionWhenItFailsLater) {
  connect();
  send(kGet);
  respond(*ready_.at(0), "abc", /*last=*/false);
  outbox_.fail(*ready_[0], 500);
  outbox_.release(*ready_[0]);
  handle();
  const std::string text = receive();
  EXPECT_TRUE(text.starts_with("HTTP/1.1 200 ")) << text;
  EXPECT_EQ(text.find("0\r\n\r\n"), std::string::npos) << text;
  EXPECT_EQ(over_, 1);
  EXPECT_FALSE(open());
}

// --- Bodies that stream ---

TEST_F(CallTest, HoldsAClientBackThatSendsMoreThanIsRead) {
  buffers_ = false;
  connect();
  constexpr size_t kBytes = 4 << 20;
  send(post_head(kBytes));
  Call& call = *ready_.at(0);
  const std::string block(65536, 'x');
  size_t sent = 0;
  const auto push = [&] {
    for (ssize_t count = 0; sent < kBytes; sent += static_cast<size_t>(count)) {
      const size_t size = std::min(block.size(), kBytes - sent);
      count = ::send(client_.get(), block.data(), size, MSG_NOSIGNAL);
      if (count < 0) return;
      turns();
    }
  };
  push();
  EXPECT_LT(sent, kBytes);
  EXPECT_LE(piped(call), BodyPipe::kHighWater + 4 * net::EventLoop::kReadBufferBytes);
  const bool over = false;
  ByteBuffer body;
  EXPECT_TRUE(until([&] {
    while (piped(call) > 0) EXPECT_TRUE(outbox_.read_body(call, over, body, 0));
    handle();
    push();
    return body.size() == kBytes;
  }));
  ByteBuffer end;
  EXPECT_TRUE(outbox_.read_body(call, over, end, 0));  // does not wait: that was all
  EXPECT_TRUE(end.empty());
}

// The call may be another request's by then.
TEST_F(CallTest, SetsAReaderFreeWhoseRequestIsOver) {
  buffers_ = false;
  connect();
  send(post_head(6));
  Call& call = *ready_.at(0);
  bool over = false;
  bool read = true;
  ByteBuffer body;
  std::thread reader([&] { read = outbox_.read_body(call, over, body, 0); });
  EXPECT_TRUE(until([&] { return wants_body(call); }));
  outbox_.end_reading(call, over);
  reader.join();
  EXPECT_FALSE(read);
  send("abc");
  EXPECT_FALSE(outbox_.read_body(call, over, body, 0));
  EXPECT_TRUE(body.empty());
  EXPECT_EQ(piped(call), 3u);
}

TEST_F(CallTest, TellsAReaderThatTheClientIsGone) {
  buffers_ = false;
  connect();
  send(post_head(6) + "abc");
  Call& call = *ready_.at(0);
  const bool over = false;
  ByteBuffer body;
  EXPECT_TRUE(outbox_.read_body(call, over, body, 0));
  EXPECT_EQ(body.view(), "abc");
  connection_->close();
  EXPECT_FALSE(outbox_.read_body(call, over, body, 0));
}

}  // namespace
}  // namespace cppcorn::wsgi
