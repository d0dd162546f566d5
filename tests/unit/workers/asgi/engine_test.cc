#include "workers/asgi/engine.h"

#include "tests/unit/workers/asgi/asgi_test.h"

namespace cppcorn::asgi {
namespace {

using python::PyRef;
using testing::kGet;

// The parameter: whether tasks are lazy. Nothing of what is tried here depends on it.
class EngineTest : public testing::AsgiTest, public ::testing::WithParamInterface<bool> {
 protected:
  EngineTest() { lazy_tasks_ = GetParam(); }
  static constexpr const char* kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  static bool is_error(const std::string& response) {
    return response.starts_with("HTTP/1.1 500 ") && response.ends_with("<FIN>");
  }
};

TEST_P(EngineTest, ARequestIsATaskWithItsAnswer) {
  serve(
      "async def app(scope, receive, send):\n"
      "  seen.append(type(asyncio.current_task()).__mro__[-3:-1] and (await receive())['type'])\n"
      "  await send(START)\n"
      "  await send(END)\n");
  send(kGet);
  EXPECT_EQ(receive(), kOk);
  EXPECT_EQ(repr("seen"), "['http.request']");
  EXPECT_EQ(engine_->tasks(), 0U);
  EXPECT_EQ(logged(), "[]");
}

TEST_P(EngineTest, NothingIsLeftOfARequest) {
  serve(
      "async def app(scope, receive, send):\n"
      "  await asyncio.sleep(0)\n"
      "  await receive()\n"
      "  await send(START)\n"
      "  await send(END)\n");
  const long before = request_objects();
  const PyRef app = eval("app");
  send(kGet);
  receive();
  const Py_ssize_t references = Py_REFCNT(app.get());
  for (int i = 0; i < 50; ++i) {
    send(kGet);
    ASSERT_EQ(receive(), kOk);
  }
  EXPECT_EQ(Py_REFCNT(app.get()), references);
  EXPECT_EQ(request_objects(), before);
}

TEST_P(EngineTest, PipelinedRequestsAreAnsweredInTheirOrder) {
  serve(
      "async def app(scope, receive, send):\n"
      "  await asyncio.sleep(0.01 if scope['path'] == '/slow' else 0)\n"
      "  await send(START)\n"
      "  await send({**END, 'body': scope['path'].encode()})\n"
      "  seen.append(scope['path'])\n");
  send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /fast HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(until("len(seen) == 2"));
  EXPECT_EQ(repr("seen"), "['/fast', '/slow']");
  const std::string text = receive();
  EXPECT_LT(text.find("/slow"), text.find("/fast"));
}

// --- Applications that fail ---

TEST_P(EngineTest, AnExceptionIs500AndOneEntryInTheLog) {
  serve("async def app(scope, receive, send):\n  raise ValueError('deliberate')\n");
  send("GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(is_error(receive()));
  EXPECT_EQ(logged(), "['Exception in ASGI application [GET /a?b]']");
  EXPECT_EQ(repr("logged[0][1]"), "ValueError('deliberate')");
  EXPECT_TRUE(truth("logged[0][1].__traceback__ is not None"));
}

TEST_P(EngineTest, BehindTheHeadTheConnectionIsCut) {
  serve(
      "async def app(scope, receive, send):\n"
      "  await send({**START, 'headers': [(b'content-length', b'5')]})\n"
      "  await send({**END, 'more_body': True})\n"
      "  await asyncio.sleep(0)\n"
      "  raise ValueError\n");
  send(kGet);
  turns();
  EXPECT_EQ(core_->connections, 0U);
  EXPECT_EQ(repr("len(logged)"), "1");
}

TEST_P(EngineTest, ExitsCostOneRequest) {
  serve(
      "async def app(scope, receive, send):\n"
      "  raise {'/s': SystemExit, '/k': KeyboardInterrupt, '/g': GeneratorExit}[scope['path']]\n");
  for (const char* path : {"/s", "/k", "/g"}) {
    send("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(is_error(receive())) << path;
    disconnect_server_side();
    connect();
  }
}

TEST_P(EngineTest, WhatIsNoCoroutine) {
  serve("def app(scope, receive, send):\n  return [b'WSGI']\n");
  send(kGet);
  EXPECT_TRUE(is_error(receive()));
  EXPECT_NE(repr("logged").find("not an awaitable"), std::string::npos);
}

TEST_P(EngineTest, AnyAwaitableWillDo) {
  serve(
      "def app(scope, receive, send):\n"
      "  send(START); send(END)\n"
      "  return loop.create_task(asyncio.sleep(0))\n");
  send(kGet);
  EXPECT_EQ(receive(), kOk);
  EXPECT_EQ(engine_->tasks(), 0U);
}

TEST_P(EngineTest, ForgottenMessages) {
  serve(
      "async def app(scope, receive, send):\n"
      "  if scope['path'] == '/half':\n"
      "    await send(START)\n"
      "    await send({**END, 'more_body': True})\n");
  send(kGet);
  EXPECT_TRUE(is_error(receive()));
  disconnect_server_side();
  connect();
  send("GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(core_->connections, 0U);
  EXPECT_EQ(logged(),
            "['ASGI application returned without starting its response [GET /]', "
            "'ASGI application returned without completing its response [GET /half]']");
}

TEST_P(EngineTest, ALoggerThatFailsDoesNotHurt) {
  serve("async def app(scope, receive, send):\n  raise ValueError('deliberate')\n");
  ASSERT_TRUE(engine_->set_host(gil_, {.app = eval("app"),
                                       .loop = eval("loop"),
                                       .lazy_tasks = lazy_tasks_,
                                       .log_exception = eval("len")}));
  ::testing::internal::CaptureStderr();
  send(kGet);
  EXPECT_TRUE(is_error(receive()));
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("ValueError: deliberate"),
            std::string::npos);
}

// --- Tasks ---

TEST_P(EngineTest, EachRequestCopiesTheContext) {
  serve(
      "import contextvars\n"
      "variable = contextvars.ContextVar('variable', default='unset')\n"
      "context = contextvars.Context()\n"
      "context.run(variable.set, 'at start')\n"
      "async def app(scope, receive, send):\n"
      "  seen.append(variable.get())\n"
      "  variable.set('by a request')\n"
      "  await send(START); await send(END)\n");
  send(kGet);
  send(kGet);
  EXPECT_EQ(repr("seen"), "['at start', 'at start']");
}

TEST_P(EngineTest, ATaskFactoryIsAsked) {
  serve(
      "async def app(scope, receive, send):\n"
      "  seen.append(asyncio.current_task().get_name())\n"
      "  await send(START); await send(END)\n"
      "def create_task(coroutine, *, context):\n"
      "  return asyncio.Task(coroutine, loop=loop, context=context, name='made')\n");
  send(kGet);
  EXPECT_EQ(receive(), kOk);
  EXPECT_EQ(repr("seen"), "['made']");
}

TEST_P(EngineTest, ATaskFactoryThatFails) {
  serve(
      "async def app(scope, receive, send): pass\n"
      "def create_task(coroutine, *, context): raise RuntimeError('no task')\n");
  send(kGet);
  EXPECT_TRUE(is_error(receive()));
  EXPECT_EQ(repr("logged[0][1]"), "RuntimeError('no task')");
  EXPECT_EQ(engine_->tasks(), 0U);
}

TEST_P(EngineTest, ACoroutineThatDiesUnstartedIs500) {
  serve(
      "async def app(scope, receive, send): pass\n"
      "def create_task(coroutine, *, context): return loop.create_future()\n");
  send(kGet);
  turns();
  EXPECT_TRUE(is_error(receive()));
  EXPECT_EQ(engine_->tasks(), 0U);
}

TEST_P(EngineTest, CancellationGoesToTheTask) {
  serve(
      "async def app(scope, receive, send):\n"
      "  asyncio.current_task().cancel()\n"
      "  try: await asyncio.sleep(1)\n"
      "  finally: seen.append(asyncio.current_task())\n");
  send(kGet);
  EXPECT_TRUE(is_error(receive()));
  EXPECT_TRUE(truth("seen[0].cancelled()"));
}

// --- Clients that go ---

TEST_P(EngineTest, AnAppThatLetsTheDisconnectionPassIsNotLogged) {
  serve(
      "async def app(scope, receive, send):\n"
      "  await receive()\n"
      "  seen.append((await receive())['type'])\n"
      "  await send(START)\n");
  send(kGet);
  leave();
  EXPECT_EQ(repr("seen"), "['http.disconnect']");
  EXPECT_EQ(logged(), "[]");
  EXPECT_EQ(engine_->tasks(), 0U);
}

// Event streams end so: told that the client is gone, they just return.
TEST_P(EngineTest, AnAppThatGivesUpAfterADisconnectIsNotLogged) {
  serve(
      "async def app(scope, receive, send):\n"
      "  await send(START)\n"
      "  await send({**END, 'more_body': True})\n"
      "  while (await receive())['type'] != 'http.disconnect': pass\n"
      "  seen.append('told')\n");
  send(kGet);
  close_client();
  EXPECT_EQ(repr("seen"), "['told']");
  EXPECT_EQ(logged(), "[]");
  EXPECT_EQ(engine_->tasks(), 0U);
}

TEST_P(EngineTest, ATaskGoesOnWithoutItsClient) {
  serve(
      "async def app(scope, receive, send):\n"
      "  await asyncio.sleep(0.01)\n"
      "  seen.append('finished')\n");
  send(kGet);
  leave();
  ASSERT_TRUE(until("seen"));
  turns();
  EXPECT_EQ(logged(), "[]");
}

TEST_P(EngineTest, AGracePeriodCancelsIt) {
  serve(
      "async def app(scope, receive, send):\n"
      "  try: await asyncio.sleep(3600)\n"
      "  except asyncio.CancelledError: seen.append('cancelled'); raise\n");
  engine_->set_disconnect_grace(1);
  send(kGet);
  ASSERT_EQ(::shutdown(client_.get(), SHUT_WR), 0);
  EXPECT_TRUE(until("seen")) << "a FIN is how clients go";
}

TEST_P(EngineTest, BehindACompleteResponseWorkGoesOn) {
  serve(
      "async def app(scope, receive, send):\n"
      "  await send(START); await send(END)\n"
      "  await asyncio.sleep(0.02)\n"
      "  seen.append('finished')\n");
  engine_->set_disconnect_grace(0);
  send(kGet);
  leave();
  EXPECT_TRUE(until("seen"));
}

// --- The end ---

TEST_P(EngineTest, IdlenessIsToldOnceTheLastTaskHasEnded) {
  serve(
      "async def app(scope, receive, send):\n"
      "  global done\n"
      "  done = loop.create_future()\n"
      "  await done\n"
      "  await send(START); await send(END)\n");
  send(kGet);
  engine_->when_idle(gil_, eval("lambda: seen.append('idle')"));
  turns();
  EXPECT_EQ(repr("seen"), "[]");
  run("done.set_result(None)");
  turns();
  EXPECT_EQ(repr("seen"), "['idle']");
  engine_->when_idle(gil_, eval("lambda: seen.append('at once')"));
  turns();
  EXPECT_EQ(repr("seen"), "['idle', 'at once']");
}

TEST_P(EngineTest, TasksThatAreCancelledAtTheEndGive503) {
  serve("async def app(scope, receive, send):\n  await asyncio.sleep(3600)\n");
  send(kGet);
  engine_->cancel_tasks(gil_);
  turns();
  EXPECT_TRUE(receive().starts_with("HTTP/1.1 503 "));
}

TEST_P(EngineTest, TasksOutliveTheEngine) {
  serve(
      "async def app(scope, receive, send):\n"
      "  await receive()\n"
      "  seen.append((await receive())['type'])\n"
      "  seen.append(outcome(lambda: send(START)))\n");
  send(kGet);
  engine_->detach(gil_);
  turns();
  EXPECT_EQ(repr("seen"),
            "['http.disconnect', 'RuntimeError: send() was called after the request was over']");
}

TEST_P(EngineTest, WhatATaskRaisesWithoutTheEngineIsItsOwn) {
  serve(
      "async def app(scope, receive, send):\n"
      "  seen.append(asyncio.current_task())\n"
      "  await asyncio.sleep(0.001)\n"
      "  raise ValueError('late')\n");
  send(kGet);
  engine_->detach(gil_);
  ASSERT_TRUE(until("seen[0].done()"));
  EXPECT_EQ(repr("seen[0].exception()"), "ValueError('late')") << "asyncio reports it";
}

INSTANTIATE_TEST_SUITE_P(Tasks, EngineTest, ::testing::Bool(), [](const auto& lazy) {
  return std::string(lazy.param ? "lazy" : "whole");
});

}  // namespace
}  // namespace cppcorn::asgi
