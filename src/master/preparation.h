// What serving and checking have in common before there is a loop. Pure but for chdir and
// descriptors.
#pragma once

#include "src/base/result.h"
#include "src/config/settings.h"
#include "src/master/worker_process.h"

namespace cppcorn::master {

// The environment of this process, NAME=VALUE.
std::vector<std::string> environment_of_this_process();

// Opens /dev/null for those of the descriptors 0, 1 and 2 that are closed, or a socket would get
// their number and be taken for a log.
void ensure_standard_descriptors() noexcept;

// Whether the logs can be written and temporary files made, looked at without making anything. The
// error is one line that says what to do.
Status check_outputs(const config::Settings& settings);

// Finds the interpreter, and then changes to settings.chdir, which becomes absolute: a worker may
// do the same again. The plan has no listeners yet. The error is one line.
Result<WorkerPlan> prepare_workers(config::Settings settings);

}  // namespace cppcorn::master
