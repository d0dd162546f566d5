// The one table of settings. Everything that knows a setting by its name is made from it: the
// command line and its help, the environment, the configuration file, the JSON for workers,
// --print-config and docs/settings.md. Static data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "src/base/result.h"
#include "src/config/settings.h"

namespace cppcorn::config {

enum class Group : uint8_t {
  kApplication,
  kSockets,
  kWorkers,
  kDeadlines,
  kLimits,
  kBuffering,
  kAsgi,
  kResponses,
  kLogging,
};
std::string_view group_title(Group group) noexcept;

// How a value is written.
enum class Type : uint8_t {
  kFlag,     // --name and --no-name; true or false in a file and the environment
  kSwitch,   // a flag that also takes on or off as its value
  kCount,    // a whole number
  kBytes,    // a whole number, with k, m or g behind it for KiB, MiB, GiB
  kSeconds,  // a number with at most three decimals; held in milliseconds
  kText,
  kList,    // repeated, or separated (Rules::separator)
  kChoice,  // one of a few words
};

// Which kind of worker reads the setting.
enum class Reader : uint8_t { kEveryWorker, kAsgi, kWsgi };

// The door to a member whose type is an enum: by number, with the words for the numbers.
struct Choice {
  std::span<const std::string_view> words;
  size_t (*get)(const Settings&) noexcept;
  void (*set)(Settings&, size_t) noexcept;
};

using Member = std::variant<bool Settings::*, uint32_t Settings::*, uint64_t Settings::*,
                            std::optional<uint64_t> Settings::*, std::string Settings::*,
                            std::vector<std::string> Settings::*, Choice>;

// Checks a text and brings it into its canonical form, or says in the error what is wrong with it
// or allowed. What the user should know although it is accepted is added to the notices.
using Canonical = Result<std::string> (*)(std::string_view text, std::vector<std::string>& notices);

// What a setting's type does not say.
struct Rules {
  uint64_t min = 0;  // in the unit of the member
  uint64_t max = UINT64_MAX;
  Canonical canonical = nullptr;
  char separator = '\0';  // between the items of a list in one text
  Reader reader = Reader::kEveryWorker;
  const char* default_text = nullptr;  // how help words a default that the value does not tell
};

struct Setting {
  const char* name;  // gunicorn's, where gunicorn has it; the key in files
  Group group;
  const char* flags;  // all spellings, separated by spaces; the first long one is its name in
                      // messages. Empty: not on the command line
  Type type;
  Member member;
  const char* metavar;  // what stands for the value in help; null: made from the type
  const char* help;     // sentences, the last one without a full stop
  Rules rules = {};
};

std::span<const Setting> settings_table() noexcept;
// By its name; null when there is none.
const Setting* find_setting(std::string_view name) noexcept;
// The first long flag ("--workers"), or the name when it has none.
std::string_view primary_flag(const Setting& setting) noexcept;
// "CPPCORN_" and the name in capitals.
std::string environment_name(const Setting& setting);
// What may be written, for messages and documentation: "a whole number from 1 to 1024".
std::string allowed_text(const Setting& setting);

// Sets the value from its text. A list gets what the text holds added to it. The error says only
// what is wrong or what is allowed; who the value came from is for the caller to say.
Status set_value(Settings& settings, const Setting& setting, std::string_view text,
                 std::vector<std::string>& notices);
// The value as it would be written; a list joined by ", ". Empty for "not set".
std::string value_text(const Settings& settings, const Setting& setting);
// true, on, yes, 1, y and their opposites, in any case; nothing for any other text.
std::optional<bool> parse_truth(std::string_view text) noexcept;
// "2.5" of 2500: at most three decimals.
std::string seconds_text(uint64_t milliseconds);

}  // namespace cppcorn::config
