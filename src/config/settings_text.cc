#include "src/config/settings_text.h"

#include <fmt/format.h>

#include "src/config/options.h"
#include "src/config/printable.h"
#include "src/config/settings_table.h"

namespace cppcorn::config {
namespace {

constexpr size_t kHelpColumn = 28;  // where the sentences begin
constexpr size_t kLineColumns = 96;

std::string metavar(const Setting& setting) {
  if (setting.metavar != nullptr) return setting.metavar;
  return setting.type == Type::kSeconds ? "SECONDS" : "";
}

std::string default_words(const Setting& setting) {
  if (setting.rules.default_text != nullptr) return setting.rules.default_text;
  const std::string value = value_text(Settings{}, setting);
  return value.empty() ? "none" : value;
}

std::string with_commas(std::string_view words) {
  std::string out;
  for (const char c : words) out += c == ' ' ? std::string(", ") : std::string(1, c);
  return out;
}

// The spellings as help shows them; a flag that is on by default shows that it has a negative.
std::string shown_flags(const Setting& setting) {
  const bool on_by_default =
      setting.type == Type::kFlag && value_text(Settings{}, setting) == "true";
  if (!on_by_default) return with_commas(setting.flags);
  return fmt::format("--[no-]{}", primary_flag(setting).substr(2));
}

// One entry: the option, and its sentences wrapped beside it, or below when the option is long.
void append_entry(std::string& out, const std::string& option, std::string_view sentences) {
  std::string line = "  " + option;
  line += line.size() + 2 > kHelpColumn ? "\n" + std::string(kHelpColumn, ' ')
                                        : std::string(kHelpColumn - line.size(), ' ');
  size_t column = kHelpColumn;
  while (!sentences.empty()) {
    const size_t end = sentences.find(' ');
    const std::string_view word = sentences.substr(0, end);
    sentences.remove_prefix(end == sentences.npos ? sentences.size() : end + 1);
    if (column + word.size() > kLineColumns) {
      while (line.back() == ' ') line.pop_back();
      line += "\n" + std::string(kHelpColumn, ' ');
      column = kHelpColumn;
    }
    line += word;
    line += ' ';
    column += word.size() + 1;
  }
  while (line.back() == ' ') line.pop_back();
  out += line + "\n";
}

void append_group(std::string& out, Group group) {
  out += fmt::format("\n{}:\n", group_title(group));
  for (const Setting& setting : settings_table()) {
    if (setting.group != group || *setting.flags == '\0') continue;
    const std::string value = metavar(setting);
    append_entry(out, shown_flags(setting) + (value.empty() ? "" : " " + value),
                 fmt::format("{} [{}]", setting.help, default_words(setting)));
  }
}

void append_other_spellings(std::string& out) {
  out += "\nSpellings of other servers:\n";
  for (const Compat& compat : compat_table()) {
    if (compat.verdict != Verdict::kMapped) continue;
    append_entry(out, with_commas(compat.flags) + (compat.takes_value ? " VALUE" : ""),
                 compat.text);
  }
}

}  // namespace

std::string help_text() {
  std::string out =
      "usage: cppcorn [OPTIONS] APP\n\n"
      "Serves the ASGI or WSGI application APP: MODULE, MODULE:ATTRIBUTE or MODULE:CALL(...).\n"
      "Each option can also stand in a file (-c) and in the environment (CPPCORN_WORKERS=4);\n"
      "the command line is stronger than the environment, and the environment than the file.\n\n"
      "General:\n";
  for (const Action& action : actions()) {
    if (action.help == nullptr) continue;
    std::string option = with_commas(action.flags);
    if (action.metavar != nullptr) option += fmt::format(" {}", action.metavar);
    append_entry(out, option, action.help);
  }
  Group last = Group::kApplication;
  bool first = true;
  for (const Setting& setting : settings_table()) {
    if (!first && setting.group == last) continue;
    append_group(out, setting.group);
    last = setting.group;
    first = false;
  }
  append_other_spellings(out);
  return out;
}

std::string print_config_text(const ParseOutcome& outcome) {
  std::string out;
  for (const Setting& setting : settings_table()) {
    const Origin& origin = outcome.origin_of(setting.name);
    out += fmt::format("{} = {}  # {}", setting.name,
                       printable(value_text(outcome.settings, setting)), origin.text);
    // Of a default that the value does not tell, the words that do.
    const bool in_words =
        origin.kind == OriginKind::kDefault && setting.rules.default_text != nullptr;
    out += in_words ? fmt::format(": {}\n", setting.rules.default_text) : "\n";
  }
  return out;
}

std::string changed_settings_text(const ParseOutcome& outcome) {
  std::string out;
  const Settings defaults;
  for (const Setting& setting : settings_table()) {
    const std::string value = value_text(outcome.settings, setting);
    if (value == value_text(defaults, setting)) continue;
    out += fmt::format("{}{} = {} ({})", out.empty() ? "" : "; ", setting.name, printable(value),
                       outcome.origin_of(setting.name).text);
  }
  return out;
}

}  // namespace cppcorn::config
