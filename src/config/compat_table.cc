#include "src/config/compat_table.h"

#include "src/config/translate.h"

namespace cppcorn::config {
namespace {

using enum Verdict;
constexpr bool kFlag = false;
constexpr bool kValue = true;

// Said of more than one option.
constexpr const char* kTls = "TLS comes with a later one; until then put a proxy in front";
constexpr const char* kHttp2 = "HTTP/2 comes with a later one";
constexpr const char* kWebSocket = "WebSocket comes with a later one";
constexpr const char* kReload = "reloading on changes comes with a later one";
constexpr const char* kRecycle = "recycling workers comes with a later one";
constexpr const char* kForwarded =
    "forwarded headers are not read yet; a later one believes those of trusted peers";
constexpr const char* kDaemon = "run it under systemd or another supervisor; a later one has it";
constexpr const char* kIdentity = "start it as the user that it shall run as; a later one has it";
constexpr const char* kMetrics = "metrics come with a later one";
constexpr const char* kStatic = "static files come with a later one";
constexpr const char* kSyslog = "syslog comes with a later one; use --error-logfile";
constexpr const char* kLogConfig =
    "log configuration files come with a later one; use --log-level, "
    "--error-logfile, --access-logfile";
constexpr const char* kHooks = "hooks come with Python configuration files, in a later one";
constexpr const char* kDirty = "use a task queue, or run the work in a service of its own";
constexpr const char* kNoRuntime = "the I/O of a worker runs on one native loop";
constexpr const char* kStrict = "such a request is always answered 400";
constexpr const char* kMethods = "which methods are accepted is fixed";

constexpr Compat kTable[] = {
    // --- translated ---
    {"--host", kValue, kMapped, "the host of --bind", "", translate_host},
    {"--port", kValue, kMapped, "the port of --bind", "", translate_port},
    {"--uds", kValue, kMapped, "--bind unix:PATH", "", translate_uds},
    {"--fd", kValue, kMapped, "--bind fd://N", "", translate_fd},
    {"--interface", kValue, kMapped, "--worker-class; asginl: --lifespan off too", "",
     translate_interface},
    {"-t --timeout", kValue, kMapped,
     "--worker-boot-timeout; workers that hang later are not watched for yet", "",
     translate_timeout},
    {"--http1-header-read-timeout", kValue, kMapped, "--header-timeout, from milliseconds", "",
     translate_header_read_ms},
    {"--http1-keep-alive", kFlag, kMapped, "nothing; off: --keep-alive 0", "",
     translate_keep_alive_switch},
    {"--no-http1-keep-alive", kFlag, kMapped, "--keep-alive 0", "", translate_no_keep_alive},
    {"--access-log", kFlag, kMapped, "--access-logfile -, unless a file is named", "",
     translate_access_log},
    {"--no-access-log", kFlag, kMapped, "no access log", "", translate_no_access_log},
    {"--access-log-fmt", kValue, kMapped, "--access-logformat, with granian's atoms translated", "",
     translate_access_log_fmt},
    {"--log", kFlag, kMapped, "nothing; off: --log-level critical", "", translate_log},
    {"--no-log", kFlag, kMapped, "--log-level critical", "", translate_no_log},
    {"--url-path-prefix", kValue, kMapped, "--root-path with --root-path-in-target", "",
     translate_url_path_prefix},
    {"--http", kValue, kMapped, "nothing: the one parser, HTTP/1.1; 2 is refused", "",
     translate_http},
    {"--ws", kFlag, kMapped, "auto, none: nothing; else refused until WebSocket comes", "",
     translate_ws},

    // --- accepted without effect ---
    {"--no-ws", kFlag, kIgnored, "there is no WebSocket in this release"},
    {"--reload-engine --reload-tick --reload-delay", kValue, kIgnored,
     "reloading on changes comes with a later release"},
    {"--reload-ignore-worker-failure", kFlag, kIgnored,
     "reloading on changes comes with a later release"},
    {"--spew", kFlag, kIgnored, "python -m trace shows each line that runs"},
    {"--worker-tmp-dir worker_tmp_dir", kValue, kIgnored,
     "workers write no files to show that they live"},
    {"--disable-redirect-access-to-syslog", kFlag, kIgnored, "no log goes to syslog"},
    {"-R --enable-stdio-inheritance", kFlag, kIgnored,
     "workers always inherit standard output and error"},
    {"--suppress-ragged-eofs --do-handshake-on-connect", kFlag, kIgnored,
     "TLS is not Python's here"},
    {"--permit-unconventional-http-method --casefold-http-method", kFlag, kIgnored, kMethods},
    {"--http-parser", kValue, kIgnored, "there is one HTTP/1.1 parser"},
    {"--no-control-socket control_socket_disable", kFlag, kIgnored, "there is no control socket"},
    {"default_proc_name", kValue, kIgnored, "processes keep their names"},
    {"--use-colors --no-use-colors", kFlag, kIgnored, "log lines have no colours"},
    {"--no-proxy-headers", kFlag, kIgnored, "forwarded headers are not read in this release"},
    {"--timeout-worker-healthcheck", kValue, kIgnored, "workers are not asked for their health"},
    {"--h11-max-incomplete-event-size", kValue, kIgnored,
     "--limit-request-head-size bounds what is kept of a head"},
    {"--blocking-threads-idle-timeout", kValue, kIgnored, "threads are kept"},
    {"--runtime-threads --runtime-blocking-threads --runtime-mode", kValue, kIgnored, kNoRuntime},
    {"--task-impl", kValue, kIgnored, "requests run in tasks of asyncio"},
    {"--http1-buffer-size", kValue, kIgnored, "buffers grow and shrink by themselves"},
    {"--http1-pipeline-flush --no-http1-pipeline-flush", kFlag, kIgnored,
     "pipelined responses always leave together"},
    {"--respawn-failed-workers --no-respawn-failed-workers", kFlag, kIgnored,
     "a worker that died is always replaced"},
    {"--respawn-interval", kValue, kIgnored,
     "a worker that died is replaced at once, and if that repeats with growing pauses"},
    {"--metrics-scrape-interval", kValue, kIgnored, "there are no metrics in this release"},

    // --- a later release ---
    {"--max-requests --limit-max-requests --max-requests-jitter --limit-max-requests-jitter",
     kValue, kLater, kRecycle, "0"},
    {"--workers-lifetime --workers-max-rss --rss-sample-interval --rss-samples", kValue, kLater,
     kRecycle},
    {"--reload", kFlag, kLater, kReload},
    {"--reload-extra-file reload_extra_files --reload-dir --reload-include --reload-exclude "
     "--reload-paths --reload-ignore-dirs --reload-ignore-patterns --reload-ignore-paths",
     kValue, kLater, kReload},
    {"--preload preload_app", kFlag, kLater,
     "loading the app before forking comes with a later one"},
    {"--reuse-port", kFlag, kLater, "leave it out: workers share their listening sockets"},
    {"-D --daemon", kFlag, kLater, kDaemon},
    {"-p --pid --pid-file pidfile", kValue, kLater,
     "pid files come with a later one (--port names the port)"},
    {"-u --user -g --group", kValue, kLater, kIdentity},
    {"-m --umask", kValue, kLater,
     "set it where cppcorn is started (umask, UMask= in systemd); a later one has it", "0"},
    {"--initgroups", kFlag, kLater, kIdentity},
    {"-e --env raw_env --env-file --env-files", kValue, kLater,
     "set the variables in the environment of cppcorn"},
    {"--uds-permissions", kValue, kLater,
     "the mode is 0777, and the folder says who may connect; a later one has it"},
    {"-n --name proc_name --process-name", kValue, kLater, "process names come with a later one"},
    {"--forwarded-allow-ips --forwarder-headers secure_scheme_headers", kValue, kLater, kForwarded},
    {"--proxy-headers", kFlag, kLater, kForwarded},
    {"--proxy-protocol", kValue, kLater, "the PROXY protocol comes with a later one", "off"},
    {"--proxy-allow-from proxy_allow_ips", kValue, kLater,
     "the PROXY protocol comes with a later one"},
    {"--protocol", kValue, kLater, "only HTTP is spoken", "http"},
    {"--uwsgi-allow-from uwsgi_allow_ips", kValue, kLater, "only HTTP is spoken"},
    {"--capture-output", kFlag, kLater,
     "standard output and error of the app go where cppcorn's own go"},
    {"--logger-class", kValue, kNever, "use --access-logformat, or configure logging in the app",
     "gunicorn.glogging.Logger"},
    {"--log-config --log-config-json logconfig logconfig_json logconfig_dict", kValue, kLater,
     kLogConfig},
    {"--log-syslog syslog", kFlag, kLater, kSyslog},
    {"--log-syslog-to --log-syslog-prefix --log-syslog-facility syslog_addr syslog_prefix "
     "syslog_facility",
     kValue, kLater, kSyslog},
    {"--statsd-host --statsd-prefix --dogstatsd-tags --metrics-address --metrics-port", kValue,
     kLater, kMetrics},
    {"--metrics --enable-backlog-metric", kFlag, kLater, kMetrics},
    {"--control-socket --control-socket-mode", kValue, kLater,
     "the control tool comes with a later one"},
    {"--backpressure", kValue, kLater,
     "use --worker-connections (connections) or --limit-concurrency (requests)"},
    {"on_starting on_reload when_ready pre_fork post_fork post_worker_init worker_int "
     "worker_abort pre_exec pre_request post_request child_exit worker_exit nworkers_changed "
     "on_exit ssl_context",
     kValue, kLater, kHooks},
    {"--keyfile --certfile --ca-certs --ciphers --ssl-keyfile --ssl-certfile "
     "--ssl-keyfile-password --ssl-ca-certs --ssl-ciphers --ssl-certificate --ssl-protocol-min "
     "--ssl-ca --ssl-crl --ssl-version",
     kValue, kLater, kTls},
    {"--cert-reqs --ssl-cert-reqs", kValue, kLater, kTls, "0"},
    {"--ssl-client-verify", kFlag, kLater, kTls},
    {"--http-protocols", kValue, kLater, kHttp2, "h1"},
    {"--http2-cleartext", kValue, kLater, kHttp2, "off"},
    {"--http2 --http2-adaptive-window", kFlag, kLater, kHttp2},
    {"--http2-max-concurrent-streams --http2-initial-window-size --http2-max-frame-size "
     "--http2-max-header-list-size --http2-initial-connection-window-size "
     "--http2-initial-stream-window-size --http2-keep-alive-interval "
     "--http2-keep-alive-timeout --http2-max-headers-size --http2-max-send-buffer-size",
     kValue, kLater, kHttp2},
    {"--websocket-max-message-size --ws-max-size --ws-max-queue --ws-ping-interval "
     "--ws-ping-timeout --ws-per-message-deflate",
     kValue, kLater, kWebSocket},
    {"--static-path-route --static-path-mount --static-path-dir-to-file --static-path-expires",
     kValue, kLater, kStatic},

    // --- refused for good ---
    {"--paste --paster --paste-global raw_paste_global_conf", kValue, kNever,
     "name a module whose attribute is paste.deploy.loadapp(...)"},
    {"--permit-obsolete-folding --strip-header-spaces --permit-unconventional-http-version", kFlag,
     kNever, kStrict},
    {"--dirty-app dirty_apps --dirty-workers --dirty-timeout --dirty-threads "
     "--dirty-graceful-timeout on_dirty_starting dirty_post_fork dirty_worker_init "
     "dirty_worker_exit",
     kValue, kNever, kDirty, "0"},
};

}  // namespace

std::span<const Compat> compat_table() noexcept { return kTable; }

}  // namespace cppcorn::config
