// Backoff: when a worker that died is started again. A value in each worker's slot; the time is
// handed in.
#pragma once

#include <algorithm>
#include <cstdint>

namespace cppcorn::master {

class Backoff {
 public:
  // After the first failure at once, then 0.5 s, 1 s, 2 s … up to this.
  static constexpr uint64_t kFirstDelayMs = 500;
  static constexpr uint64_t kDelayMaxMs = 30'000;
  // A worker that served for so long was good: its death says nothing about the next one.
  static constexpr uint64_t kGoodWhileMs = 10'000;
  // One that ends as it should, but so soon, will do so again: started at once each time, it would
  // do nothing but start.
  static constexpr uint64_t kBriefMs = 1000;

  // A worker has ended after serving for served_ms (0: it never became ready). Returns how long to
  // wait before its successor is started.
  uint64_t on_end(uint64_t served_ms) noexcept {
    if (served_ms >= kGoodWhileMs) failures_ = 0;
    ++failures_;
    if (failures_ == 1) return 0;
    const unsigned doublings = std::min(failures_ - 2, 16u);
    return std::min(kFirstDelayMs << doublings, kDelayMaxMs);
  }
  // The same for one that ended as it should: unless that was soon, the next starts at once and
  // nothing is counted.
  uint64_t on_orderly_end(uint64_t served_ms) noexcept {
    if (served_ms < kBriefMs) return on_end(served_ms);
    failures_ = 0;
    return 0;
  }

  unsigned failures() const noexcept { return failures_; }

 private:
  unsigned failures_ = 0;  // in a row
};

}  // namespace cppcorn::master
