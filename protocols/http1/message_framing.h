// Message framing: the one place that decides where a request ends (RFC 9112 section 6) and whether
// the connection may carry another one. Stricter than the RFC wherever two readers could disagree,
// because that is how requests are smuggled: what could be read in two ways is refused, never
// repaired.
#pragma once

#include <optional>

#include "protocols/http/limits.h"
#include "protocols/http/refusal.h"
#include "protocols/http/request_head.h"

namespace cppcorn::http1 {

// Reads the fields of a complete head (version and target already set), checks them, and sets the
// facts of the head: content_length, chunked, keep_alive, expects_continue, accepts_trailers,
// wants_upgrade, and the authority where the target has none. The absolute form replaces the Host
// field (RFC 9112 section 3.2.2). Refuses with 400 (framing or Host invalid), 413 (longer than
// limits.body_bytes_max), 417 (an expectation other than 100-continue) or 501 (a transfer coding
// other than chunked). The refusal's offset is that of the field in the arena.
std::optional<http::Refusal> decide_framing(http::RequestHead& head, const http::Limits& limits);

}  // namespace cppcorn::http1
