#include "src/config/access_log_format.h"

#include <fmt/format.h>

#include "src/config/printable.h"

namespace cppcorn::config {
namespace {

constexpr size_t kQuotedBytesMax = 12;

// The name in the atom that the text begins with, which is taken off. Empty when it is none.
std::string_view take_atom(std::string_view& text) noexcept {
  const size_t close = text.find(')');
  if (!text.starts_with("%(") || close == text.npos || close + 1 == text.size()) return {};
  const char conversion = text[close + 1];
  if (conversion != 's' && conversion != 'd') return {};
  const std::string_view name = text.substr(2, close - 2);
  if (!name.empty()) text.remove_prefix(close + 2);
  return name;
}

}  // namespace

Result<std::vector<AccessLogPiece>> read_access_log_format(std::string_view format) {
  std::vector<AccessLogPiece> pieces;
  const auto add_text = [&pieces](std::string_view text) {
    if (pieces.empty() || pieces.back().is_atom) pieces.push_back({false, ""});
    pieces.back().text += text;
  };
  while (!format.empty()) {
    const size_t percent = std::min(format.find('%'), format.size());
    if (percent > 0) add_text(format.substr(0, percent));
    format.remove_prefix(percent);
    if (format.empty()) break;
    if (format.starts_with("%%")) {
      add_text("%");
      format.remove_prefix(2);
      continue;
    }
    const std::string_view name = take_atom(format);
    if (name.empty()) {
      return Error{
          fmt::format("'{}' cannot be read; allowed: text with atoms such as %(h)s, and "
                      "%% for a percent sign",
                      printable(format.substr(0, kQuotedBytesMax)))};
    }
    pieces.push_back({true, std::string(name)});
  }
  return pieces;
}

}  // namespace cppcorn::config
