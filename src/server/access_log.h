// AccessLog: one line per answered request, formatted on the loop's thread and written on another
// (log_writer.h). Owned by the server; off unless a destination is set.
#pragma once

#include <memory>
#include <string>

#include "src/server/access_format.h"
#include "src/server/log_writer.h"

namespace cppcorn::server {

class Exchange;

class AccessLog {
 public:
  AccessLog(AccessFormat format, std::unique_ptr<LogWriter> writer)
      : format_(std::move(format)), writer_(std::move(writer)) {}

  bool wants_response_head() const noexcept { return format_.wants_response_head(); }
  void write(const Exchange& exchange) noexcept;

 private:
  AccessFormat format_;
  std::unique_ptr<LogWriter> writer_;
  std::string line_;
};

}  // namespace cppcorn::server
