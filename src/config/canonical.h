// What single settings accept beyond their type, and the spellings of other servers that mean the
// same: the functions behind Rules::canonical. No state.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace cppcorn::config {

using Notices = std::vector<std::string>;

// Every form of parse_bind_address; gives the full form with the port.
Result<std::string> canonical_bind(std::string_view text, Notices& notices);
// Our words and the class paths of gunicorn, uvicorn and granian deployments.
Result<std::string> canonical_worker_class(std::string_view text, Notices& notices);
// Our words and those of rivals: warn, fatal, notset.
Result<std::string> canonical_loglevel(std::string_view text, Notices& notices);
Result<std::string> canonical_header_map(std::string_view text, Notices& notices);
Result<std::string> canonical_loop(std::string_view text, Notices& notices);
// "Name:Value" (RFC 9110 section 5) as "Name: Value".
Result<std::string> canonical_header(std::string_view text, Notices& notices);
// What stands for a standard stream: a path in /dev cannot be opened when it is a socket, as under
// systemd.
Result<std::string> canonical_accesslog(std::string_view text, Notices& notices);
Result<std::string> canonical_errorlog(std::string_view text, Notices& notices);
// As it is, when it can be read.
Result<std::string> canonical_access_log_format(std::string_view text, Notices& notices);
// Empty, or a path that begins with a slash and does not end with one.
Result<std::string> canonical_root_path(std::string_view text, Notices& notices);

}  // namespace cppcorn::config
