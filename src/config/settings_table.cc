#include "src/config/settings_table.h"

#include <array>

#include "src/base/ascii.h"
#include "src/config/canonical.h"

namespace cppcorn::config {
namespace {

using std::string_view;

constexpr std::array<string_view, 4> kWorkerClassWords = {"auto", "asgi", "gthread", "sync"};
constexpr std::array<string_view, 3> kLoopWords = {"auto", "asyncio", "uvloop"};
constexpr std::array<string_view, 3> kLifespanWords = {"auto", "on", "off"};
constexpr std::array<string_view, 2> kHeaderMapWords = {"drop", "refuse"};
constexpr std::array<string_view, 6> kLogLevelWords = {"trace",   "debug", "info",
                                                       "warning", "error", "critical"};

template <auto kMember>
constexpr Choice choice(std::span<const string_view> words) noexcept {
  using Enum = std::remove_reference_t<decltype(std::declval<Settings&>().*kMember)>;
  return Choice{
      words, [](const Settings& s) noexcept { return static_cast<size_t>(s.*kMember); },
      [](Settings& s, size_t number) noexcept { s.*kMember = static_cast<Enum>(number); }};
}

// Upper ends: none is a limit of taste; beyond them a value is surely a slip (a day in
// milliseconds, say).
constexpr uint64_t kProcessesMax = 1024;
constexpr uint64_t kDayMs = 86'400'000;
constexpr uint64_t kSizeMax = 1ULL << 50;
constexpr uint64_t kHeadPartMax = 1ULL << 30;

using enum Group;
using enum Type;

constexpr Setting kTable[] = {
    // --- the application ---
    {"wsgi_app", kApplication, "", kText, &Settings::app, "MODULE[:ATTRIBUTE]",
     "The application, as the APP argument names it"},
    {"factory", kApplication, "--factory", kFlag, &Settings::factory, nullptr,
     "APP names a callable that returns the application"},
    {"app_dir",
     kApplication,
     "--app-dir",
     kText,
     &Settings::app_dir,
     "DIR",
     "Folder to import the application from",
     {.default_text = "the current directory"}},
    {"chdir", kApplication, "--chdir --working-dir", kText, &Settings::chdir, "DIR",
     "Change to this folder before the application is loaded"},
    {"pythonpath",
     kApplication,
     "--pythonpath",
     kList,
     &Settings::pythonpath,
     "DIR,...",
     "Folders to put on sys.path",
     {.separator = ','}},
    {"python",
     kApplication,
     "--python",
     kText,
     &Settings::python,
     "PATH",
     "Python interpreter that runs the application",
     {.default_text = "python3 beside cppcorn, of the active virtual environment, or on PATH"}},

    // --- sockets ---
    {"bind",
     kSockets,
     "-b --bind",
     kList,
     &Settings::bind,
     "ADDRESS",
     "Where to listen: HOST:PORT, :PORT, [IPV6]:PORT, unix:PATH or fd://N. May be repeated. "
     "$PORT changes the default to 0.0.0.0:$PORT",
     {.canonical = canonical_bind, .separator = ','}},
    {"backlog",
     kSockets,
     "--backlog",
     kCount,
     &Settings::backlog,
     "N",
     "Connections that may wait to be accepted",
     {.min = 1, .max = INT32_MAX}},

    // --- workers ---
    {"workers",
     kWorkers,
     "-w --workers",
     kCount,
     &Settings::workers,
     "N",
     "Worker processes. $WEB_CONCURRENCY changes the default",
     {.min = 1, .max = kProcessesMax}},
    {"worker_class",
     kWorkers,
     "-k --worker-class",
     kChoice,
     choice<&Settings::worker_class>(kWorkerClassWords),
     "KIND",
     "Kind of the workers: asgi, gthread (WSGI, with --threads), sync (WSGI, one thread); auto: "
     "what the application is decides. sync with more than one thread is gthread",
     {.canonical = canonical_worker_class}},
    {"threads",
     kWorkers,
     "--threads --blocking-threads",
     kCount,
     &Settings::threads,
     "N",
     "Threads of each worker that run a WSGI application",
     {.min = 1, .max = kProcessesMax, .reader = Reader::kWsgi}},
    {"worker_connections",
     kWorkers,
     "--worker-connections",
     kCount,
     &Settings::worker_connections,
     "N",
     "Open connections of a worker, of either kind; at the limit the connection that has been idle "
     "longest is closed for a new one",
     {.min = 1, .max = 1'000'000}},
    {"limit_concurrency",
     kWorkers,
     "--limit-concurrency",
     kCount,
     &Settings::limit_concurrency,
     "N",
     "Requests in flight in a worker; one more is answered 503. 0: no limit",
     {.max = 1'000'000}},

    // --- deadlines ---
    {"keepalive",
     kDeadlines,
     "--keep-alive --keepalive --timeout-keep-alive",
     kSeconds,
     &Settings::keepalive_ms,
     nullptr,
     "How long a connection may be idle between two requests. 0: closed after each response",
     {.max = kDayMs}},
    {"header_timeout",
     kDeadlines,
     "--header-timeout",
     kSeconds,
     &Settings::header_timeout_ms,
     nullptr,
     "How long a request's head may take as a whole; then 408. 0: no limit",
     {.max = kDayMs}},
    {"body_timeout",
     kDeadlines,
     "--body-timeout",
     kSeconds,
     &Settings::body_timeout_ms,
     nullptr,
     "How long a request's body may go without progress (--min-transfer-rate) while it is read; "
     "then 408. 0: no limit",
     {.max = kDayMs}},
    {"write_timeout",
     kDeadlines,
     "--write-timeout",
     kSeconds,
     &Settings::write_timeout_ms,
     nullptr,
     "How long a client may take nothing (--min-transfer-rate) of a response that is there for it; "
     "then the connection is closed. 0: no limit",
     {.max = kDayMs}},
    {"min_transfer_rate",
     kDeadlines,
     "--min-transfer-rate",
     kBytes,
     &Settings::min_transfer_rate_bytes,
     "BYTES",
     "Bytes a second, averaged over --body-timeout or --write-timeout, below which there is no "
     "progress. 0: every byte is progress",
     {.max = 1 << 30}},
    {"graceful_timeout",
     kDeadlines,
     "--graceful-timeout --timeout-graceful-shutdown --workers-kill-timeout",
     kSeconds,
     &Settings::graceful_timeout_ms,
     nullptr,
     "How long a worker that was told to stop may finish its requests",
     {.max = kDayMs}},
    {"worker_boot_timeout",
     kDeadlines,
     "--worker-boot-timeout",
     kSeconds,
     &Settings::worker_boot_timeout_ms,
     nullptr,
     "How long a worker may take from its start until it is ready (imports, the lifespan's "
     "startup); then it is ended, with its traceback in the log, and counts as failed. 0: no limit",
     {.max = kDayMs}},

    // --- limits ---
    {"limit_request_line",
     kLimits,
     "--limit-request-line",
     kBytes,
     &Settings::limit_request_line_bytes,
     "BYTES",
     "Length of the request line; then 414. 0: only --limit-request-head-size holds",
     {.max = kHeadPartMax}},
    {"limit_request_fields",
     kLimits,
     "--limit-request-fields",
     kCount,
     &Settings::limit_request_fields,
     "N",
     "Header fields of a request; then 431. 0: only --limit-request-head-size holds",
     {.max = 1'000'000}},
    {"limit_request_field_size",
     kLimits,
     "--limit-request-field_size --limit-request-field-size",
     kBytes,
     &Settings::limit_request_field_bytes,
     "BYTES",
     "Length of one header field; then 431. 0: only --limit-request-head-size holds",
     {.max = kHeadPartMax}},
    {"limit_request_head_size",
     kLimits,
     "--limit-request-head-size",
     kBytes,
     &Settings::limit_request_head_bytes,
     "BYTES",
     "Length of the request line and all header fields together; then 431",
     {.min = 256, .max = kHeadPartMax}},
    {"limit_request_body",
     kLimits,
     "--limit-request-body",
     kBytes,
     &Settings::limit_request_body_bytes,
     "BYTES",
     "Length of a request's body; then 413. 0: no limit. none: the default",
     {.max = kSizeMax, .default_text = "1g for WSGI, no limit for ASGI"}},
    {"header_map",
     kLimits,
     "--header-map",
     kChoice,
     choice<&Settings::header_map>(kHeaderMapWords),
     "MODE",
     "Header fields whose names hold an underscore, which a WSGI application cannot tell from a "
     "hyphen: drop them, or refuse the request with 400",
     {.canonical = canonical_header_map, .reader = Reader::kWsgi}},

    // --- buffering ---
    {"request_buffering",
     kBuffering,
     "--request-buffering",
     kSwitch,
     &Settings::request_buffering,
     "on|off",
     "Take a request's whole body before a thread is used for it. off: the application reads the "
     "body as it comes, and a slow client holds a thread",
     {.reader = Reader::kWsgi}},
    {"request_buffer_memory",
     kBuffering,
     "--request-buffer-memory",
     kBytes,
     &Settings::request_buffer_memory_bytes,
     "BYTES",
     "Bytes of a request's body kept in memory; a longer one goes to a temporary file",
     {.max = kSizeMax, .reader = Reader::kWsgi}},
    {"response_buffer_memory",
     kBuffering,
     "--response-buffer-memory",
     kBytes,
     &Settings::response_buffer_memory_bytes,
     "BYTES",
     "Bytes of a response that wait in memory for the client; more goes to a temporary file",
     {.max = kSizeMax, .reader = Reader::kWsgi}},
    {"response_buffer_max",
     kBuffering,
     "--response-buffer-max",
     kBytes,
     &Settings::response_buffer_max_bytes,
     "BYTES",
     "Bytes of a response that wait for the client, in memory and file; beyond, the thread waits",
     {.max = kSizeMax, .reader = Reader::kWsgi}},
    {"spool_max",
     kBuffering,
     "--spool-max",
     kBytes,
     &Settings::spool_max_bytes,
     "BYTES",
     "Bytes of all temporary files of a worker; a request that needs more is answered 503",
     {.max = kSizeMax, .reader = Reader::kWsgi}},
    {"tmp_upload_dir",
     kBuffering,
     "--tmp-upload-dir",
     kText,
     &Settings::tmp_upload_dir,
     "DIR",
     "Folder of the temporary files",
     {.reader = Reader::kWsgi, .default_text = "$TMPDIR, or /tmp"}},

    // --- ASGI ---
    {"loop",
     kAsgi,
     "--loop --asgi-loop",
     kChoice,
     choice<&Settings::loop>(kLoopWords),
     "LOOP",
     "Event loop: auto and asyncio: asyncio on libuv; uvloop: uvloop, if it is installed",
     {.canonical = canonical_loop, .reader = Reader::kAsgi}},
    {"lifespan",
     kAsgi,
     "--lifespan --asgi-lifespan",
     kChoice,
     choice<&Settings::lifespan>(kLifespanWords),
     "MODE",
     "Lifespan events: auto: on if the application knows them",
     {.reader = Reader::kAsgi}},
    {"asgi_disconnect_grace_period",
     kAsgi,
     "--asgi-disconnect-grace-period",
     kSeconds,
     &Settings::asgi_disconnect_grace_period_ms,
     nullptr,
     "How long a request's task may go on after its client is gone, before it is cancelled. none: "
     "it never is",
     {.max = kDayMs, .reader = Reader::kAsgi}},
    {"asgi_lazy_tasks",
     kAsgi,
     "--asgi-lazy-tasks",
     kFlag,
     &Settings::asgi_lazy_tasks,
     nullptr,
     "Make a request's asyncio.Task only when something needs it: cheaper for requests that answer "
     "at once. Not with a task factory, nor in asyncio's debug mode. See server-behaviour.md for "
     "what an application can tell",
     {.reader = Reader::kAsgi}},
    {"reset_contextvars",
     kAsgi,
     "--reset-contextvars",
     kFlag,
     &Settings::reset_contextvars,
     nullptr,
     "Run each request in an empty context, not in a copy of the one that lifespan left",
     {.reader = Reader::kAsgi}},

    // --- requests and responses ---
    {"root_path",
     kResponses,
     "--root-path",
     kText,
     &Settings::root_path,
     "PATH",
     "Where a proxy mounts the application: root_path, and put before path, in ASGI; SCRIPT_NAME "
     "in "
     "WSGI",
     {.canonical = canonical_root_path}},
    {"root_path_in_target", kResponses, "--root-path-in-target", kFlag,
     &Settings::root_path_in_target, nullptr,
     "The proxy passes on full paths, which begin with --root-path already"},
    {"sendfile", kResponses, "--sendfile", kFlag, &Settings::sendfile, nullptr,
     "Send files from the page cache with sendfile(2). $SENDFILE changes the default"},
    {"server_header", kResponses, "--server-header", kFlag, &Settings::server_header, nullptr,
     "Add a Server header to responses"},
    {"date_header", kResponses, "--date-header", kFlag, &Settings::date_header, nullptr,
     "Add a Date header to responses"},
    {"header",
     kResponses,
     "--header",
     kList,
     &Settings::header,
     "NAME:VALUE",
     "Header to add to every response. May be repeated; one a line in the environment",
     {.canonical = canonical_header, .separator = '\n'}},

    // --- logging ---
    {"accesslog",
     kLogging,
     "--access-logfile",
     kText,
     &Settings::accesslog,
     "FILE",
     "Where requests are logged; -: standard output. Its folder must be there",
     {.canonical = canonical_accesslog, .default_text = "nowhere"}},
    {"access_log_format",
     kLogging,
     "--access-logformat --access-log-format",
     kText,
     &Settings::access_log_format,
     "FORMAT",
     "What a line of the access log holds, in gunicorn's atoms",
     {.canonical = canonical_access_log_format}},
    {"access_log_json", kLogging, "--access-log-json", kFlag, &Settings::access_log_json, nullptr,
     "Write a JSON object a line to the access log"},
    {"errorlog",
     kLogging,
     "--error-logfile --log-file",
     kText,
     &Settings::errorlog,
     "FILE",
     "Where errors and what the server does are logged; -: standard error. Its folder must be "
     "there",
     {.canonical = canonical_errorlog}},
    {"loglevel",
     kLogging,
     "--log-level",
     kChoice,
     choice<&Settings::loglevel>(kLogLevelWords),
     "LEVEL",
     "The least important level that is logged",
     {.canonical = canonical_loglevel}},
};

}  // namespace

std::span<const Setting> settings_table() noexcept { return kTable; }

const Setting* find_setting(string_view name) noexcept {
  for (const Setting& setting : kTable) {
    if (name == setting.name) return &setting;
  }
  return nullptr;
}

string_view group_title(Group group) noexcept {
  switch (group) {
    case kApplication: return "Application";
    case kSockets: return "Sockets";
    case kWorkers: return "Workers";
    case kDeadlines: return "Deadlines";
    case kLimits: return "Limits on requests";
    case kBuffering: return "Buffering for WSGI applications";
    case kAsgi: return "ASGI applications";
    case kResponses: return "Requests and responses";
    case kLogging: return "Logging";
  }
  return "";
}

string_view primary_flag(const Setting& setting) noexcept {
  const string_view flags = setting.flags;
  const size_t start = flags.find("--");
  if (start == flags.npos) return setting.name;
  return flags.substr(start, flags.find(' ', start) - start);
}

std::string environment_name(const Setting& setting) {
  std::string name = "CPPCORN_";
  for (const char c : string_view(setting.name)) name += ascii_upper(c);
  return name;
}

}  // namespace cppcorn::config
