// The short plain answer to a request that no app sees: a refused one, or one that the server
// itself can't serve (408, 500, 503). It always ends the connection.
#pragma once

#include <string_view>

#include "protocols/http1/response_encoder.h"
#include "src/base/byte_buffer.h"

namespace cppcorn::http1 {

// Appends the whole response, head and body: "400 Bad Request: two Host fields\n" as text/plain.
// The reason may be empty; it must not hold what a client sent. head_method: the body is left out.
// date_line as in ResponseEncoder.
void append_error_response(ByteBuffer& out, int status, std::string_view reason, bool head_method,
                           const ResponseDefaults& defaults, std::string_view date_line);

}  // namespace cppcorn::http1
