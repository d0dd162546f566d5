#include "src/net/timer_wheel.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "src/net/notifier.h"
#include "tests/unit/src/net/testing.h"

namespace cppcorn::net {
namespace {

using testing::run_until;

class Alarm : public Deadline {
 public:
  std::function<void()> hook = [] {};
  uint64_t fired_ms = 0;
  int fired = 0;
  EventLoop* loop = nullptr;

 private:
  void on_deadline() noexcept override {
    ++fired;
    if (loop != nullptr) fired_ms = loop->now_ms();
    hook();
  }
};

TEST(TimerWheel, FiresLateByOneTickAtMostAndNeverEarly) {
  EventLoop loop;
  TimerWheel wheel(loop);
  std::vector<std::unique_ptr<Alarm>> alarms;
  int fired = 0;
  for (int i = 0; i < 10'000; ++i) {
    auto alarm = std::make_unique<Alarm>();
    alarm->loop = &loop;
    alarm->hook = [&] { ++fired; };
    wheel.set(*alarm, static_cast<uint64_t>(i % 500));
    alarms.push_back(std::move(alarm));
  }
  ASSERT_TRUE(run_until(loop, [&] { return fired == 10'000; }));
  for (const auto& alarm : alarms) {
    EXPECT_EQ(alarm->fired, 1);
    EXPECT_GE(alarm->fired_ms, alarm->due_ms());
  }
}

TEST(TimerWheel, MovesAndCancels) {
  EventLoop loop;
  TimerWheel wheel(loop);
  Alarm sooner, later, cancelled, last;
  sooner.loop = later.loop = last.loop = &loop;
  wheel.set(sooner, 60'000);
  wheel.set(sooner, 10);
  wheel.set(later, 10);
  wheel.set(later, 200);
  wheel.set(cancelled, 10);
  EXPECT_TRUE(cancelled.set());
  cancelled.cancel();
  EXPECT_FALSE(cancelled.set());
  wheel.set(last, 300);
  ASSERT_TRUE(run_until(loop, [&] { return last.fired == 1; }));
  EXPECT_EQ(sooner.fired, 1);
  EXPECT_LT(sooner.fired_ms, later.fired_ms);
  EXPECT_EQ(later.fired, 1);
  EXPECT_GE(later.fired_ms, later.due_ms());
  EXPECT_EQ(cancelled.fired, 0);
  EXPECT_FALSE(last.set());
}

TEST(TimerWheel, SleepsUntilSomethingIsDue) {
  EventLoop loop;
  TimerWheel wheel(loop);
  Notifier keeps_alive(loop, [] {});
  loop.run_once(0);
  EXPECT_EQ(loop.backend_timeout_ms(), EventLoop::kForever);
  Alarm near, far;
  wheel.set(near, 1000);
  wheel.set(far, 50'000);
  const int wait_ms = loop.backend_timeout_ms();
  EXPECT_GE(wait_ms, 900);
  EXPECT_LE(wait_ms, 1000 + static_cast<int>(TimerWheel::kTickMs));
}

TEST(TimerWheel, ForgetsCancelledDeadlinesWhenTheirTimeComes) {
  EventLoop loop;
  TimerWheel wheel(loop);
  Notifier keeps_alive(loop, [] {});
  Alarm soon, far;
  wheel.set(soon, 1);
  wheel.set(far, 50'000);
  soon.cancel();
  ASSERT_TRUE(run_until(loop, [&] { return loop.backend_timeout_ms() > 40'000; }));
  far.cancel();
  EXPECT_EQ(soon.fired, 0);
}

TEST(TimerWheel, HoldsDeadlinesBeyondOneRevolution) {
  EventLoop loop;
  TimerWheel wheel(loop);
  Alarm hours, years, soon;
  wheel.set(hours, 10'000'000);
  wheel.set(years, UINT64_MAX);
  // The same slot as hours, many revolutions before it: visiting it must not fire the others.
  wheel.set(soon, 10'000'000 % (1024 * TimerWheel::kTickMs) % 300);
  ASSERT_TRUE(run_until(loop, [&] { return soon.fired == 1; }));
  EXPECT_TRUE(hours.set());
  EXPECT_TRUE(years.set());
  EXPECT_GT(years.due_ms(), hours.due_ms());
}

TEST(TimerWheel, ACallbackMayDoAnything) {
  EventLoop loop;
  auto wheel = std::make_unique<TimerWheel>(loop);
  // All are due in one visit. Each callback destroys, cancels or sets others of the same visit.
  Alarm cancelled, postponed, again, last;
  auto destroyed = std::make_unique<Alarm>();
  Alarm first;
  first.hook = [&] {
    destroyed.reset();
    cancelled.cancel();
    wheel->set(postponed, 100);
    wheel->set(again, 0);
  };
  again.hook = [&] {
    if (again.fired < 3) wheel->set(again, 0);
  };
  wheel->set(first, 1);
  wheel->set(*destroyed, 1);
  wheel->set(cancelled, 1);
  wheel->set(postponed, 1);
  wheel->set(again, 1);
  wheel->set(last, 1);
  ASSERT_TRUE(run_until(loop, [&] { return again.fired == 3 && postponed.fired == 1; }));
  EXPECT_EQ(cancelled.fired, 0);
  EXPECT_EQ(first.fired, 1);
  EXPECT_EQ(last.fired, 1);
  Alarm ends, after;
  ends.hook = [&] { wheel.reset(); };
  wheel->set(ends, 1);
  wheel->set(after, 1);
  ASSERT_TRUE(run_until(loop, [&] { return ends.fired == 1; }));
  EXPECT_FALSE(after.set());
  EXPECT_EQ(after.fired, 0);
}

TEST(TimerWheel, CatchesUpAfterAPause) {
  EventLoop loop;
  TimerWheel wheel(loop);
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (uint64_t i = 0; i < 200; ++i) {
    alarms.push_back(std::make_unique<Alarm>());
    wheel.set(*alarms.back(), i);
  }
  const uint64_t until = monotonic_ms() + 200 + TimerWheel::kTickMs;
  while (monotonic_ms() < until) {
  }
  loop.run_once(0);
  for (const auto& alarm : alarms) EXPECT_EQ(alarm->fired, 1);
}

}  // namespace
}  // namespace cppcorn::net
