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
  std::string value;  // of a flag "true", or what stands behind its equals sign
};

struct CommandLine {
  std::vector<GivenOption> given;  // in order, actions too
  std::optional<std::string> app;
  std::vector<std::string> surplus;  // arguments behind APP
  std::vector<std::string> notices;

  // The value that the action was given with last; nothing when it was not.
  std::optional<std::string> action(Action::Kind kind) const;
  bool has(Action::Kind kind) const { return action(kind).has_value(); }
};

// Reads the arguments, without the program's name. The error is one line about the first word that
// makes no sense.
Result<CommandLine> read_command_line(const std::vector<std::string>& arguments);

}  // namespace cppcorn::config
