#include "src/config/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/ascii.h"
#include "src/config/edit_distance.h"

namespace cppcorn::config {
namespace {

constexpr Action kActions[] = {
    {Action::Kind::kConfig, "-c --config", "FILE", "Read settings from this .toml or .json file"},
    {Action::Kind::kCheckConfig, "--check-config", nullptr,
     "Check the settings and that the application loads, and end"},
    {Action::Kind::kPrintConfig, "--print-config", nullptr,
     "Print every setting and where it comes from, and end"},
    {Action::Kind::kVersion, "-v --version", nullptr, "Print the version, and end"},
    {Action::Kind::kHelp, "-h --help", nullptr, "Print this help, and end"},
    {Action::Kind::kPrintSettingsDoc, "--print-settings-doc", nullptr, nullptr},
};

template <typename Visit>
void for_each_word(std::string_view words, Visit visit) {
  while (!words.empty()) {
    const size_t end = words.find(' ');
    visit(words.substr(0, end));
    words.remove_prefix(end == words.npos ? words.size() : end + 1);
  }
}

void add_setting(std::vector<Option>& options, const Setting& setting) {
  const bool flag = setting.type == Type::kFlag || setting.type == Type::kSwitch;
  const auto add = [&](std::string spelling, bool negated) {
    const auto same = [&](const Option& option) { return option.spelling == spelling; };
    if (std::any_of(options.begin(), options.end(), same)) return;
    options.push_back(Option{std::move(spelling), &setting, nullptr, nullptr, !flag, negated});
  };
  for_each_word(setting.flags, [&](std::string_view word) {
    add(std::string(word), false);
    if (flag && word.starts_with("--")) add(fmt::format("--no-{}", word.substr(2)), true);
  });
  // The name is a key of files, and a flag: so cppcorn.run(accesslog="-") works.
  std::string flag_of_name = fmt::format("--{}", setting.name);
  std::replace(flag_of_name.begin(), flag_of_name.end(), '_', '-');
  add(std::move(flag_of_name), false);
}

void add_action(std::vector<Option>& options, const Action& action) {
  for_each_word(action.flags, [&](std::string_view word) {
    options.push_back(
        Option{std::string(word), nullptr, nullptr, &action, action.metavar != nullptr, false});
  });
}

// --no-NAME of a flag that is not served asks for what is the case anyway.
void add_negatives(std::vector<Option>& options) {
  std::vector<Option> negatives;
  for (const Option& option : options) {
    const bool flag = option.compat != nullptr && !option.takes_value && option.is_long();
    if (!flag || option.compat->verdict == Verdict::kMapped) continue;
    Option negative = option;
    negative.spelling = fmt::format("--no-{}", option.spelling.substr(2));
    negative.negated = true;
    const auto same = [&](const Option& other) { return other.spelling == negative.spelling; };
    const bool known =
        option.spelling.starts_with("--no-") || std::any_of(options.begin(), options.end(), same);
    if (!known) negatives.push_back(std::move(negative));
  }
  options.insert(options.end(), negatives.begin(), negatives.end());
}

std::vector<Option> make_options() {
  std::vector<Option> options;
  for (const Action& action : kActions) add_action(options, action);
  for (const Setting& setting : settings_table()) add_setting(options, setting);
  for (const Compat& compat : compat_table()) {
    for_each_word(compat.flags, [&](std::string_view word) {
      options.push_back(
          Option{std::string(word), nullptr, &compat, nullptr, compat.takes_value, false});
    });
  }
  add_negatives(options);
  return options;
}

// "--Limit-Request-Line" and "limit_request_line" are the same key.
std::string as_key(std::string_view text) {
  if (text.starts_with("--")) text.remove_prefix(2);
  std::string key;
  for (const char c : text) key += c == '-' ? '_' : ascii_lower(c);
  return key;
}

// A slip or two in a word; more than a third of it is another word.
bool is_near(size_t distance, std::string_view word) noexcept {
  constexpr size_t kSlipsMax = 3;
  return distance <= std::min(kSlipsMax, word.size() / 3);
}

bool has_key(const Option& option) noexcept {
  return option.action == nullptr && (option.is_long() || !option.on_command_line());
}

// What is never served is no good suggestion, and what is hidden none either.
bool may_be_meant(const Option& option) noexcept {
  if (option.action != nullptr) return option.action->help != nullptr;
  return option.compat == nullptr || option.compat->verdict != Verdict::kNever;
}

const Option* closest_flag(std::string_view flag, bool only_begun_by_it) {
  const Option* closest = nullptr;
  size_t least = SIZE_MAX;
  for (const Option& option : all_options()) {
    if (!option.is_long() || !may_be_meant(option)) continue;
    if (only_begun_by_it && !option.spelling.starts_with(flag)) continue;
    const size_t distance = edit_distance(flag, option.spelling);
    if (distance >= least || !(only_begun_by_it || is_near(distance, flag))) continue;
    least = distance;
    closest = &option;
  }
  return closest;
}

}  // namespace

std::span<const Action> actions() noexcept { return kActions; }

std::span<const Option> all_options() {
  static const std::vector<Option> options = make_options();
  return options;
}

const Option* find_flag(std::string_view flag) {
  for (const Option& option : all_options()) {
    if (option.on_command_line() && option.spelling == flag) return &option;
  }
  return nullptr;
}

const Option* find_key(std::string_view key) {
  const std::string wanted = as_key(key);
  for (const Option& option : all_options()) {
    if (has_key(option) && as_key(option.spelling) == wanted) return &option;
  }
  return nullptr;
}

Guess guess_flag(std::string_view flag) {
  Guess guess;
  bool ambiguous = false;
  for (const Option& option : all_options()) {
    if (!option.is_long() || !option.spelling.starts_with(flag)) continue;
    ambiguous |= guess.unambiguous != nullptr && !option.same_target(*guess.unambiguous);
    guess.unambiguous = &option;
  }
  if (ambiguous || flag.size() <= 2) guess.unambiguous = nullptr;
  if (flag.size() > 2) guess.closest = closest_flag(flag, true);
  if (guess.closest == nullptr) guess.closest = closest_flag(flag, false);
  return guess;
}

std::string closest_key(std::string_view key) {
  const std::string wanted = as_key(key);
  std::string closest;
  size_t least = SIZE_MAX;
  for (const Option& option : all_options()) {
    if (!may_be_meant(option) || !has_key(option)) continue;
    const std::string known = as_key(option.spelling);
    const size_t distance = edit_distance(wanted, known);
    if (distance >= least || !is_near(distance, wanted)) continue;
    least = distance;
    closest = known;
  }
  return closest;
}

}  // namespace cppcorn::config
