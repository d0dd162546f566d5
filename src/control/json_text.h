// Writing JSON texts that every reader accepts, whatever bytes come in. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace cppcorn::control {

// Appends the text in quotes. Bytes that are not well-formed UTF-8 (RFC 3629) become U+FFFD one by
// one: a traceback that holds them must not be lost.
void append_json_text(std::string& out, std::string_view text);

}  // namespace cppcorn::control
