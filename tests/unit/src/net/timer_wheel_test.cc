#include "src/net/timer_wheel.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

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

}  // namespace
}  // namespace cppcorn::net
