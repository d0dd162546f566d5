// The methods that the server knows; others are answered with 501 (RFC 9110 section 9.1).
#pragma once

#include <string_view>

namespace cppcorn::http {

// Whether IANA's method registry has it, or it is in wide use beside the registry (PURGE, SSDP's
// and GENA's). Methods are case-sensitive. CONNECT is known, though a server that is no proxy
// doesn't implement it; PRI is not a method.
bool is_known_method(std::string_view method) noexcept;

}  // namespace cppcorn::http
