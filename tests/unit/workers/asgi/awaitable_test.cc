#include "workers/asgi/awaitable.h"

#include "tests/unit/workers/asgi/asgi_test.h"

namespace cppcorn::asgi {
namespace {

using testing::kGet;

constexpr std::string_view kPost = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n";

// Steps awaitables by hand: step(a) gives what it yields ("waits"), or ("gives", value), or what it
// raised.
class AwaitableTest : public testing::AsgiTest {
 protected:
  void SetUp() override {
    AsgiTest::SetUp();
    serve_by_hand();
    run("def step(awaitable, method='send', value=None):\n"
        "  try: future = getattr(awaitable, method)(value)\n"
        "  except StopIteration as stop: return ('gives', stop.value)\n"
        "  except BaseException as error: return f'{type(error).__name__}: {error}'\n"
        "  assert isinstance(future, asyncio.Future) and future._asyncio_future_blocking\n"
        "  future._asyncio_future_blocking = False\n"
        "  return 'waits'\n");
  }
  // More than the client's socket and the high-water mark take.
  void fill() {
    run("assert step(send(START)) == ('gives', None)\n"
        "block = {'type': 'http.response.body', 'body': b'x' * 100_000, 'more_body': True}\n"
        "for _ in range(100):\n"
        "  waiting = send(block)\n"
        "  if step(waiting) == 'waits': break\n"
        "else: raise AssertionError('no back-pressure')");
  }
};

// --- receive() ---

TEST_F(AwaitableTest, ABodyThatIsThereIsGivenAtOnce) {
  send(std::string(kPost) + "abcdef");
  EXPECT_EQ(repr("step(receive())"),
            "('gives', {'type': 'http.request', 'body': b'abcdef', 'more_body': False})");
}

TEST_F(AwaitableTest, NoBodyIsOneEmptyMessage) {
  send(kGet);
  EXPECT_EQ(repr("step(receive())"),
            "('gives', {'type': 'http.request', 'body': b'', 'more_body': False})");
  EXPECT_EQ(repr("step(receive())"), "'waits'") << "for the client's going";
}

TEST_F(AwaitableTest, PiecesAreGivenAsTheyCome) {
  send(std::string(kPost) + "abc");
  EXPECT_EQ(repr("step(receive())"),
            "('gives', {'type': 'http.request', 'body': b'abc', 'more_body': True})");
  run("waiting = receive()");
  EXPECT_EQ(repr("step(waiting)"), "'waits'");
  send("def");
  EXPECT_EQ(repr("step(waiting)"),
            "('gives', {'type': 'http.request', 'body': b'def', 'more_body': False})");
}

TEST_F(AwaitableTest, NothingIsTakenBeforeTheFirstStep) {
  send(std::string(kPost) + "abcdef");
  run("never = receive()\nnever.close()\ndel never");
  EXPECT_EQ(repr("step(receive())[1]['body']"), "b'abcdef'");
}

TEST_F(AwaitableTest, AWakeUpForNothingWaitsAgain) {
  send(kPost);
  run("first, second = receive(), receive()");
  EXPECT_EQ(repr("step(first), step(second)"), "('waits', 'waits')");
  send("abcdef");
  EXPECT_EQ(repr("step(second)[1]['body']"), "b'abcdef'");
  EXPECT_EQ(repr("step(first)"), "'waits'") << "the other one took the news";
  leave();
  EXPECT_EQ(repr("step(first)"), "('gives', {'type': 'http.disconnect'})");
}

TEST_F(AwaitableTest, AClientThatLeftInItsBody) {
  send(std::string(kPost) + "abc");
  leave();
  EXPECT_EQ(repr("step(receive())"), "('gives', {'type': 'http.disconnect'})");
  EXPECT_EQ(repr("step(receive())"), "('gives', {'type': 'http.disconnect'})") << "and again";
}

TEST_F(AwaitableTest, BehindTheResponseIsTheEnd) {
  send(kGet);
  run("waiting = receive()");
  EXPECT_EQ(repr("step(waiting)[1]['type']"), "'http.request'");
  run("waiting = receive()");
  EXPECT_EQ(repr("step(waiting)"), "'waits'");
  run("send(START); send(END)");
  EXPECT_EQ(repr("step(waiting)"), "('gives', {'type': 'http.disconnect'})");
}

TEST_F(AwaitableTest, TheClientIsReadFromAsFarAsTheAppTakesIt) {
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
  const std::string much(100'000, 'x');
  size_t sent = 0;
  for (int i = 0; i < 200; ++i) {
    const ssize_t count = ::send(client_.get(), much.data(), much.size(), MSG_NOSIGNAL);
    if (count > 0) sent += static_cast<size_t>(count);
    turn();
  }
  EXPECT_LT(sent, 2'000'000U) << "the socket's buffers and the mark";
  run("taken = 0\n"
      "while (got := step(receive())) != 'waits': taken += len(got[1]['body'])");
  EXPECT_TRUE(truth("0 < taken < 500_000"));
  turns();
  EXPECT_NE(repr("step(receive())"), "'waits'") << "reading goes on";
}

// --- send() ---

TEST_F(AwaitableTest, SendThatNeedNotWaitIsOneSharedObject) {
  send(kGet);
  run("first = send(START)");
  EXPECT_EQ(repr("step(first), step(first), step(first, 'throw', ValueError('x'))"),
            "(('gives', None), ('gives', None), 'ValueError: x')");
  run("second = send(END)");
  EXPECT_TRUE(truth("second is first"));
  run("second.close()");
  EXPECT_EQ(repr("step(second)"), "('gives', None)");
}

TEST_F(AwaitableTest, SendWaitsForASlowClient) {
  send(kGet);
  fill();
  run("rounds = 0");
  while (repr("step(waiting)") == "'waits'") {
    receive();
    ASSERT_LT(PyLong_AsLong(eval("(rounds := rounds + 1)").get()), 1000);
  }
  EXPECT_EQ(repr("step(waiting)"),
            "'RuntimeError: cannot reuse an already awaited receive() or send()'");
}

TEST_F(AwaitableTest, SendThatWaitsRaisesWhenTheClientGoes) {
  send(kGet);
  fill();
  leave();
  EXPECT_EQ(repr("step(waiting)"), "'ClientDisconnected: the client has disconnected'");
}

TEST_F(AwaitableTest, SendThatWaitsEndsWithTheRequest) {
  send(kGet);
  fill();
  run("done.set_result(None)");
  turns();
  EXPECT_EQ(repr("step(waiting)"), "('gives', None)");
}

// --- The coroutine protocol ---

TEST_F(AwaitableTest, AnAwaitableIsAwaitedOnce) {
  send(kGet);
  run("once = receive()\nstep(once)");
  EXPECT_EQ(repr("step(once)"),
            "'RuntimeError: cannot reuse an already awaited receive() or send()'");
}

TEST_F(AwaitableTest, ThrowEndsTheWait) {
  send(kPost);
  run("waiting = receive()\nstep(waiting)");
  EXPECT_EQ(repr("step(waiting, 'throw', asyncio.CancelledError('enough'))"),
            "'CancelledError: enough'");
  EXPECT_EQ(repr("step(waiting)").find("'RuntimeError: cannot reuse"), 0U);
  run("fresh = receive()");
  EXPECT_EQ(repr("step(fresh, 'throw', KeyError('k'))"), "\"KeyError: 'k'\"");
  send("abcdef");
  EXPECT_EQ(repr("step(receive())[1]['body']"), "b'abcdef'") << "nothing was lost";
}

TEST_F(AwaitableTest, ACancelledFutureIsNotWoken) {
  send(kPost);
  run("waiting = receive()\nfuture = waiting.send(None)\nfuture.cancel()");
  send("abcdef");
  EXPECT_EQ(repr("step(waiting)").find("'CancelledError"), 0U);
  EXPECT_EQ(repr("step(receive())[1]['body']"), "b'abcdef'");
}

TEST_F(AwaitableTest, ItIsACoroutineForAsyncio) {
  send(kPost);
  EXPECT_TRUE(truth("asyncio.iscoroutine(waiting := receive())"));
  EXPECT_TRUE(truth("waiting.__await__() is waiting and iter(waiting) is waiting"));
  EXPECT_EQ(repr("outcome(lambda: type(waiting)())").find("\"TypeError: cannot create"), 0U);
  run("task = loop.create_task(waiting)");
  turns();
  send("abcdef");
  EXPECT_EQ(repr("task.result()['body']"), "b'abcdef'");
}

TEST_F(AwaitableTest, AnotherThreadCannotStepIt) {
  send(std::string(kPost) + "abcdef");
  run("import threading\n"
      "waiting = receive()\n"
      "thread = threading.Thread(target=lambda: seen.append(step(waiting)))\n"
      "thread.start(); thread.join()");
  EXPECT_NE(repr("seen").find("RuntimeError: receive() and send() can only be awaited on the "
                              "thread of the event loop"),
            std::string::npos);
  EXPECT_EQ(repr("step(receive())[1]['body']"), "b'abcdef'");
}

TEST_F(AwaitableTest, WhatIsHeldInACycleIsCollected) {
  const long before = request_objects();
  send(kPost);
  run("class Holder: pass\n"
      "holder = Holder()\n"
      "holder.receive, holder.waiting, holder.itself = receive, receive(), holder\n"
      "step(holder.waiting)\n"
      "done.set_result(None)\n");
  turns();
  run("del holder, scope, receive, send, done");
  turns();
  EXPECT_EQ(request_objects(), before);
}

}  // namespace
}  // namespace cppcorn::asgi
