// Text from a user, shown back to the user on one line. No state.
#pragma once

#include <string>
#include <string_view>

namespace cppcorn::config {

// The text with control characters as \xNN, and when it is not UTF-8 all other bytes beyond ASCII
// too.
std::string printable(std::string_view text);

}  // namespace cppcorn::config
