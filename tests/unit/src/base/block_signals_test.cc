#include "src/base/block_signals.h"

#include <gtest/gtest.h>

#include <thread>

namespace cppcorn {
namespace {

bool is_blocked(int number) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, number) == 1;
}

TEST(BlockSignals, AThreadThatIsBegunMeanwhileTakesNone) {
  bool term = false, user = false;
  std::thread thread;
  {
    const BlockSignals inherited;
    thread = std::thread([&] {
      term = is_blocked(SIGTERM);
      user = is_blocked(SIGUSR1);
    });
  }
  EXPECT_FALSE(is_blocked(SIGTERM)) << "it is over for this thread";
  thread.join();
  EXPECT_TRUE(term && user);
}

TEST(BlockSignals, WhatWasBlockedBeforeStaysSo) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &one, nullptr);
  { const BlockSignals all; }
  EXPECT_TRUE(is_blocked(SIGUSR2));
  EXPECT_FALSE(is_blocked(SIGTERM));
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
}

}  // namespace
}  // namespace cppcorn
