// How options of gunicorn, uvicorn and granian that mean the same under another form become
// settings: the functions behind Compat::translate. A flag's value is "true" or what stands behind
// its equals sign. No state.
#pragma once

#include <string_view>

#include "src/config/compat_table.h"

namespace cppcorn::config {

Result<Translation> translate_host(std::string_view value);
Result<Translation> translate_port(std::string_view value);
Result<Translation> translate_uds(std::string_view value);
Result<Translation> translate_fd(std::string_view value);
// uvicorn's and granian's words for the kind of application.
Result<Translation> translate_interface(std::string_view value);
// gunicorn's watch over workers: what there is of it.
Result<Translation> translate_timeout(std::string_view value);
// granian: milliseconds.
Result<Translation> translate_header_read_ms(std::string_view value);
Result<Translation> translate_keep_alive_switch(std::string_view value);
Result<Translation> translate_no_keep_alive(std::string_view value);
// A truth (uvicorn, granian) or, behind an equals sign, a path (hypercorn).
Result<Translation> translate_access_log(std::string_view value);
Result<Translation> translate_no_access_log(std::string_view value);
// granian's format with its own atoms.
Result<Translation> translate_access_log_fmt(std::string_view value);
Result<Translation> translate_log(std::string_view value);
Result<Translation> translate_no_log(std::string_view value);
// granian's name for a root path that is part of the request target.
Result<Translation> translate_url_path_prefix(std::string_view value);
// uvicorn's HTTP parser, or granian's HTTP version.
Result<Translation> translate_http(std::string_view value);
// uvicorn's WebSocket implementation, or granian's switch.
Result<Translation> translate_ws(std::string_view value);

}  // namespace cppcorn::config
