// CLI11 finds the words; which options there are and what they mean comes from the tables.
#include "src/config/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <unordered_map>

#include "src/config/printable.h"

namespace cppcorn::config {
namespace {

// Words that a flag takes for its value when they follow it, where any other word would be APP:
// those of
// --request-buffering, and those of uvicorn's --ws, which is a bare flag in granian.
constexpr std::array<std::string_view, 2> kSwitchWords = {"on", "off"};
constexpr std::array<std::string_view, 5> kWebSocketWords = {"auto", "none", "websockets",
                                                             "websockets-sansio", "wsproto"};

bool is_value_of_flag(const std::string& flag, const std::string& next) {
  const auto same = [&next](std::string_view word) { return word == next; };
  if (flag == "--ws") return std::any_of(kWebSocketWords.begin(), kWebSocketWords.end(), same);
  const Option* option = find_flag(flag);
  return option != nullptr && option->setting != nullptr &&
         option->setting->type == Type::kSwitch &&
         std::any_of(kSwitchWords.begin(), kSwitchWords.end(), same);
}

std::pair<std::string, std::optional<std::string>> split_at_equals(const std::string& word) {
  const size_t equals = word.find('=');
  if (equals == word.npos) return {word, std::nullopt};
  return {word.substr(0, equals), word.substr(equals + 1)};
}

// Brings words into forms that CLI11 reads as argparse would: an empty value, "-w=4", and flags
// with values.
std::vector<std::string> in_plain_form(const std::vector<std::string>& arguments) {
  std::vector<std::string> plain;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--") {
      plain.insert(plain.end(), arguments.begin() + static_cast<ptrdiff_t>(i), arguments.end());
      break;
    }
    const auto [name, value] = split_at_equals(word);
    const bool is_short = word.size() > 2 && word[0] == '-' && word[1] != '-' && word[2] == '=';
    const bool is_empty = value && value->empty() && word.starts_with("--");
    if (is_short || is_empty) {
      plain.push_back(name);
      plain.push_back(*value);
    } else if (i + 1 < arguments.size() && is_value_of_flag(word, arguments[i + 1])) {
      plain.push_back(fmt::format("{}={}", word, arguments[++i]));
    } else {
      plain.push_back(word);
    }
  }
  return plain;
}

// One CLI11 parser with an entry for each spelling, so that messages can name the one that was
// used.
class Parser {
 public:
  // Only what can occur in the words: CLI11 compares each entry with all before it, and hundreds
  // take milliseconds at each start.
  explicit Parser(const std::vector<std::string>& words) {
    app_.set_help_flag();
    app_.allow_extras();
    argument_ = add_valued("app");
    for (const Option& option : all_options()) {
      if (!may_occur(option, words)) continue;
      CLI::Option* entry =
          option.takes_value ? add_valued(option.spelling) : app_.add_flag(option.spelling);
      options_.emplace(entry, &option);
    }
  }

  // The words that no option and no argument took.
  Result<std::vector<std::string>> parse(const std::vector<std::string>& words) {
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants them
    try {
      app_.parse(reversed);
    } catch (const CLI::ParseError&) {
      // Nothing is required and no value converted: only an option at the end can lack its value.
      return Error{fmt::format("option {} needs a value", words.empty() ? "" : words.back())};
    }
    std::vector<std::string> rest = app_.remaining();
    const auto mark = std::find(rest.begin(), rest.end(), "--");
    if (mark != rest.end()) rest.erase(mark);
    return rest;
  }

  Result<CommandLine> take() {
    CommandLine line;
    if (!argument_->results().empty()) line.app = argument_->results().front();
    std::unordered_map<const CLI::Option*, size_t> taken;
    for (const CLI::Option* entry : app_.parse_order()) {
      if (entry == argument_) continue;
      GivenOption given{options_.at(entry), entry->results()[taken[entry]++]};
      if (given.option->takes_value && find_flag(given.value) != nullptr) {
        return Error{fmt::format("option {} needs a value, and {} is an option",
                                 given.option->spelling, given.value)};
      }
      line.given.push_back(std::move(given));
    }
    return line;
  }

 private:
  static bool may_occur(const Option& option, const std::vector<std::string>& words) {
    if (!option.is_long()) return option.on_command_line();
    const auto begins = [&](const std::string& word) { return word.starts_with(option.spelling); };
    return std::any_of(words.begin(), words.end(), begins);
  }

  CLI::Option* add_valued(const std::string& name) {
    CLI::Option* entry = app_.add_option(name, [](const CLI::results_t&) { return true; });
    return entry->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  CLI::App app_;
  CLI::Option* argument_;
  std::unordered_map<const CLI::Option*, const Option*> options_;
};

Error unknown_option(const std::string& name, const Guess& guess) {
  const std::string shown = printable(name);
  if (guess.closest == nullptr) {
    return Error{fmt::format("unknown option {}; --help lists the options", shown)};
  }
  return Error{fmt::format("unknown option {}; did you mean {}?", shown, guess.closest->spelling)};
}

// argparse, and so gunicorn, takes an unambiguous beginning of an option for the option. The word
// is replaced.
Status complete(std::vector<std::string>& words, const std::string& unknown,
                std::vector<std::string>& notices) {
  const auto [name, value] = split_at_equals(unknown);
  const Guess guess = name.starts_with("--") ? guess_flag(name) : Guess{};
  if (guess.unambiguous == nullptr) return unknown_option(name, guess);
  const std::string& meant = guess.unambiguous->spelling;
  notices.push_back(fmt::format("option {} is read as {}", name, meant));
  *std::find(words.begin(), words.end(), unknown) = value ? meant + "=" + *value : meant;
  return ok_status();
}

bool looks_like_option(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

}  // namespace

std::optional<std::string> CommandLine::action(Action::Kind kind) const {
  std::optional<std::string> value;
  for (const GivenOption& each : given) {
    if (each.option->action != nullptr && each.option->action->kind == kind) value = each.value;
  }
  return value;
}

Result<CommandLine> read_command_line(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = in_plain_form(arguments);
  std::vector<std::string> notices;
  // Each round completes one shortened option, so there are at most as many as words.
  for (size_t round = 0; round <= words.size(); ++round) {
    Parser parser(words);
    Result<std::vector<std::string>> rest = parser.parse(words);
    if (!rest) return rest.error();
    const auto unknown = std::find_if(rest->begin(), rest->end(), looks_like_option);
    if (unknown != rest->end()) {
      if (Status status = complete(words, *unknown, notices); !status) return status.error();
      continue;
    }
    Result<CommandLine> line = parser.take();
    if (!line) return line;
    line->notices = std::move(notices);
    line->surplus = std::move(*rest);
    return line;
  }
  return Error{"the command line cannot be read"};
}

}  // namespace cppcorn::config
