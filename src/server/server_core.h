// ServerCore: what the connections of one server share: clock, limits, deadlines, pools, counters,
// logs. Internal to src/server. Owned by the server; outlives its connections.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "protocols/http/date.h"
#include "protocols/http/limits.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/net/event_loop.h"
#include "src/net/timer_wheel.h"
#include "src/server/access_log.h"
#include "src/server/head_pool.h"
#include "src/server/request_handler.h"
#include "src/server/response_writer.h"

namespace cppcorn::server {

class Connection;
struct IdleTag;  // the list of idle connections

// How long a client may take, in ms. Zero switches a deadline off.
struct Deadlines {
  uint64_t head_ms =
      0;  // a whole request head, from its first byte (the first one: from the connection)
  uint64_t body_ms = 0;   // each window in which the body must come on by body_bytes_min
  uint64_t write_ms = 0;  // each window in which the client must take write_bytes_min of what waits
  uint64_t keep_alive_ms = 0;  // between two requests
  uint64_t linger_ms = 2000;   // after our FIN, for the client's
  uint64_t drain_idle_ms =
      2000;  // an idle connection's rest of life when the worker drains, at most
};

struct ServerCore {
  net::EventLoop& loop;
  RequestHandler& handler;
  net::TimerWheel wheel;
  Deadlines deadlines;
  http::Limits limits;
  ResponseShared response_shared;
  HeadPool heads;
  http::DateLine date_line;
  std::unique_ptr<AccessLog> access_log;  // nullptr when off
  log::RateLimit refusal_log{20, 1000};
  uint64_t concurrency_max = 0;  // requests in flight; 0: no limit
  size_t in_flight = 0;
  uint64_t requests_total = 0;
  // What a client has to send, or to take, a second on average over a window to count as alive.
  uint64_t bytes_per_second_min = 240;
  bool draining = false;
  bool keep_alive_allowed = true;
  bool use_sendfile = true;

  IntrusiveList<Connection, IdleTag> idle;  // longest idle first
  size_t connections = 0;
  size_t connections_max = 0;  // 0: no limit

  ServerCore(net::EventLoop& on_loop, RequestHandler& for_handler)
      : loop(on_loop), handler(for_handler), wheel(on_loop) {}

  // What a window of a deadline must bring at least.
  uint64_t window_bytes_min(uint64_t window_ms) const noexcept {
    return std::max<uint64_t>(1, window_ms * bytes_per_second_min / 1000);
  }

  // The date is read from the coarse clock once per loop turn at most.
  int64_t now_s() noexcept {
    const uint64_t now_ms = loop.now_ms();
    if (now_ms != now_s_read_at_ms_) {
      now_s_read_at_ms_ = now_ms;
      now_s_ = realtime_s();
    }
    return now_s_;
  }

  // A connection became idle, or stopped being so, while the server has as many as it may:
  // accepting has to go on (the idle one can make room) or to stop.
  virtual void room_changed() noexcept = 0;
  virtual void connection_closed(Connection& connection) noexcept = 0;

 protected:
  ~ServerCore() = default;

 private:
  uint64_t now_s_read_at_ms_ = UINT64_MAX;
  int64_t now_s_ = 0;
};

}  // namespace cppcorn::server
