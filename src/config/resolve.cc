#include "src/config/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "src/base/ascii.h"
#include "src/base/assert.h"
#include "src/config/assignments.h"
#include "src/config/command_line.h"
#include "src/config/printable.h"
#include "src/config/settings_json.h"
#include "src/config/settings_table.h"
#include "src/config/settings_text.h"

namespace cppcorn::config {
namespace {

constexpr std::string_view kPrefix = "CPPCORN_";

std::optional<std::string_view> variable(const Inputs& inputs, std::string_view name) {
  for (const std::string& entry : inputs.environment) {
    const std::string_view view = entry;
    if (view.size() > name.size() && view.starts_with(name) && view[name.size()] == '=') {
      return view.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

Origin from_variable(std::string_view name, OriginKind kind = OriginKind::kEnvironment) {
  return Origin{kind, fmt::format("environment variable {}", name)};
}

// Variables that gunicorn reads for its defaults: a file is stronger than they are.
Status apply_default_variables(const Inputs& inputs, Assignments& assignments) {
  if (const auto port = variable(inputs, "PORT"); port && !port->empty()) {
    assignments.set_default_port(*port, from_variable("PORT", OriginKind::kDefault));
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kVariables = {
      {{"WEB_CONCURRENCY", "workers"}, {"SENDFILE", "sendfile"}}};
  for (const auto& [name, setting] : kVariables) {
    const auto value = variable(inputs, name);
    if (!value || value->empty()) continue;
    Status status = assignments.apply(setting, *value, from_variable(name, OriginKind::kDefault));
    if (!status) return status;
  }
  return ok_status();
}

Status check_file_name(const std::string& path) {
  if (path.ends_with(".toml") || path.ends_with(".json")) return ok_status();
  if (path.ends_with(".py") || path.starts_with("python:")) {
    return Error{
        fmt::format("option --config: '{}' is not available in this release: Python "
                    "configuration files come with a later one; use .toml or .json",
                    path)};
  }
  return Error{
      fmt::format("option --config: '{}' is not valid; allowed: a .toml or .json file", path)};
}

Status apply_file(const std::string& path, std::string_view json, Assignments& assignments) {
  Result<std::vector<FileEntry>> entries = read_json_entries(json);
  if (!entries) return Error{fmt::format("{}: {}", path, entries.error().message)};
  for (const FileEntry& entry : *entries) {
    const Option* option = find_key(entry.key);
    const std::string key = printable(entry.key);
    if (option == nullptr) {
      const std::string closest = closest_key(entry.key);
      return Error{fmt::format("{}: unknown key {}{}", path, key,
                               closest.empty() ? "" : fmt::format("; did you mean {}?", closest))};
    }
    const Origin who{OriginKind::kFile, fmt::format("{}, key {}", path, key)};
    if (entry.is_list && option->setting != nullptr && option->setting->type != Type::kList) {
      return Error{fmt::format("{}: a list is not valid; allowed: {}", who.text,
                               allowed_text(*option->setting))};
    }
    for (const std::string& value : entry.values) {
      if (Status status = assignments.apply(*option, value, who); !status) return status;
    }
  }
  return ok_status();
}

// The last text that the command line or the environment gives for a setting that is needed before
// the others.
std::string early_text(const Inputs& inputs, const CommandLine& line, std::string_view name) {
  std::string text(variable(inputs, environment_name(*find_setting(name))).value_or(""));
  for (const GivenOption& given : line.given) {
    if (given.option->setting == find_setting(name)) text = given.value;
  }
  return text;
}

Result<std::string> load_file(const Inputs& inputs, const CommandLine& line,
                              Assignments& assignments) {
  std::string path = line.action(Action::Kind::kConfig).value_or("");
  if (path.empty()) path = variable(inputs, "CPPCORN_CONFIG").value_or("");
  if (path.empty()) {
    constexpr const char* kFound = "gunicorn.conf.py";
    if (inputs.file_exists && inputs.file_exists(kFound)) {
      assignments.add_notice(fmt::format(
          "{} is not read: Python configuration files come with a later release", kFound));
    }
    return path;
  }
  if (path.starts_with("file:")) path.erase(0, 5);  // gunicorn's prefix
  if (Status status = check_file_name(path); !status) return status.error();
  Result<std::string> json = inputs.load_config(path, early_text(inputs, line, "python"));
  if (!json) return Error{fmt::format("{}: {}", path, json.error().message)};
  if (Status status = apply_file(path, *json, assignments); !status) return status.error();
  return path;
}

// Of a variable that another server reads and this one does not: what to do. Empty for all others.
std::string_view advice_for(std::string_view name) noexcept {
  if (name == "GUNICORN_CMD_ARGS") return "give its options on the command line";
  if (name == "FORWARDED_ALLOW_IPS") return "forwarded headers come with a later release";
  if (name == "SCRIPT_NAME") return "use --root-path";
  const bool foreign = name.starts_with("UVICORN_") || name.starts_with("GRANIAN_");
  return foreign ? "use an option, or CPPCORN_ and a setting's name" : "";
}

Status apply_variable(std::string_view name, std::string_view value, Assignments& assignments) {
  if (const std::string_view advice = advice_for(name); !advice.empty() && !value.empty()) {
    assignments.add_notice(
        fmt::format("environment variable {} is not read: {}", printable(name), advice));
  }
  if (!name.starts_with(kPrefix) || name == "CPPCORN_CONFIG" || value.empty()) return ok_status();
  const Option* option = find_key(name.substr(kPrefix.size()));
  if (option != nullptr) return assignments.apply(*option, value, from_variable(name));
  std::string closest = closest_key(name.substr(kPrefix.size()));
  for (char& c : closest) c = ascii_upper(c);
  assignments.add_notice(
      fmt::format("environment variable {} is unknown{}", printable(name),
                  closest.empty() ? "" : fmt::format("; did you mean {}{}?", kPrefix, closest)));
  return ok_status();
}

Status apply_environment(const Inputs& inputs, Assignments& assignments) {
  for (const std::string& entry : inputs.environment) {
    const std::string_view view = entry;
    const size_t equals = view.find('=');
    if (equals == view.npos) continue;
    Status status = apply_variable(view.substr(0, equals), view.substr(equals + 1), assignments);
    if (!status) return status;
  }
  return ok_status();
}

Status apply_command_line(const CommandLine& line, Assignments& assignments) {
  for (const GivenOption& given : line.given) {
    if (given.option->action != nullptr) continue;
    const Origin who{OriginKind::kCommandLine, "option " + given.option->spelling};
    if (Status status = assignments.apply(*given.option, given.value, who); !status) return status;
  }
  if (!line.app) return ok_status();
  if (!line.surplus.empty()) {
    return Error{fmt::format("one APP is enough: '{}' is there, and then '{}'",
                             printable(*line.app), printable(line.surplus.front()))};
  }
  return assignments.apply("wsgi_app", *line.app, Origin{OriginKind::kCommandLine, "argument APP"});
}

ParseOutcome printed(std::string out) {
  ParseOutcome outcome;
  outcome.action = ParseOutcome::Action::kPrint;
  outcome.out = std::move(out);
  return outcome;
}

}  // namespace

const Origin& ParseOutcome::origin_of(std::string_view name) const {
  const Setting* setting = find_setting(name);
  CPPCORN_CHECK(setting != nullptr && !origins.empty());
  return origins[static_cast<size_t>(setting - settings_table().data())];
}

Result<ParseOutcome> resolve(const Inputs& inputs) {
  Result<CommandLine> line = read_command_line(inputs.arguments);
  if (!line) return line.error();
  using Kind = Action::Kind;
  if (line->has(Kind::kHelp)) return printed(help_text());
  if (line->has(Kind::kVersion)) return printed(fmt::format("cppcorn {}\n", inputs.version));
  if (line->has(Kind::kPrintSettingsDoc)) return printed(settings_document());

  Assignments assignments;
  for (std::string& notice : line->notices) assignments.add_notice(std::move(notice));
  if (Status status = apply_default_variables(inputs, assignments); !status) return status.error();
  Result<std::string> file = load_file(inputs, *line, assignments);
  if (!file) return file.error();
  if (Status status = apply_environment(inputs, assignments); !status) return status.error();
  if (Status status = apply_command_line(*line, assignments); !status) return status.error();
  if (Status status = assignments.finish(); !status) return status.error();
  const bool only_prints = line->has(Kind::kPrintConfig) && !line->has(Kind::kCheckConfig);
  if (assignments.settings.app.empty() && !only_prints) {
    return Error{"no application: give MODULE:ATTRIBUTE, for example main:app"};
  }

  ParseOutcome outcome;
  outcome.settings = std::move(assignments.settings);
  outcome.origins = std::move(assignments.origins);
  outcome.notices = std::move(assignments.notices);
  outcome.config_file = std::move(*file);
  if (line->has(Kind::kPrintConfig)) outcome.out = print_config_text(outcome);
  if (line->has(Kind::kCheckConfig)) outcome.action = ParseOutcome::Action::kCheck;
  if (only_prints) outcome.action = ParseOutcome::Action::kPrint;
  return outcome;
}

}  // namespace cppcorn::config
