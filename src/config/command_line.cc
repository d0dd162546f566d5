// CLI11 finds the words; which options there are and what they mean comes from the tables.
#include "src/config/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <map>

namespace cppcorn::config {
namespace {

constexpr std::array kActions = {
    Action{"-c --config", "FILE", "Read settings from this .toml or .json file"},
    Action{"--check-config", nullptr, "Check the settings and that the application loads, and end"},
    Action{"--print-config", nullptr, "Print every setting with where it comes from, and end"},
    Action{"-v --version", nullptr, "Print the version, and end"},
    Action{"-h --help", nullptr, "Print this help, and end"},
};

// Words that uvicorn's --ws takes; granian's --ws takes none, so only these are read as its value.
constexpr std::array<std::string_view, 5> kWebSocketWords = {"auto", "none", "websockets",
                                                             "websockets-sansio", "wsproto"};

std::pair<std::string, std::optional<std::string>> split_at_equals(const std::string& word) {
  const size_t equals = word.find('=');
  if (equals == word.npos) return {word, std::nullopt};
  return {word.substr(0, equals), word.substr(equals + 1)};
}

// Brings words into forms that CLI11 reads as argparse would: an empty value and "-w=4".
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
    } else if (word == "--ws" && i + 1 < arguments.size() &&
               std::count(kWebSocketWords.begin(), kWebSocketWords.end(), arguments[i + 1]) > 0) {
      plain.push_back(fmt::format("--ws={}", arguments[++i]));
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
  Parser() {
    app_.set_help_flag();
    app_.allow_extras();
    app_.add_option("app", take_any())->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    config_ = add("-c,--config", true);
    help_ = add("-h,--help", false);
    version_ = add("-v,--version", false);
    check_config_ = add("--check-config", false);
    print_config_ = add("--print-config", false);
    print_settings_doc_ = add("--print-settings-doc", false);
    for (const Option& option : all_options()) {
      if (option.on_command_line()) options_[add(option.spelling, option.takes_value)] = &option;
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
    return app_.remaining();
  }

  Result<CommandLine> take() {
    CommandLine line;
    line.help = help_->count() > 0;
    line.version = version_->count() > 0;
    line.check_config = check_config_->count() > 0;
    line.print_config = print_config_->count() > 0;
    line.print_settings_doc = print_settings_doc_->count() > 0;
    if (config_->count() > 0) line.config = config_->results().back();
    const std::vector<std::string>& app = app_.get_option("app")->results();
    if (!app.empty()) line.app = app.front();

    std::map<const CLI::Option*, size_t> taken;
    for (const CLI::Option* entry : app_.parse_order()) {
      const auto found = options_.find(entry);
      if (found == options_.end()) continue;
      GivenOption given{found->second, entry->results()[taken[entry]++]};
      if (given.option->takes_value && find_flag(given.value) != nullptr) {
        return Error{
            fmt::format("option {} needs a value, not {}", given.option->spelling, given.value)};
      }
      line.given.push_back(std::move(given));
    }
    return line;
  }

 private:
  static CLI::callback_t take_any() {
    return [](const CLI::results_t&) { return true; };
  }

  CLI::Option* add(const std::string& names, bool takes_value) {
    if (!takes_value) return app_.add_flag(names);
    CLI::Option* entry = app_.add_option(names, take_any());
    return entry->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  CLI::App app_;
  std::map<const CLI::Option*, const Option*> options_;
  CLI::Option* config_;
  CLI::Option* help_;
  CLI::Option* version_;
  CLI::Option* check_config_;
  CLI::Option* print_config_;
  CLI::Option* print_settings_doc_;
};

Error unknown_option(const std::string& name, const Guess& guess) {
  if (guess.closest == nullptr) {
    return Error{fmt::format("unknown option {}; --help lists the options", name)};
  }
  return Error{fmt::format("unknown option {}; did you mean {}?", name, guess.closest->spelling)};
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

std::span<const Action> actions() noexcept { return kActions; }

Result<CommandLine> read_command_line(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = in_plain_form(arguments);
  std::vector<std::string> notices;
  // Each round completes one shortened option, so there are at most as many as words.
  for (size_t round = 0; round <= words.size(); ++round) {
    Parser parser;
    Result<std::vector<std::string>> rest = parser.parse(words);
    if (!rest) return rest.error();
    const auto unknown = std::find_if(rest->begin(), rest->end(), looks_like_option);
    if (unknown != rest->end()) {
      if (Status status = complete(words, *unknown, notices); !status) return status.error();
      continue;
    }
    Result<CommandLine> line = parser.take();
    if (!line) return line;
    if (!rest->empty() && !line->help && !line->version) {
      return Error{fmt::format("one APP is enough: '{}' is there, and then '{}'",
                               line->app.value_or(""), rest->front())};
    }
    line->notices = std::move(notices);
    return line;
  }
  return Error{"the command line cannot be read"};
}

}  // namespace cppcorn::config
