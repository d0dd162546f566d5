#include "src/server/server_options.h"

#include <algorithm>
#include <utility>

#include "src/base/ascii.h"

namespace cppcorn::server {
namespace {

constexpr std::string_view kServerLine = "server: cppcorn\r\n";

// "Name: Value" as --header has it, checked by the settings.
std::string header_lines(const std::vector<std::string>& headers) {
  std::string lines;
  for (const std::string& header : headers) {
    const size_t colon = header.find(':');
    lines.append(header, 0, colon).append(": ");
    lines.append(trim_ows(std::string_view(header).substr(colon + 1))).append("\r\n");
  }
  return lines;
}

Status open_access_log(const config::Settings& settings, ServerCore& core) {
  if (settings.accesslog.empty()) return ok_status();
  Result<AccessFormat> format = settings.access_log_json
                                    ? Result<AccessFormat>(AccessFormat::json())
                                    : AccessFormat::compile(settings.access_log_format);
  if (!format) return format.error();
  Result<std::unique_ptr<LogWriter>> writer = LogWriter::open(settings.accesslog);
  if (!writer) return writer.error();
  core.access_log = std::make_unique<AccessLog>(std::move(*format), std::move(*writer));
  return ok_status();
}

}  // namespace

Status apply_settings(const config::Settings& settings, config::AppKind kind, ResponseLines& lines,
                      ServerCore& core) {
  lines.server = settings.server_header ? kServerLine : std::string_view();
  lines.extra = header_lines(settings.header);
  core.response_shared.defaults = {lines.server, lines.extra, settings.date_header};

  core.limits.request_line_bytes_max = settings.limit_request_line_bytes;
  core.limits.fields_max = settings.limit_request_fields;
  core.limits.field_bytes_max = settings.limit_request_field_bytes;
  core.limits.head_bytes_max = settings.limit_request_head_bytes;
  core.limits.body_bytes_max = config::request_body_bytes_max(settings, kind);

  core.deadlines.head_ms = settings.header_timeout_ms;
  core.deadlines.body_ms = settings.body_timeout_ms;
  core.deadlines.write_ms = settings.write_timeout_ms;
  core.deadlines.keep_alive_ms = settings.keepalive_ms;
  core.bytes_per_second_min = settings.min_transfer_rate_bytes;
  core.keep_alive_allowed = settings.keepalive_ms > 0;

  core.connections_max = settings.worker_connections;
  core.concurrency_max = settings.limit_concurrency;
  core.use_sendfile = settings.sendfile;
  return open_access_log(settings, core);
}

}  // namespace cppcorn::server
