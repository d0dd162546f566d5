// The program `cppcorn`: puts the parts together.
#include <malloc.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "src/config/resolve.h"
#include "src/master/config_loader.h"
#include "src/master/interpreter.h"
#include "src/master/master.h"
#include "src/master/preparation.h"

using cppcorn::Result;
namespace config = cppcorn::config;
namespace master = cppcorn::master;

namespace {

Result<config::ParseOutcome> read_settings(int argc, char** argv) {
  config::Inputs inputs;
  inputs.arguments.assign(argv + (argc > 0 ? 1 : 0), argv + argc);
  inputs.environment = master::environment_of_this_process();
  inputs.version = CPPCORN_VERSION;
  inputs.load_config = [](const std::string& path, const std::string& python) {
    return master::load_config_file(path, python, master::Surroundings::of_this_process());
  };
  inputs.file_exists = [](const std::string& path) { return access(path.c_str(), F_OK) == 0; };
  return config::resolve(inputs);
}

bool print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return true;
  std::fprintf(stderr, "cppcorn: standard output cannot be written: %s\n", std::strerror(errno));
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  master::ensure_standard_descriptors();
  const Result<config::ParseOutcome> outcome = read_settings(argc, argv);
  if (!outcome) {
    std::fprintf(stderr, "cppcorn: %s\n", outcome.error().message.c_str());
    return master::kExitUsage;
  }
  malloc_trim(0);  // reading the settings takes more memory than the server ever will
  if (!print(outcome->out)) return master::kExitError;
  using Action = config::ParseOutcome::Action;
  switch (outcome->action) {
    case Action::kPrint: master::say_notices(*outcome); return master::kExitOk;
    case Action::kCheck: return master::check(*outcome);
    case Action::kRun: return master::serve(*outcome, CPPCORN_VERSION);
  }
}
