// The command line as words: which options were given, in order, with their values; nothing is
// applied yet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/config/options.h"

namespace cppcorn::config {

struct GivenOption {
  const Option* option;
  std::string value;  // of a flag: "true" or "false" as its positive form would say it
};

struct CommandLine {
  std::vector<GivenOption> given;
  std::optional<std::string> app;
  std::optional<std::string> config;  // -c
  bool help = false;
  bool version = false;
  bool check_config = false;
  bool print_config = false;
  bool print_settings_doc = false;  // hidden: docs/settings.md
  std::vector<std::string> notices;
};

// Options that are about the run and not about the server: for the help and the documentation.
struct Action {
  const char* flags;
  const char* metavar;
  const char* help;
};
std::span<const Action> actions() noexcept;

// Reads the arguments, without the program's name. The error is one line about the first word that
// makes no sense.
Result<CommandLine> read_command_line(const std::vector<std::string>& arguments);

}  // namespace cppcorn::config
