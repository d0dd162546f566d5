// From the settings to what the server's parts take: limits, deadlines, response lines, access log.
#pragma once

#include <string>

#include "src/base/result.h"
#include "src/config/settings.h"
#include "src/server/server_core.h"

namespace cppcorn::server {

// The lines that every response carries; ServerCore's response defaults point into them.
struct ResponseLines {
  std::string server;
  std::string extra;
};

// Fills core. lines outlives it. An error says what could not be set up (the access log's file).
Status apply_settings(const config::Settings& settings, config::AppKind kind, ResponseLines& lines,
                      ServerCore& core);

}  // namespace cppcorn::server
