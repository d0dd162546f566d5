// What the tests of src/config share: one call that resolves words, variables and a file's content.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "src/config/resolve.h"

namespace cppcorn::config {

struct Said {
  std::vector<std::string> arguments;
  std::vector<std::string> environment = {};
  std::string file_json = "{}";  // content of any file that is named
};

inline Result<ParseOutcome> try_resolve(const Said& said) {
  Inputs inputs;
  inputs.arguments = said.arguments;
  inputs.environment = said.environment;
  inputs.version = "1.2.3";
  inputs.load_config = [&said](const std::string&, const std::string&) -> Result<std::string> {
    return said.file_json;
  };
  return resolve(inputs);
}

inline ParseOutcome resolved(const Said& said) {
  Result<ParseOutcome> outcome = try_resolve(said);
  if (!outcome) {
    ADD_FAILURE() << "refused: " << outcome.error().message;
    return {};
  }
  return std::move(*outcome);
}

// Settings of "APP ARGUMENTS...".
inline Settings settings_of(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "main:app");
  return resolved({arguments}).settings;
}

inline std::string error_of(const Said& said) {
  const Result<ParseOutcome> outcome = try_resolve(said);
  return outcome ? "(accepted)" : outcome.error().message;
}

inline std::string error_of_options(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "main:app");
  return error_of({arguments});
}

}  // namespace cppcorn::config
