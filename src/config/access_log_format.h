// The grammar of --access-logformat, gunicorn's: text with atoms such as %(h)s in it. The settings
// need it to refuse a format that nobody could read, the access log to write its lines. No state.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace cppcorn::config {

struct AccessLogPiece {
  bool is_atom = false;
  std::string text;  // of an atom what stands in the parentheses: "h", "{x-name}i"
};

// Atoms end with s or d, which mean the same here; %% is a percent sign. Which atoms there are is
// for the access log to know: as in gunicorn an unknown one is "-". The error quotes the place.
Result<std::vector<AccessLogPiece>> read_access_log_format(std::string_view format);

}  // namespace cppcorn::config
