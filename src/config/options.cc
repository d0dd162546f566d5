#include "src/config/options.h"

#include <fmt/format.h>

#include "src/base/ascii.h"
#include "src/config/edit_distance.h"

namespace cppcorn::config {
namespace {

template <typename Visit>
void for_each_word(std::string_view words, Visit visit) {
  while (!words.empty()) {
    const size_t end = words.find(' ');
    visit(words.substr(0, end));
    words.remove_prefix(end == words.npos ? words.size() : end + 1);
  }
}

void add_setting(std::vector<Option>& options, const Setting& setting) {
  const bool flag = setting.type == Type::kFlag;
  for_each_word(setting.flags, [&](std::string_view word) {
    options.push_back(Option{std::string(word), &setting, nullptr, !flag, false});
    if (flag && word.starts_with("--")) {
      options.push_back(
          Option{fmt::format("--no-{}", word.substr(2)), &setting, nullptr, false, true});
    }
  });
  options.push_back(Option{setting.name, &setting, nullptr, !flag, false});
}

std::vector<Option> make_options() {
  std::vector<Option> options;
  for (const Setting& setting : settings_table()) add_setting(options, setting);
  for (const Compat& compat : compat_table()) {
    for_each_word(compat.flags, [&](std::string_view word) {
      options.push_back(Option{std::string(word), nullptr, &compat, compat.takes_value, false});
    });
  }
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

bool may_be_meant(const Option& option) noexcept {
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
    const bool has_key = option.is_long() || !option.on_command_line();
    if (has_key && as_key(option.spelling) == wanted) return &option;
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
  guess.closest = closest_flag(flag, false);
  if (guess.closest == nullptr) guess.closest = closest_flag(flag, true);
  return guess;
}

std::string closest_key(std::string_view key) {
  const std::string wanted = as_key(key);
  std::string closest;
  size_t least = SIZE_MAX;
  for (const Option& option : all_options()) {
    if (!may_be_meant(option) || (option.on_command_line() && !option.is_long())) continue;
    const std::string known = as_key(option.spelling);
    const size_t distance = edit_distance(wanted, known);
    if (distance >= least || !is_near(distance, wanted)) continue;
    least = distance;
    closest = known;
  }
  return closest;
}

}  // namespace cppcorn::config
