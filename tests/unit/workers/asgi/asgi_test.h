// AsgiTest: what the tests of the ASGI engine share: an engine on an asyncio loop over libuv, one
// client's connection over a socket pair, and an application written in the test. Made anew for
// each test.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "src/base/clock.h"
#include "tests/unit/src/server/connection_fixture.h"
#include "tests/unit/workers/python_test.h"
#include "workers/asgi/engine.h"

namespace cppcorn::asgi::testing {

using python::GilHeld;
using python::PyRef;

class AsgiTest : public python::testing::PythonTest {
 protected:
  static constexpr uint64_t kPatienceMs = 10'000;

  // Names for the applications: START, END, outcome(call), and `seen`, a list for what they find.
  void SetUp() override {
    run("import asyncio, gc, selectors, sys\n"
        "seen, logged = [], []\n"
        "START = {'type': 'http.response.start', 'status': 200, 'headers': []}\n"
        "END = {'type': 'http.response.body', 'body': b'ok'}\n"
        "def outcome(call):\n"
        "  try: call()\n"
        "  except BaseException as error: return f'{type(error).__name__}: {error}'\n"
        "  return 'none'\n"
        "selector = selectors.EpollSelector()\n"
        "context = state = create_task = None\n");
    driver_ = std::make_shared<asyncio::LoopDriver>();
    const int fd = static_cast<int>(PyLong_AsLong(eval("selector.fileno()").get()));
    set("select", driver_->make_select(gil_, eval("selector.select"), fd));
    run("selector.select = select\nloop = asyncio.SelectorEventLoop(selector)");
    engine_ = std::make_unique<Engine>(*driver_);
    core_ = std::make_unique<server::TestCore>(driver_->loop(), *engine_);
    driver_->set_dispatcher(engine_.get());
    ASSERT_TRUE(engine_->prepare(gil_, scope_options_)) << pending();
  }

  void TearDown() override {
    if (engine_) engine_->detach(gil_);
    disconnect_server_side();
    // As asyncio.Runner ends: the application's tasks hear of it.
    run("for task in asyncio.all_tasks(loop): task.cancel()\n"
        "loop.call_soon(loop.stop)\nloop.run_forever()\n"
        "loop.call_soon(loop.stop)\nloop.run_forever()");
    driver_->set_dispatcher(nullptr);
    driver_->loop().run_once(0);
    run("loop.close()");
    driver_->forget_selector(gil_);
    core_.reset();
    engine_.reset();
    globals_.reset();
    collect();
  }

  // Serves `app`, defined by these statements.
  void serve(const std::string& source) {
    run(source);
    const auto or_nothing = [](PyRef ref) { return ref.get() == Py_None ? PyRef() : ref; };
    const PyRef create_task = or_nothing(eval("create_task"));
    ASSERT_TRUE(engine_->set_host(
        gil_, {.app = eval("app"),
               .loop = eval("loop"),
               .context = or_nothing(eval("context")),
               .create_task = create_task,
               .lazy_tasks = lazy_tasks_ && !create_task,
               .state = or_nothing(eval("state")),
               .log_exception = eval("lambda text, error: logged.append((text, error))")}))
        << pending();
    connect();
  }
  void connect(const server::Endpoints& endpoints = {}) {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    client_.reset(pair[0]);
    connection_ = new server::Connection(
        *core_, net::make_socket_stream(driver_->loop(), UniqueFd(pair[1]), true), endpoints);
    core_->connections = 1;
    connection_->start();
  }
  void disconnect_server_side() {
    if (core_ && core_->connections > 0) connection_->close();
  }

  // One turn of the asyncio loop, which does not wait.
  void turn() { run("loop.call_soon(loop.stop)\nloop.run_forever()"); }
  void turns(int count = 6) {
    for (int i = 0; i < count; ++i) turn();
  }
  void send(std::string_view bytes) {
    ASSERT_EQ(::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    turns();
  }
  // The client closes, which the server sees as a FIN.
  void close_client() {
    client_.reset();
    turns();
  }
  // The connection breaks: a socket pair knows no RST.
  void leave() {
    client_.reset();
    disconnect_server_side();
    turns();
  }
  bool until(const std::string& condition) {
    const uint64_t end = monotonic_ms() + kPatienceMs;
    while (!truth(condition)) {
      if (monotonic_ms() > end) return false;
      turn();
    }
    return true;
  }
  // What has been sent; "<FIN>" marks the end.
  std::string receive() {
    turns();
    std::string text;
    char buffer[65536];
    for (;;) {
      const ssize_t count = ::recv(client_.get(), buffer, sizeof buffer, 0);
      if (count > 0) {
        text.append(buffer, static_cast<size_t>(count));
        continue;
      }
      return count == 0 ? text + "<FIN>" : text;
    }
  }
  // The texts that were logged, without tracebacks.
  std::string logged() { return repr("[text for text, _ in logged]"); }
  // How many objects of requests live: a leak, or a cycle that the collector cannot see.
  long request_objects() {
    collect();
    return PyLong_AsLong(
        eval("sum(type(o).__name__ in ('HttpRequest', 'Awaitable') for o in gc.get_objects())")
            .get());
  }

  // An application that only shows its scope, receive and send to the test, which plays its part.
  void serve_by_hand() {
    serve(
        "async def app(s, r, w):\n"
        "  global scope, receive, send, done\n"
        "  scope, receive, send, done = s, r, w, loop.create_future()\n"
        "  await done\n");
  }

  ScopeBuilder::Options scope_options_;
  bool lazy_tasks_ = true;
  std::shared_ptr<asyncio::LoopDriver> driver_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<server::TestCore> core_;
  UniqueFd client_;
  server::Connection* connection_ = nullptr;
};

inline constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace cppcorn::asgi::testing
