// The limit of open files that the master takes for itself and its workers.
#pragma once

#include "src/base/result.h"
#include "src/config/settings.h"

namespace cppcorn::master {

// Raises the soft RLIMIT_NOFILE to the hard one, for the workers to inherit: the usual soft limit
// of 1024 is there for programs that use select(2), and would be the number of connections that a
// worker can hold. Returns the limit.
uint64_t raise_open_files_limit() noexcept;

// One line for the log when a worker cannot hold the connections that it may have; empty when it
// can.
std::string open_files_warning(const config::Settings& settings, uint64_t limit);

}  // namespace cppcorn::master
