#include "protocols/http1/error_response.h"

#include <string>

#include "protocols/http/status.h"
#include "src/base/assert.h"

namespace cppcorn::http1 {

void append_error_response(ByteBuffer& out, int status, std::string_view reason, bool head_method,
                           const ResponseDefaults& defaults, std::string_view date_line) {
  std::string body = std::to_string(status);
  if (const std::string_view phrase = http::reason_phrase(status); !phrase.empty()) {
    body.append(" ").append(phrase);
  }
  if (!reason.empty()) body.append(": ").append(reason);
  body += '\n';
  ResponseEncoder encoder({.head_method = head_method}, defaults);
  EncodeError error = encoder.start(out, status);
  CPPCORN_CHECK(error == EncodeError::kNone);
  error = encoder.add_header(out, "content-type", "text/plain; charset=utf-8");
  CPPCORN_CHECK(error == EncodeError::kNone);
  error = encoder.end_head(out, body.size(), date_line, true);
  CPPCORN_CHECK(error == EncodeError::kNone);
  if (!head_method) out.append(body);
}

}  // namespace cppcorn::http1
