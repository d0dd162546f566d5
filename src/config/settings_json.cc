#include "src/config/settings_json.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <iterator>

#include "src/config/settings_table.h"

namespace cppcorn::config {
namespace {

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_value(std::string& out, const Settings& settings, const Setting& setting) {
  if (const auto* flag = std::get_if<bool Settings::*>(&setting.member)) {
    out += settings.*(*flag) ? "true" : "false";
    return;
  }
  const auto* list = std::get_if<std::vector<std::string> Settings::*>(&setting.member);
  if (list == nullptr) {
    append_quoted(out, value_text(settings, setting));
    return;
  }
  out += '[';
  for (const std::string& item : settings.*(*list)) {
    if (out.back() != '[') out += ',';
    append_quoted(out, item);
  }
  out += ']';
}

// A number, a truth or a text as it would be written on the command line.
Result<std::string> scalar_text(const simdjson::dom::element& element, std::string_view key) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::BOOL:
      return std::string(element.get_bool().value_unsafe() ? "true" : "false");
    case element_type::INT64: return fmt::format("{}", element.get_int64().value_unsafe());
    case element_type::UINT64: return fmt::format("{}", element.get_uint64().value_unsafe());
    case element_type::DOUBLE: return fmt::format("{}", element.get_double().value_unsafe());
    case element_type::STRING: return std::string(element.get_string().value_unsafe());
    default: break;
  }
  return Error{
      fmt::format("key {}: allowed: a text, a number, true or false, or a list of them", key)};
}

Result<FileEntry> read_entry(std::string_view key, const simdjson::dom::element& element) {
  FileEntry entry{std::string(key), {}, false};
  const auto add = [&](const simdjson::dom::element& item) -> Status {
    Result<std::string> text = scalar_text(item, key);
    if (!text) return text.error();
    entry.values.push_back(std::move(*text));
    return ok_status();
  };
  simdjson::dom::array array;
  if (element.get_array().get(array) != simdjson::SUCCESS) {
    if (Status status = add(element); !status) return status.error();
    return entry;
  }
  entry.is_list = true;
  for (const simdjson::dom::element item : array) {
    if (Status status = add(item); !status) return status.error();
  }
  return entry;
}

Status set_from_entry(Settings& settings, const FileEntry& entry) {
  const Setting* setting = find_setting(entry.key);
  if (setting == nullptr) return Error{fmt::format("unknown setting {}", entry.key)};
  if (const auto* list = std::get_if<std::vector<std::string> Settings::*>(&setting->member)) {
    (settings.*(*list)).clear();
  }
  std::vector<std::string> notices;
  for (const std::string& value : entry.values) {
    Status status = set_value(settings, *setting, value, notices);
    if (!status) return Error{fmt::format("{}: {}", entry.key, status.error().message)};
  }
  return ok_status();
}

}  // namespace

std::string to_json(const Settings& settings) {
  std::string out = "{";
  for (const Setting& setting : settings_table()) {
    if (out.size() > 1) out += ',';
    append_quoted(out, setting.name);
    out += ':';
    append_value(out, settings, setting);
  }
  out += '}';
  return out;
}

Result<std::vector<FileEntry>> read_json_entries(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  const simdjson::padded_string padded(json);
  if (const auto error = parser.parse(padded).get(document); error != simdjson::SUCCESS) {
    return Error{fmt::format("no valid JSON: {}", simdjson::error_message(error))};
  }
  simdjson::dom::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) {
    return Error{"the settings must be one JSON object"};
  }
  std::vector<FileEntry> entries;
  for (const auto& [key, value] : object) {
    if (value.is_null()) continue;
    Result<FileEntry> entry = read_entry(key, value);
    if (!entry) return entry.error();
    entries.push_back(std::move(*entry));
  }
  return entries;
}

Result<Settings> from_json(std::string_view json) {
  Result<std::vector<FileEntry>> entries = read_json_entries(json);
  if (!entries) return entries.error();
  Settings settings;
  for (const FileEntry& entry : *entries) {
    if (Status status = set_from_entry(settings, entry); !status) return status.error();
  }
  return settings;
}

bool is_utf8(std::string_view text) noexcept {
  return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace cppcorn::config
