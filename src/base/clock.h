// The two clocks of the project. Codecs never read them: the time is handed in.
#pragma once

#include <cstdint>

namespace cppcorn {

// Milliseconds of CLOCK_MONOTONIC: for deadlines and durations.
uint64_t monotonic_ms() noexcept;
uint64_t monotonic_ns() noexcept;
// Seconds since the epoch of CLOCK_REALTIME: for dates that people and clients read.
int64_t realtime_s() noexcept;

}  // namespace cppcorn
