// AccessFormat: a line of the access log, from gunicorn's format string (https://docs.gunicorn.org,
// access_log_format) or as JSON. Compiled once; formatting a line allocates nothing but the line. A
// value type, owned by the access log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/http/request_head.h"
#include "src/base/result.h"

namespace cppcorn::server {

// What a line can tell about one exchange. Views live as long as the exchange.
struct AccessRecord {
  const http::RequestHead* head = nullptr;
  std::string remote_address;  // empty for a unix socket
  std::string_view scheme;
  std::string_view response_head;  // as it left; empty unless the format asks for response fields
  int status = 0;
  uint64_t body_bytes = 0;
  uint64_t duration_ns = 0;
  int64_t time_s = 0;  // when the line is written, CLOCK_REALTIME
};

class AccessFormat {
 public:
  // Atoms: h l u t r m U q H s B b f a T D M L p and {name}i {name}o {name}e, written %(h)s.
  // Unknown atoms are "-", as in gunicorn; a format that cannot be read (access_log_format.h) is an
  // error.
  static Result<AccessFormat> compile(std::string_view format);
  // One JSON object a line, keys: time remote_addr method path query protocol status bytes
  // duration_us referer user_agent.
  static AccessFormat json();

  bool wants_response_head() const noexcept { return wants_response_head_; }
  // Appends the line and its newline.
  void append_line(const AccessRecord& record, std::string& out);

 private:
  struct Piece {
    char atom = 0;     // 0: literal text
    std::string text;  // of the literal, or the field's lower-case name
  };
  static Piece atom_of(std::string_view name);
  void append_atom(const Piece& piece, const AccessRecord& record, std::string& out);
  void append_json(const AccessRecord& record, std::string& out);
  std::string_view time_text(int64_t time_s);

  std::vector<Piece> pieces_;
  bool json_ = false;
  bool wants_response_head_ = false;
  int64_t time_made_for_ = -1;
  std::string time_text_;
};

}  // namespace cppcorn::server
