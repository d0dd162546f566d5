#include "workers/asyncio/loop_driver.h"

#include <unistd.h>

#include <csignal>
#include <memory>
#include <thread>

#include "src/base/clock.h"
#include "tests/unit/workers/python_test.h"

namespace cppcorn::asyncio {
namespace {

using python::GilHeld;
using python::PyRef;

class LoopDriverTest : public python::testing::PythonTest {
 protected:
  void SetUp() override {
    run("import os, selectors, signal, sys, threading\n"
        "inner = selectors.EpollSelector()\n"
        "reading, writing = os.pipe()\n"
        "inner.register(reading, selectors.EVENT_READ, 'the pipe')\n"
        "unraisable = []\n"
        "kept_hook = sys.unraisablehook\n"
        "sys.unraisablehook = lambda u: unraisable.append(str(u.exc_value))\n");
    driver_ = std::make_shared<LoopDriver>();
    select_ = driver_->make_select(gil_, eval("inner.select"), descriptor("inner.fileno()"));
    set("select", select_);
  }
  void TearDown() override {
    if (driver_) driver_->forget_selector(gil_);
    run("inner.close()\nos.close(reading)\nos.close(writing)\nsys.unraisablehook = kept_hook");
  }

  int descriptor(const std::string& expression) {
    return static_cast<int>(PyLong_AsLong(eval(expression).get()));
  }
  // select(timeout), as "[...]" or what it raised.
  std::string select(const std::string& timeout) {
    return repr(PyRef::steal(PyObject_CallOneArg(select_.get(), eval(timeout).get())));
  }
  static uint64_t now_ns() { return monotonic_ns(); }

  std::shared_ptr<LoopDriver> driver_;
  PyRef select_;
};

// --- Timers: asyncio's are timeouts of select ---

TEST_F(LoopDriverTest, ADueTimerDoesNotWait) {
  const uint64_t began = now_ns();
  for (const char* due : {"0", "0.0", "-1", "-0.5", "float('nan')"}) EXPECT_EQ(select(due), "[]");
  EXPECT_LT(now_ns() - began, 500'000'000U);
}

TEST_F(LoopDriverTest, ATimerIsNeverEarly) {
  for (const uint64_t microseconds : {300U, 1'000U, 12'500U}) {
    const uint64_t began = now_ns();
    EXPECT_EQ(select(std::to_string(microseconds) + " / 1e6"), "[]");
    // libuv counts whole milliseconds from the last whole one.
    EXPECT_GE(now_ns() - began + 1'000'000, microseconds * 1000);
  }
}

TEST_F(LoopDriverTest, TimeoutsThatAreNone) {
  EXPECT_EQ(select("'soon'"), "raised TypeError: must be real number, not str");
  EXPECT_EQ(select("0"), "[]") << "the selector is as it was";
}

// --- asyncio's own descriptors ---

TEST_F(LoopDriverTest, AReadyDescriptorEndsTheWaitAndIsTold) {
  run("os.write(writing, b'x')");
  EXPECT_NE(select("None").find("data='the pipe'), 1)"), std::string::npos);
  EXPECT_NE(select("None").find("data='the pipe'"), std::string::npos) << "until it is read";
  run("os.read(reading, 1)");
  EXPECT_EQ(select("0"), "[]");
}

TEST_F(LoopDriverTest, AnotherThreadCanMakeItReady) {
  run("thread = threading.Timer(0.02, os.write, (writing, b'x'))\nthread.start()");
  EXPECT_NE(select("None").find("data='the pipe'"), std::string::npos)
      << "the wait held the GIL, or slept on";
  run("thread.join()");
}

TEST_F(LoopDriverTest, ADescriptorThatIsNoLongerWatchedIsQuiet) {
  run("os.write(writing, b'x')\ninner.unregister(reading)");
  EXPECT_EQ(select("0.001"), "[]");
}

TEST_F(LoopDriverTest, AClosedInnerDescriptorIsRefused) {
  auto other = std::make_shared<LoopDriver>();
  run("closed = os.dup(inner.fileno())\nos.close(closed)");
  EXPECT_FALSE(other->make_select(gil_, eval("inner.select"), descriptor("closed")));
  EXPECT_EQ(pending().substr(0, 7), "OSError");
}

// --- Wake-ups ---

TEST_F(LoopDriverTest, PostedTasksRunInOrderWithoutAWait) {
  std::string order;
  driver_->post([&](GilHeld&) {
    order += 'a';
    driver_->post([&](GilHeld&) { order += 'c'; });
  });
  driver_->post([&](GilHeld&) { order += 'b'; });
  EXPECT_EQ(select("None"), "[]");
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(select("None"), "[]");
  EXPECT_EQ(order, "abc");
}

TEST_F(LoopDriverTest, ATaskThatRaisesIsReportedAndTheOthersRun) {
  bool ran = false;
  driver_->post([](GilHeld&) { PyErr_SetString(PyExc_ValueError, "from a task"); });
  driver_->post([&](GilHeld&) { ran = true; });
  EXPECT_EQ(select("None"), "[]");
  EXPECT_TRUE(ran);
  EXPECT_EQ(repr("unraisable"), "['from a task']");
}

struct Recorder final : Dispatcher {
  void dispatch(GilHeld&) override {
    ++dispatches;
    work = false;
    if (raises) PyErr_SetString(PyExc_KeyboardInterrupt, "leave");
  }
  bool has_work() const noexcept override { return work; }
  int dispatches = 0;
  bool work = false;
  bool raises = false;
};

TEST_F(LoopDriverTest, WaitingWorkIsDispatchedWithoutAWait) {
  Recorder recorder;
  driver_->set_dispatcher(&recorder);
  recorder.work = true;
  EXPECT_EQ(select("None"), "[]");
  EXPECT_EQ(recorder.dispatches, 1);
  driver_->set_dispatcher(nullptr);
}

TEST_F(LoopDriverTest, WhatADispatchLeavesPendingLeavesTheLoopAndNothingIsLost) {
  Recorder recorder;
  driver_->set_dispatcher(&recorder);
  recorder.work = recorder.raises = true;
  run("os.write(writing, b'x')");
  EXPECT_EQ(select("None"), "raised KeyboardInterrupt: leave");
  recorder.raises = false;
  EXPECT_NE(select("None").find("data='the pipe'"), std::string::npos);
  driver_->set_dispatcher(nullptr);
}

// An eager task may run the application inside a dispatch, and that the loop (nest_asyncio).
TEST_F(LoopDriverTest, ADispatchMayTurnTheLoop) {
  std::string inside;
  driver_->post([&](GilHeld&) { inside = select("0"); });
  EXPECT_EQ(select("None"), "[]");
  EXPECT_EQ(inside, "[]");
}

TEST_F(LoopDriverTest, ASignalEndsTheWaitAndItsHandlerRuns) {
  set("wakeup_fd", PyRef::steal(PyLong_FromLong(driver_->wakeup_fd(gil_))));
  run("ran = []\n"
      "kept_fd = signal.set_wakeup_fd(wakeup_fd, warn_on_full_buffer=False)\n"
      "kept = signal.signal(signal.SIGUSR2, lambda *_: ran.append(1))\n"
      "thread = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGUSR2))\nthread.start()");
  while (!truth("ran")) EXPECT_EQ(select("None"), "[]");
  run("thread.join()\nsignal.signal(signal.SIGUSR2, kept)\nsignal.set_wakeup_fd(kept_fd)");
}

TEST_F(LoopDriverTest, AHandlerMayRaiseAndWhatWasReadyIsKept) {
  run("def leave(*_): raise KeyboardInterrupt('by a signal')\n"
      "kept = signal.signal(signal.SIGUSR2, leave)\n"
      "os.write(writing, b'x')");
  std::raise(SIGUSR2);
  // PyRun_String would notice the signal itself: the call is made from here.
  const PyRef none = PyRef::borrow(Py_None);
  const PyRef listed = PyRef::steal(PyObject_CallOneArg(select_.get(), none.get()));
  EXPECT_FALSE(listed);
  EXPECT_EQ(pending(), "KeyboardInterrupt: by a signal");
  run("signal.signal(signal.SIGUSR2, kept)");
  EXPECT_NE(select("None").find("data='the pipe'"), std::string::npos);
}

TEST_F(LoopDriverTest, TheWakeupDescriptorIsMadeOnceAndNeverBlocks) {
  const int fd = driver_->wakeup_fd(gil_);
  EXPECT_EQ(driver_->wakeup_fd(gil_), fd);
  const std::string much(1 << 20, 'x');
  EXPECT_GT(write(fd, much.data(), much.size()), 0);
  EXPECT_EQ(write(fd, much.data(), much.size()), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(select("None"), "[]");
  EXPECT_EQ(write(fd, "x", 1), 1) << "a turn has emptied it";
}

// --- Who may call it, and when ---

TEST_F(LoopDriverTest, AForgottenSelectorRefuses) {
  driver_->forget_selector(gil_);
  EXPECT_EQ(select("0").substr(0, 20), "raised RuntimeError:");
}

TEST_F(LoopDriverTest, AnotherThreadIsRefused) {
  run("seen = []\n"
      "def work():\n"
      "  try: seen.append(select(0))\n"
      "  except RuntimeError as error: seen.append(str(error))\n"
      "thread = threading.Thread(target=work)\nthread.start()\nthread.join()");
  EXPECT_NE(repr("seen").find("another thread"), std::string::npos);
}

TEST_F(LoopDriverTest, TheFunctionKeepsTheDriver) {
  const std::weak_ptr<LoopDriver> driver = driver_;
  driver_.reset();
  EXPECT_EQ(select("0"), "[]");
  driver.lock()->forget_selector(gil_);
  run("del select");
  select_.reset();
  EXPECT_TRUE(driver.expired());
}

TEST_F(LoopDriverTest, TheSelectorIsLetGo) {
  const PyRef inner = eval("inner");
  const Py_ssize_t references = Py_REFCNT(inner.get());
  driver_->forget_selector(gil_);
  EXPECT_EQ(Py_REFCNT(inner.get()), references - 1);
}

// --- Under a foreign loop ---

class ForeignLoopTest : public LoopDriverTest {
 protected:
  void SetUp() override {
    LoopDriverTest::SetUp();
    driver_->forget_selector(gil_);
    ASSERT_TRUE(driver_->turn(gil_));  // what that closed is gone
    run("requests = []\ndef request(): requests.append(1)");
    driver_->set_foreign(eval("request"));
  }
  void TearDown() override {
    driver_->set_foreign(PyRef());
    LoopDriverTest::TearDown();
  }
};

TEST_F(ForeignLoopTest, ATurnIsAskedForOnce) {
  driver_->needs_turn(gil_);
  driver_->needs_turn(gil_);
  EXPECT_EQ(repr("requests"), "[1]");
  EXPECT_TRUE(driver_->turn(gil_));
  driver_->needs_turn(gil_);
  EXPECT_EQ(repr("requests"), "[1, 1]");
}

TEST_F(ForeignLoopTest, NoneIsAskedForInsideATurn) {
  driver_->post([&](GilHeld& gil) { driver_->needs_turn(gil); });
  EXPECT_TRUE(driver_->turn(gil_));
  EXPECT_EQ(repr("requests"), "[]");
}

TEST_F(ForeignLoopTest, PostedWorkForbidsSleepAndATurnDoesIt) {
  EXPECT_EQ(driver_->backend_timeout_ms(), net::EventLoop::kForever);
  bool ran = false;
  driver_->post([&](GilHeld&) { ran = true; });
  EXPECT_EQ(driver_->backend_timeout_ms(), 0);
  EXPECT_TRUE(driver_->turn(gil_));
  EXPECT_TRUE(ran);
  EXPECT_EQ(driver_->backend_timeout_ms(), net::EventLoop::kForever);
}

TEST_F(ForeignLoopTest, ALoopThatRefusesIsReportedAndAskedAgain) {
  run("def request(): raise RuntimeError('closed')");
  driver_->set_foreign(eval("request"));
  driver_->needs_turn(gil_);
  driver_->needs_turn(gil_);
  EXPECT_EQ(repr("unraisable"), "['closed', 'closed']");
}

TEST_F(ForeignLoopTest, WhatADispatchLeavesPendingIsTold) {
  Recorder recorder;
  driver_->set_dispatcher(&recorder);
  recorder.work = recorder.raises = true;
  EXPECT_FALSE(driver_->turn(gil_));
  EXPECT_EQ(pending(), "KeyboardInterrupt: leave");
  driver_->needs_turn(gil_);
  EXPECT_EQ(repr("requests"), "[1]") << "the turn is over";
  driver_->set_dispatcher(nullptr);
}

}  // namespace
}  // namespace cppcorn::asyncio
