#include "src/master/held_signals.h"

#include <gtest/gtest.h>

namespace cppcorn::master {
namespace {

volatile std::sig_atomic_t came = 0;
extern "C" void note(int number) { came = number; }

struct HeldSignalsTest : ::testing::Test {
  HeldSignalsTest() {
    came = 0;
    for (const int number : {SIGTERM, SIGHUP}) std::signal(number, note);
  }
  ~HeldSignalsTest() override {
    for (const int number : {SIGTERM, SIGHUP}) std::signal(number, SIG_DFL);
  }
};

TEST_F(HeldSignalsTest, WhatComesMeanwhileComesLater) {
  HeldSignals held;
  raise(SIGHUP);
  EXPECT_EQ(came, 0);
  held.release();
  EXPECT_EQ(came, SIGHUP);
  held.hold();
  raise(SIGTERM);
  EXPECT_EQ(came, SIGHUP);
  held.release();
  EXPECT_EQ(came, SIGTERM);
}

TEST_F(HeldSignalsTest, OneThatEndsTheServerIsWaitedForAndTaken) {
  HeldSignals held;
  EXPECT_EQ(held.wait_for_end(1), 0);
  raise(SIGHUP);
  EXPECT_EQ(held.wait_for_end(1), 0) << "it ends nothing";
  raise(SIGTERM);
  EXPECT_EQ(held.wait_for_end(60'000), SIGTERM);
  held.release();
  EXPECT_EQ(came, SIGHUP);
}

}  // namespace
}  // namespace cppcorn::master
