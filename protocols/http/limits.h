// Limits: how large a request may be. Zero means no limit, except where it says otherwise. Filled
// from the settings, shared read-only by all connections of a worker.
#pragma once

#include <cstdint>

namespace cppcorn::http {

struct Limits {
  uint32_t request_line_bytes_max = 4094;  // method, target and version; beyond: 414
  uint32_t fields_max = 100;               // beyond: 431; trailers count on their own
  uint32_t field_bytes_max = 8190;  // one line, from the name to the value's end; beyond: 431
  uint32_t head_bytes_max = 65536;  // the whole head; beyond: 431; never unlimited
  uint64_t body_bytes_max = 0;  // beyond: 413, before the body is read where its length is known
};

}  // namespace cppcorn::http
