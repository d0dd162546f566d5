// From everything that can say something about a setting to one Settings: default < file <
// environment < command line. Pure but for the functions handed in, so that tests can hand in
// others.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/config/settings.h"

namespace cppcorn::config {

// Gives a configuration file's settings as JSON text: a .json file as it is, a .toml file by way of
// `PYTHON -m cppcorn.config PATH`. python is the configured interpreter, empty when none is. The
// error is one line.
using ConfigLoader =
    std::function<Result<std::string>(const std::string& path, const std::string& python)>;

struct Inputs {
  std::vector<std::string> arguments;    // without the program's name
  std::vector<std::string> environment;  // NAME=VALUE
  std::string version;
  ConfigLoader load_config;
  std::function<bool(const std::string& path)> file_exists;  // may be empty: nothing exists
};

enum class OriginKind : uint8_t { kDefault, kFile, kEnvironment, kCommandLine };

// Who said it: "default", "conf.toml, key workers", "environment variable PORT", "option -w".
struct Origin {
  OriginKind kind = OriginKind::kDefault;
  std::string text = "default";
};

struct ParseOutcome {
  enum class Action : uint8_t {
    kRun,    // serve
    kCheck,  // --check-config: the settings are good; load the app; exit 0, 3 or 4
    kPrint,  // print `out` and end with 0; settings are not meant to be used
  };

  Action action = Action::kRun;
  Settings settings;
  std::vector<Origin> origins;       // one for each row of settings_table()
  std::vector<std::string> notices;  // each to be logged once
  std::string config_file;           // as given, empty when there is none
  std::string out;                   // for standard output, also under kCheck; may be empty

  // By the setting's name, which must be one.
  const Origin& origin_of(std::string_view name) const;
};

// The error is one line for standard error; the exit code is then kExitUsage.
Result<ParseOutcome> resolve(const Inputs& inputs);
constexpr int kExitUsage = 2;

}  // namespace cppcorn::config
