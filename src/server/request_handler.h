// RequestHandler: the seam between the server and the engines in workers/. One per worker; outlives
// the server.
#pragma once

#include "src/server/exchange.h"

namespace cppcorn::server {

class RequestHandler {
 public:
  // A request whose head is complete and valid. Called on the loop's thread from inside the loop:
  // no Python here. The handler sets its listener before it returns, and keeps a reference until it
  // has answered.
  virtual void on_request(ExchangeRef exchange) = 0;

 protected:
  ~RequestHandler() = default;
};

}  // namespace cppcorn::server
