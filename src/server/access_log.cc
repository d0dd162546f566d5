#include "src/server/access_log.h"

#include "src/base/clock.h"
#include "src/server/exchange.h"

namespace cppcorn::server {

void AccessLog::write(const Exchange& exchange) noexcept {
  AccessRecord record;
  record.head = &exchange.head();
  record.remote_address = exchange.endpoints().peer.host();
  record.scheme = exchange.endpoints().scheme();
  record.response_head = exchange.response_head();
  record.status = exchange.progress().status;
  record.body_bytes = exchange.progress().body_bytes;
  record.duration_ns = monotonic_ns() - exchange.began_ns();
  record.time_s = exchange.now_s();
  line_.clear();
  format_.append_line(record, line_);
  writer_->write(line_);
}

}  // namespace cppcorn::server
