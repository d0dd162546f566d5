#include "protocols/http/method.h"

#include <algorithm>
#include <array>

namespace cppcorn::http {
namespace {

constexpr auto kMethods = std::to_array<std::string_view>({
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "M-SEARCH",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "NOTIFY",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
});
static_assert(std::is_sorted(kMethods.begin(), kMethods.end()));

}  // namespace

bool is_known_method(std::string_view method) noexcept {
  if (method == "GET" || method == "POST") return true;
  return std::binary_search(kMethods.begin(), kMethods.end(), method);
}

}  // namespace cppcorn::http
