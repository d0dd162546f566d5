#include "workers/wsgi/request_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/unit/workers/wsgi/call_fixture.h"

namespace cppcorn::wsgi {
namespace {

class RequestQueueTest : public ::testing::Test {
 protected:
  void push(size_t count) {
    RequestQueue::List list;
    for (size_t i = 0; i < count; ++i) {
      calls_.push_back(std::make_unique<Call>(host_, responses_));
      list.push_back(*calls_.back());
    }
    queue_.push(list);
  }

  NoHost host_;
  server::SpoolStore spools_{::testing::TempDir(), 4096, 0};
  ResponseStore responses_{spools_, 4096, 65536};
  std::vector<std::unique_ptr<Call>> calls_;
  RequestQueue queue_;
};

TEST_F(RequestQueueTest, GivesRequestsInTheirOrder) {
  RequestQueue::Seat& seat = queue_.enter();
  push(2);
  EXPECT_EQ(queue_.pop(seat), calls_[0].get());
  EXPECT_EQ(queue_.pop(seat), calls_[1].get());
  EXPECT_EQ(queue_.pop(seat), nullptr);
  queue_.leave(seat);
}

TEST_F(RequestQueueTest, EndsThreadsOnlyWhenNothingIsLeft) {
  RequestQueue::Seat& seat = queue_.enter();
  push(1);
  queue_.close();
  EXPECT_TRUE(queue_.sleep(seat));
  EXPECT_NE(queue_.pop(seat), nullptr);
  EXPECT_EQ(queue_.pop(seat), nullptr);
  EXPECT_FALSE(queue_.sleep(seat));
  queue_.leave(seat);
}

// What a pool thread does, with a gate in the place of the app.
struct Pool {
  RequestQueue& queue;
  std::atomic<size_t> done{0};
  std::atomic<size_t> inside{0};
  std::atomic<bool> open{true};
  std::vector<std::thread> threads;

  void start(size_t count) {
    for (size_t i = 0; i < count; ++i) threads.emplace_back([this] { run(); });
  }
  void run() {
    RequestQueue::Seat& seat = queue.enter();
    do {
      while (queue.pop(seat) != nullptr) {
        ++inside;
        while (!open.load()) std::this_thread::yield();
        --inside;
        ++done;
      }
    } while (queue.sleep(seat));
    queue.leave(seat);
  }
  ~Pool() {
    open = true;
    queue.close();
    for (std::thread& thread : threads) thread.join();
  }
};

void wait_for(const std::atomic<size_t>& value, size_t wanted) {
  while (value.load() != wanted) std::this_thread::yield();
}

// A request never waits while a thread is free, even when they come one by one behind apps that
// block.
TEST_F(RequestQueueTest, WakesAThreadForEachRequestThatWaits) {
  Pool pool{queue_};
  pool.open = false;
  pool.start(4);
  for (size_t i = 0; i < 4; ++i) {
    push(1);
    wait_for(pool.inside, i + 1);
  }
  push(3);
  pool.open = true;
  wait_for(pool.done, 7);
}

TEST_F(RequestQueueTest, WakesAllThreadsForABatch) {
  Pool pool{queue_};
  pool.open = false;
  pool.start(4);
  push(6);
  wait_for(pool.inside, 4);
  pool.open = true;
  wait_for(pool.done, 6);
}

TEST_F(RequestQueueTest, LosesNothingUnderLoad) {
  Pool pool{queue_};
  pool.start(3);
  constexpr size_t kRounds = 300;
  for (size_t i = 0; i < kRounds; ++i) push(1 + i % 3);
  wait_for(pool.done, calls_.size());
  EXPECT_EQ(pool.inside.load(), 0u);
}

// A nudge finds a thread that sleeps, and only disturbs when all do.
TEST_F(RequestQueueTest, NudgesOnlyAnIdlePool) {
  RequestQueue::Seat& busy = queue_.enter();
  push(1);
  ASSERT_NE(queue_.pop(busy), nullptr);
  queue_.nudge();  // nobody sleeps: nothing to do
  std::atomic<size_t> woken{0};
  std::thread sleeper([&] {
    RequestQueue::Seat& seat = queue_.enter();
    while (queue_.sleep(seat)) ++woken;
    queue_.leave(seat);
  });
  EXPECT_EQ(queue_.pop(busy), nullptr);
  queue_.leave(busy);
  while (woken.load() == 0) {
    queue_.nudge();
    std::this_thread::yield();
  }
  queue_.close();
  sleeper.join();
}

}  // namespace
}  // namespace cppcorn::wsgi
