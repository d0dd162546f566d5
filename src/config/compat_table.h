// What gunicorn, uvicorn and granian know and the settings table does not: spellings that translate
// to settings, and options that are accepted without effect or refused, each with the line that
// says why. Static data.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/result.h"

namespace cppcorn::config {

enum class Verdict : uint8_t {
  kMapped,   // becomes settings
  kIgnored,  // accepted; one notice says that it has no effect and why
  kLater,    // refused: a later release has it
  kNever,    // refused: the text names what to use in its place
};

// What an option turns into: names of settings (or host, port, uds, fd, which make a bind) with
// their texts.
struct Translation {
  std::vector<std::pair<std::string_view, std::string>> values;
  std::string notice;  // said once if it is not empty
  // Only for what is empty still, so that a switch does not undo what an option beside it says.
  bool only_if_empty = false;
};

struct Compat {
  // Spellings, separated by spaces. One without dashes is a key of configuration files only.
  const char* flags;
  bool takes_value;
  Verdict verdict;
  const char* text;  // ends the sentence that the verdict begins; empty for kMapped
  const char* harmless =
      "";  // values, separated by spaces, that ask for nothing and pass in silence
  Result<Translation> (*translate)(std::string_view value) = nullptr;
};

std::span<const Compat> compat_table() noexcept;

}  // namespace cppcorn::config
