// The master: what the program `cppcorn` does once the settings are known. It binds, spawns
// workers, watches and ends them. Pure C++: no code of the user's runs here.
#pragma once

#include <string>

#include "src/config/resolve.h"

namespace cppcorn::master {

// Exit codes of the program, besides control::kExitBoot (3) and control::kExitApp (4).
constexpr int kExitOk = 0;                      // ended as it was told to
constexpr int kExitError = 1;                   // an address, a file or a directory cannot be used
constexpr int kExitUsage = config::kExitUsage;  // 2: the command line or the settings make no sense

// Serves until it is told to end; returns the exit code. Everything is said in the log.
int serve(const config::ParseOutcome& outcome, const std::string& version);

// What the user should know although it was accepted, on standard error.
void say_notices(const config::ParseOutcome& outcome);

// --check-config: loads the application in a worker that serves nothing; returns the exit code.
int check(const config::ParseOutcome& outcome);

}  // namespace cppcorn::master
