// Settings: every value that can be configured, resolved and checked: plain data with units in the
// names. The table of settings_table.h says how each is written, what it defaults to and what it
// does (docs/settings.md is made from it). The master makes one at each start and reload, workers
// read theirs from the first message of the control channel; both keep it unchanged until they end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cppcorn::config {

// kAuto: the app's own shape decides.
enum class WorkerClass : uint8_t { kAuto, kAsgi, kGthread, kSync };
enum class AppKind : uint8_t { kAsgi, kWsgi };
enum class Loop : uint8_t { kAuto, kAsyncio, kUvloop };
enum class Lifespan : uint8_t { kAuto, kOn, kOff };
enum class HeaderMap : uint8_t { kDrop, kRefuse };
// The same order as log::Level, whose header is too heavy for this one.
enum class LogLevel : uint8_t { kTrace, kDebug, kInfo, kWarning, kError, kCritical };

// gunicorn's default, and the one of Apache's "combined".
inline constexpr const char* kAccessLogFormat =
    R"(%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s")";

struct Settings {
  // --- the application ---
  std::string app;       // MODULE[:ATTRIBUTE], as written; the worker's importer reads it
  bool factory = false;  // the attribute is called, and returns the application
  std::string app_dir;   // first on sys.path; empty: the current directory
  std::string chdir;  // empty: stay; else changed to before the app is loaded, and put on sys.path
  std::vector<std::string> pythonpath;  // folders for sys.path
  std::string python;  // the interpreter of the workers; empty: found beside the binary or on PATH

  // --- sockets ---
  std::vector<std::string> bind = {"127.0.0.1:8000"};  // each reads as a BindAddress; never empty
  uint32_t backlog = 2048;                             // listen(2)

  // --- workers ---
  uint32_t workers = 1;
  WorkerClass worker_class = WorkerClass::kAuto;
  uint32_t threads = 1;                 // of each gthread worker
  uint32_t worker_connections = 16384;  // open connections of a worker, idle ones included
  uint32_t limit_concurrency = 0;       // requests in flight in a worker, beyond: 503; 0: no limit

  // --- deadlines ---
  uint64_t keepalive_ms = 2000;  // idle time between two requests; 0: close after each response
  uint64_t header_timeout_ms = 30000;  // the whole head; a connection's first, from accept; 0: none
  uint64_t body_timeout_ms = 30000;    // window in which a body must make progress; 0: none
  uint64_t write_timeout_ms = 60000;   // window in which a response must make progress; 0: none
  uint32_t min_transfer_rate_bytes = 240;    // a second, to count as progress; 0: every byte does
  uint64_t graceful_timeout_ms = 30000;      // for requests in flight, once told to stop
  uint64_t worker_boot_timeout_ms = 300000;  // from its start until it is ready; 0: none

  // --- limits ---
  uint32_t limit_request_line_bytes = 4094;   // beyond: 414; 0: no limit of its own
  uint32_t limit_request_fields = 100;        // beyond: 431; 0: no limit of its own
  uint32_t limit_request_field_bytes = 8190;  // name and value; beyond: 431; 0: no limit of its own
  uint32_t limit_request_head_bytes = 65536;  // the whole head; beyond: 431; never 0
  std::optional<uint64_t> limit_request_body_bytes;  // see request_body_bytes_max(); beyond: 413
  HeaderMap header_map = HeaderMap::kDrop;           // WSGI: header names that hold an underscore

  // --- buffering in WSGI workers ---
  bool request_buffering = true;                     // off: the app reads the body as it arrives
  uint64_t request_buffer_memory_bytes = 128 << 10;  // of a body; a longer one goes to a file
  uint64_t response_buffer_memory_bytes = 2 << 20;   // not yet sent; what is more goes to a file
  uint64_t response_buffer_max_bytes = 1 << 30;      // memory and file; beyond, the thread waits
  uint64_t spool_max_bytes = 4ULL << 30;             // all temporary files of a worker; beyond: 503
  std::string tmp_upload_dir;  // of the temporary files; empty: $TMPDIR or /tmp

  // --- ASGI ---
  Loop loop = Loop::kAuto;
  Lifespan lifespan = Lifespan::kAuto;
  // From http.disconnect until the request's task is cancelled; unset: never.
  std::optional<uint64_t> asgi_disconnect_grace_period_ms;
  bool asgi_lazy_tasks = false;    // see workers/asgi/lazy_task.h
  bool reset_contextvars = false;  // each request in an empty context, not in a copy of lifespan's

  // --- requests and responses ---
  // Where the app is mounted: root_path, and put before path, in ASGI; SCRIPT_NAME in WSGI. In the
  // target: request targets begin with it already.
  std::string root_path;
  bool root_path_in_target = false;
  bool sendfile = true;
  bool server_header = true;
  bool date_header = true;
  std::vector<std::string> header;  // "Name: Value", added to every response; checked

  // --- logging ---
  std::string accesslog;  // a path, "-" for standard output, empty for none
  std::string access_log_format = kAccessLogFormat;  // gunicorn's atoms
  bool access_log_json = false;  // a JSON object a line, in place of access_log_format
  std::string errorlog = "-";    // a path, "-" for standard error
  LogLevel loglevel = LogLevel::kInfo;

  bool operator==(const Settings&) const = default;
};

// The body limit that holds for an app of this kind: ASGI apps read bodies as a stream and have
// none unless it is set; in WSGI, where bodies are stored first, it is 1 GiB. 0: no limit.
constexpr uint64_t kWsgiBodyBytesMax = 1ULL << 30;
inline uint64_t request_body_bytes_max(const Settings& settings, AppKind kind) noexcept {
  return settings.limit_request_body_bytes.value_or(kind == AppKind::kWsgi ? kWsgiBodyBytesMax : 0);
}

}  // namespace cppcorn::config
