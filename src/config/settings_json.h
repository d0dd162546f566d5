// Settings as JSON: the form in which the master hands them to workers, and the form of a
// configuration file.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/result.h"
#include "src/config/settings.h"

namespace cppcorn::config {

// One object with every setting by its name, on one line. Texts must be UTF-8, as resolve() has
// checked.
std::string to_json(const Settings& settings);
// Reads what to_json wrote; what is absent keeps its default. Unknown names and wrong values are
// errors.
Result<Settings> from_json(std::string_view json);

// A file's content: keys with the texts of their values, in order; null is left out.
struct FileEntry {
  std::string key;
  std::vector<std::string> values;  // one, unless it is a list
  bool is_list = false;
};
Result<std::vector<FileEntry>> read_json_entries(std::string_view json);

bool is_utf8(std::string_view text) noexcept;

}  // namespace cppcorn::config
