#include "protocols/http/request_target.h"

#include <algorithm>

#include "protocols/http/host.h"
#include "protocols/http/token.h"

namespace cppcorn::http {
namespace {

void split_query(std::string_view path_and_query, RequestTarget* parts) noexcept {
  const size_t mark = path_and_query.find('?');
  parts->path = path_and_query.substr(0, mark);
  if (mark != std::string_view::npos) parts->query = path_and_query.substr(mark + 1);
}

// "http://host:port/path?query". Other schemes are another server's affair, and user information in
// a target is treated as an error (RFC 9110 section 4.2.4).
const char* parse_absolute(std::string_view target, RequestTarget* parts) noexcept {
  const size_t colon = target.find("://");
  if (colon == std::string_view::npos) return "request target of no known form";
  const std::string_view scheme = target.substr(0, colon);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) {
    return "request target with a scheme other than http and https";
  }
  const std::string_view rest = target.substr(colon + 3);
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  parts->form = TargetForm::kAbsolute;
  parts->authority = rest.substr(0, end);
  if (!is_valid_authority(parts->authority)) return "invalid host in the request target";
  split_query(rest.substr(end), parts);
  // No path means "/" (RFC 9110 section 4.2.3); the target has one to point at.
  if (parts->path.empty()) parts->path = target.substr(colon + 1, 1);
  return nullptr;
}

}  // namespace

const char* parse_request_target(std::string_view method, std::string_view target,
                                 RequestTarget* parts) noexcept {
  if (target.empty()) return "empty request target";
  if (!consists_of(target, character::kTarget)) return "invalid byte in the request target";
  if (method == "CONNECT") {
    parts->form = TargetForm::kAuthority;
    parts->authority = target;
    return is_valid_authority(target) ? nullptr : "invalid host in the request target";
  }
  if (target.front() == '/') {
    split_query(target, parts);
    return nullptr;
  }
  if (target == "*") {
    parts->form = TargetForm::kAsterisk;
    parts->path = target;
    return method == "OPTIONS" ? nullptr : "request target * without OPTIONS";
  }
  return parse_absolute(target, parts);
}

}  // namespace cppcorn::http
