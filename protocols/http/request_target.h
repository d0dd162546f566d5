// Request target: takes the four forms of RFC 9112 section 3.2 apart. Pure functions over views of
// the caller's text.
#pragma once

#include <string_view>

#include "protocols/http/request_head.h"

namespace cppcorn::http {

struct RequestTarget {
  TargetForm form = TargetForm::kOrigin;
  std::string_view authority;  // of the absolute and the authority form
  std::string_view path;       // "/" when the absolute form has none
  std::string_view query;      // behind the first "?"
};

// The cause of a 400, a literal; null when the target is fine and *parts is filled with views of
// `target`. Only the bytes of character::kTarget may stand in it: no control, space, "#" or byte
// beyond ASCII.
const char* parse_request_target(std::string_view method, std::string_view target,
                                 RequestTarget* parts) noexcept;

}  // namespace cppcorn::http
