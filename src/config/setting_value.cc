// How values are read from and written as text.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "src/base/ascii.h"
#include "src/base/log.h"
#include "src/config/settings_table.h"

namespace cppcorn::config {
namespace {

static_assert(static_cast<int>(LogLevel::kTrace) == static_cast<int>(log::Level::kTrace) &&
              static_cast<int>(LogLevel::kCritical) == static_cast<int>(log::Level::kCritical));

constexpr std::string_view kNone = "none";  // "not set", of what has no other way to say so

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

std::optional<uint64_t> scaled(uint64_t number, uint64_t factor) noexcept {
  if (number > UINT64_MAX / factor) return std::nullopt;
  return number * factor;
}

std::optional<uint64_t> parse_bytes(std::string_view text) noexcept {
  uint64_t factor = 1;
  if (!text.empty()) {
    switch (ascii_lower(text.back())) {
      case 'k': factor = 1ULL << 10; break;
      case 'm': factor = 1ULL << 20; break;
      case 'g': factor = 1ULL << 30; break;
      default: break;
    }
  }
  if (factor != 1) text.remove_suffix(1);
  const std::optional<uint64_t> number = parse_decimal(text);
  return number ? scaled(*number, factor) : std::nullopt;
}

// "2", "2.5", "0.25", ".5": milliseconds.
std::optional<uint64_t> parse_seconds(std::string_view text) noexcept {
  constexpr size_t kDecimalsMax = 3;
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string_view decimals = point == std::string_view::npos ? "" : text.substr(point + 1);
  if (whole.empty() && decimals.empty()) return std::nullopt;
  while (decimals.size() > 1 && decimals.back() == '0') decimals.remove_suffix(1);
  if (decimals.size() > kDecimalsMax) return std::nullopt;
  std::optional<uint64_t> seconds = whole.empty() ? 0 : parse_decimal(whole);
  if (seconds) seconds = scaled(*seconds, 1000);
  std::optional<uint64_t> fraction = decimals.empty() ? 0 : parse_decimal(decimals);
  if (!seconds || !fraction) return std::nullopt;
  for (size_t i = decimals.size(); i < kDecimalsMax; ++i) *fraction *= 10;
  if (*seconds > UINT64_MAX - *fraction) return std::nullopt;
  return *seconds + *fraction;
}

std::optional<uint64_t> parse_number(const Setting& setting, std::string_view text) noexcept {
  const std::optional<uint64_t> number = setting.type == Type::kBytes     ? parse_bytes(text)
                                         : setting.type == Type::kSeconds ? parse_seconds(text)
                                                                          : parse_decimal(text);
  if (!number || *number < setting.rules.min || *number > setting.rules.max) return std::nullopt;
  return number;
}

// 8190 as "8190", 1073741824 as "1g": the shortest form that reads back as the same.
std::string bytes_text(uint64_t bytes) {
  if (bytes != 0 && bytes % (1ULL << 30) == 0) return fmt::format("{}g", bytes >> 30);
  if (bytes != 0 && bytes % (1ULL << 20) == 0) return fmt::format("{}m", bytes >> 20);
  if (bytes != 0 && bytes % (1ULL << 10) == 0) return fmt::format("{}k", bytes >> 10);
  return fmt::format("{}", bytes);
}

std::string number_text(const Setting& setting, uint64_t number) {
  if (setting.type == Type::kBytes) return bytes_text(number);
  if (setting.type == Type::kSeconds) return seconds_text(number);
  return fmt::format("{}", number);
}

Error not_allowed(const Setting& setting) { return Error{"allowed: " + allowed_text(setting)}; }

Status add_to_list(std::vector<std::string>& list, const Setting& setting, std::string_view text,
                   std::vector<std::string>& notices) {
  while (!text.empty()) {
    const size_t end =
        setting.rules.separator != '\0' ? text.find(setting.rules.separator) : text.npos;
    const std::string_view item = trim_ows(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (item.empty()) continue;
    if (setting.rules.canonical == nullptr) {
      list.emplace_back(item);
      continue;
    }
    Result<std::string> canonical = setting.rules.canonical(item, notices);
    if (!canonical) return canonical.error();
    list.push_back(std::move(*canonical));
  }
  return ok_status();
}

std::string range_text(const Setting& setting, std::string_view unit) {
  const std::string zero = setting.rules.min == 0 ? "0" : number_text(setting, setting.rules.min);
  if (setting.rules.max == UINT64_MAX) return fmt::format("{}, {} or more", unit, zero);
  return fmt::format("{} from {} to {}", unit, zero, number_text(setting, setting.rules.max));
}

}  // namespace

std::optional<bool> parse_truth(std::string_view text) noexcept {
  constexpr std::array<std::string_view, 5> kTrue = {"true", "on", "yes", "1", "y"};
  constexpr std::array<std::string_view, 5> kFalse = {"false", "off", "no", "0", "n"};
  const auto same = [text](std::string_view word) { return iequals(word, text); };
  if (std::any_of(kTrue.begin(), kTrue.end(), same)) return true;
  if (std::any_of(kFalse.begin(), kFalse.end(), same)) return false;
  return std::nullopt;
}

std::string seconds_text(uint64_t milliseconds) {
  if (milliseconds % 1000 == 0) return fmt::format("{}", milliseconds / 1000);
  std::string text = fmt::format("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
  while (text.back() == '0') text.pop_back();
  return text;
}

std::string allowed_text(const Setting& setting) {
  const bool may_be_none =
      std::holds_alternative<std::optional<uint64_t> Settings::*>(setting.member);
  const std::string none = may_be_none ? fmt::format(", or {}", kNone) : "";
  switch (setting.type) {
    case Type::kFlag: return "true or false";
    case Type::kSwitch: return "on or off";
    case Type::kCount: return range_text(setting, "a whole number") + none;
    case Type::kBytes: return range_text(setting, "bytes (k, m, g: KiB, MiB, GiB)") + none;
    case Type::kSeconds: return range_text(setting, "seconds") + none;
    case Type::kChoice:
      return fmt::format("{}", fmt::join(std::get<Choice>(setting.member).words, ", "));
    case Type::kText:
    case Type::kList: break;
  }
  return "a text";
}

Status set_value(Settings& settings, const Setting& setting, std::string_view text,
                 std::vector<std::string>& notices) {
  if (std::holds_alternative<std::vector<std::string> Settings::*>(setting.member)) {
    return add_to_list(settings.*std::get<std::vector<std::string> Settings::*>(setting.member),
                       setting, text, notices);
  }
  std::string canonical(text);
  if (setting.rules.canonical != nullptr) {
    Result<std::string> checked = setting.rules.canonical(text, notices);
    if (!checked) return checked.error();
    canonical = std::move(*checked);
  }
  const auto set_number = [&](auto member) -> Status {
    const std::optional<uint64_t> number = parse_number(setting, canonical);
    if (!number) return not_allowed(setting);
    settings.*member = static_cast<std::remove_reference_t<decltype(settings.*member)>>(*number);
    return ok_status();
  };
  return std::visit(Overloaded{
                        [&](bool Settings::*member) -> Status {
                          const std::optional<bool> truth = parse_truth(canonical);
                          if (!truth) return not_allowed(setting);
                          settings.*member = *truth;
                          return ok_status();
                        },
                        [&](uint32_t Settings::*member) { return set_number(member); },
                        [&](uint64_t Settings::*member) { return set_number(member); },
                        [&](std::optional<uint64_t> Settings::*member) -> Status {
                          if (!iequals(canonical, kNone)) return set_number(member);
                          settings.*member = std::nullopt;
                          return ok_status();
                        },
                        [&](std::string Settings::*member) -> Status {
                          settings.*member = std::move(canonical);
                          return ok_status();
                        },
                        [&](std::vector<std::string> Settings::*) -> Status { return ok_status(); },
                        [&](const Choice& choice) -> Status {
                          for (size_t i = 0; i < choice.words.size(); ++i) {
                            if (!iequals(choice.words[i], canonical)) continue;
                            choice.set(settings, i);
                            return ok_status();
                          }
                          return not_allowed(setting);
                        },
                    },
                    setting.member);
}

std::string value_text(const Settings& settings, const Setting& setting) {
  return std::visit(
      Overloaded{
          [&](bool Settings::*member) -> std::string {
            if (setting.type == Type::kSwitch) return settings.*member ? "on" : "off";
            return settings.*member ? "true" : "false";
          },
          [&](uint32_t Settings::*member) { return number_text(setting, settings.*member); },
          [&](uint64_t Settings::*member) { return number_text(setting, settings.*member); },
          [&](std::optional<uint64_t> Settings::*member) {
            const std::optional<uint64_t>& number = settings.*member;
            return number ? number_text(setting, *number) : std::string(kNone);
          },
          [&](std::string Settings::*member) { return settings.*member; },
          [&](std::vector<std::string> Settings::*member) {
            return fmt::format("{}", fmt::join(settings.*member, ", "));
          },
          [&](const Choice& choice) { return std::string(choice.words[choice.get(settings)]); },
      },
      setting.member);
}

}  // namespace cppcorn::config
