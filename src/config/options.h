// Every spelling that can name a setting: flags, keys of files, names in the environment; and what
// to answer when a name is unknown. Made from the tables at first use, then unchanged.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "src/config/compat_table.h"
#include "src/config/settings_table.h"

namespace cppcorn::config {

// What is about the run and not about the server, and so on the command line only.
struct Action {
  enum class Kind : uint8_t {
    kConfig,
    kCheckConfig,
    kPrintConfig,
    kVersion,
    kHelp,
    kPrintSettingsDoc,  // prints docs/settings.md
  };
  Kind kind;
  const char* flags;
  const char* metavar;  // null: a flag
  const char* help;     // null: not shown
};
std::span<const Action> actions() noexcept;

// One spelling. Exactly one of setting, compat and action is set.
struct Option {
  std::string spelling;  // "--workers", "-w", or a bare key
  const Setting* setting = nullptr;
  const Compat* compat = nullptr;
  const Action* action = nullptr;
  bool takes_value = true;  // else it may still have one behind an equals sign
  bool negated = false;     // --no-NAME of a flag

  bool on_command_line() const noexcept { return spelling.front() == '-'; }
  bool is_long() const noexcept { return spelling.starts_with("--"); }
  bool same_target(const Option& other) const noexcept {
    return setting == other.setting && compat == other.compat && action == other.action &&
           negated == other.negated;
  }
};

std::span<const Option> all_options();
// By the exact flag; null when there is none.
const Option* find_flag(std::string_view flag);
// By the name in a file or the rest of a CPPCORN_ variable: a setting's name or any long flag, with
// - or _, in any case.
const Option* find_key(std::string_view key);

// What an unknown long flag may mean: the one option that it begins, or the closest spelling.
struct Guess {
  const Option* unambiguous = nullptr;  // the flag is a prefix of this option's spellings only
  const Option* closest = nullptr;      // null when nothing is near
};
Guess guess_flag(std::string_view flag);
// The known key that is closest to an unknown one; empty when nothing is near.
std::string closest_key(std::string_view key);

}  // namespace cppcorn::config
