// The names of every option of other servers, as their own help and documentation list them.
#pragma once

namespace cppcorn::config {

// gunicorn 27: keys of a configuration file.
constexpr const char* kGunicornSettings =
    R"(config wsgi_app bind backlog workers worker_class threads worker_connections
max_requests max_requests_jitter timeout graceful_timeout keepalive limit_request_line
limit_request_fields limit_request_field_size reload reload_engine reload_extra_files
spew check_config print_config preload_app sendfile reuse_port chdir daemon raw_env
pidfile worker_tmp_dir user group umask initgroups tmp_upload_dir secure_scheme_headers
forwarded_allow_ips accesslog disable_redirect_access_to_syslog access_log_format
errorlog loglevel capture_output logger_class logconfig logconfig_dict logconfig_json
syslog_addr syslog syslog_prefix syslog_facility enable_stdio_inheritance statsd_host
dogstatsd_tags statsd_prefix enable_backlog_metric proc_name default_proc_name
pythonpath paste on_starting on_reload when_ready pre_fork post_fork post_worker_init
worker_int worker_abort pre_exec pre_request post_request child_exit worker_exit
nworkers_changed on_exit ssl_context proxy_protocol proxy_allow_ips protocol
uwsgi_allow_ips keyfile certfile ssl_version cert_reqs ca_certs suppress_ragged_eofs
do_handshake_on_connect ciphers http_protocols http2_cleartext
http2_max_concurrent_streams http2_initial_window_size http2_max_frame_size
http2_max_header_list_size raw_paste_global_conf permit_obsolete_folding
strip_header_spaces permit_unconventional_http_method permit_unconventional_http_version
casefold_http_method forwarder_headers header_map asgi_loop asgi_lifespan
asgi_disconnect_grace_period websocket_max_message_size http_parser root_path dirty_apps
dirty_workers dirty_timeout dirty_threads dirty_graceful_timeout on_dirty_starting
dirty_post_fork dirty_worker_init dirty_worker_exit control_socket control_socket_mode
control_socket_disable)";

// gunicorn 27: command line.
constexpr const char* kGunicornFlags =
    R"(-c --config -b --bind --backlog -w --workers -k --worker-class --threads
--worker-connections --max-requests --max-requests-jitter -t --timeout
--graceful-timeout --keep-alive --limit-request-line --limit-request-fields
--limit-request-field_size --reload --reload-engine --reload-extra-file --spew
--check-config --print-config --preload --no-sendfile --reuse-port --chdir -D --daemon
-e --env -p --pid --worker-tmp-dir -u --user -g --group -m --umask --initgroups
--forwarded-allow-ips --access-logfile --disable-redirect-access-to-syslog
--access-logformat --error-logfile --log-file --log-level --capture-output
--logger-class --log-config --log-config-json --log-syslog-to --log-syslog
--log-syslog-prefix --log-syslog-facility -R --enable-stdio-inheritance --statsd-host
--dogstatsd-tags --statsd-prefix --enable-backlog-metric -n --name --pythonpath --paste
--paster --proxy-protocol --proxy-allow-from --protocol --uwsgi-allow-from --keyfile
--certfile --ssl-version --cert-reqs --ca-certs --suppress-ragged-eofs
--do-handshake-on-connect --ciphers --http-protocols --http2-cleartext
--http2-max-concurrent-streams --http2-initial-window-size --http2-max-frame-size
--http2-max-header-list-size --paste-global --permit-obsolete-folding
--strip-header-spaces --permit-unconventional-http-method
--permit-unconventional-http-version --casefold-http-method --forwarder-headers
--header-map --asgi-loop --asgi-lifespan --asgi-disconnect-grace-period
--websocket-max-message-size --http-parser --root-path --dirty-app --dirty-workers
--dirty-timeout --dirty-threads --dirty-graceful-timeout --control-socket
--control-socket-mode --no-control-socket)";

// uvicorn 0.54.
constexpr const char* kUvicornFlags =
    R"(--host --port --uds --fd --reload --reload-dir --reload-include --reload-exclude
--reload-delay --workers --loop --http --http2 --ws --ws-max-size --ws-max-queue
--ws-ping-interval --ws-ping-timeout --ws-per-message-deflate --lifespan --interface
--env-file --log-config --log-level --access-log --use-colors --proxy-headers
--server-header --date-header --forwarded-allow-ips --root-path --limit-concurrency
--backlog --limit-max-requests --limit-max-requests-jitter --timeout-keep-alive
--timeout-graceful-shutdown --timeout-worker-healthcheck --ssl-keyfile --ssl-certfile
--ssl-keyfile-password --ssl-version --ssl-cert-reqs --ssl-ca-certs --ssl-ciphers
--header --version --app-dir --h11-max-incomplete-event-size --reset-contextvars
--factory)";

// granian 2.8.
constexpr const char* kGranianFlags =
    R"(--host --port --uds --uds-permissions --interface --http --ws --workers
--blocking-threads --blocking-threads-idle-timeout --runtime-threads
--runtime-blocking-threads --runtime-mode --loop --task-impl --backlog --backpressure
--http1-buffer-size --http1-header-read-timeout --http1-keep-alive
--http1-pipeline-flush --http2-adaptive-window --http2-initial-connection-window-size
--http2-initial-stream-window-size --http2-keep-alive-interval
--http2-keep-alive-timeout --http2-max-concurrent-streams --http2-max-frame-size
--http2-max-headers-size --http2-max-send-buffer-size --log --log-level --log-config
--access-log --access-log-fmt --ssl-certificate --ssl-keyfile --ssl-keyfile-password
--ssl-protocol-min --ssl-ca --ssl-crl --ssl-client-verify --url-path-prefix
--respawn-failed-workers --respawn-interval --rss-sample-interval --rss-samples
--workers-lifetime --workers-max-rss --workers-kill-timeout --factory --working-dir
--env-files --static-path-route --static-path-mount --static-path-dir-to-file
--static-path-expires --metrics --metrics-scrape-interval --metrics-address
--metrics-port --reload --reload-paths --reload-ignore-dirs --reload-ignore-patterns
--reload-ignore-paths --reload-tick --reload-ignore-worker-failure --process-name
--pid-file --version)";

}  // namespace cppcorn::config
