// Host: what may stand in a Host field and in the authority of a target (RFC 9112 section 3.2, RFC
// 3986 section 3.2.2). Frameworks build URLs, redirects and password-reset links of it, so nothing
// passes that could move another part of a URL (CVE-2026-48710) or name two hosts.
#pragma once

#include <string_view>

namespace cppcorn::http {

// host [ ":" port ]. Narrower than RFC 3986 where no real name is lost: no sub-delims ("," ";" "'"
// ...), percent triplets only for what is not ASCII, no IPvFuture, no zone, port at most 65535. Not
// empty; see there.
bool is_valid_authority(std::string_view text) noexcept;

// What a Host field may say: an authority, or nothing at all, which RFC 9112 section 3.2 asks of a
// client whose target has no authority.
inline bool is_valid_host_field(std::string_view text) noexcept {
  return text.empty() || is_valid_authority(text);
}

}  // namespace cppcorn::http
