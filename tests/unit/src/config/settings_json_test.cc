#include "src/config/settings_json.h"

#include "tests/unit/src/config/resolving.h"

namespace cppcorn::config {
namespace {

TEST(SettingsJson, DefaultsComeBack) {
  Result<Settings> back = from_json(to_json(Settings{}));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, Settings{});
}

// A value other than the default in every field: none is forgotten on either side.
TEST(SettingsJson, EveryFieldComesBack) {
  Settings all;
  all.app = "pkg.main:create(\"a\\b\", 'ü')";
  all.factory = true;
  all.app_dir = "src dir";
  all.chdir = "/srv/\x01\x1f";
  all.pythonpath = {"a", "b"};
  all.python = "/usr/bin/python3.13";
  all.bind = {"0.0.0.0:80", "[::1]:81", "unix:/run/a.sock", "fd://3"};
  all.backlog = 100;
  all.workers = 3;
  all.worker_class = WorkerClass::kGthread;
  all.threads = 7;
  all.worker_connections = 5;
  all.limit_concurrency = 11;
  all.keepalive_ms = 2001;
  all.header_timeout_ms = 1;
  all.body_timeout_ms = 500;
  all.write_timeout_ms = 10'050;
  all.min_transfer_rate_bytes = 1;
  all.graceful_timeout_ms = 0;
  all.worker_boot_timeout_ms = 1500;
  all.limit_request_line_bytes = 1;
  all.limit_request_fields = 2;
  all.limit_request_field_bytes = 3;
  all.limit_request_head_bytes = 1 << 20;
  all.limit_request_body_bytes = 0;
  all.header_map = HeaderMap::kRefuse;
  all.request_buffering = false;
  all.request_buffer_memory_bytes = 1000;
  all.response_buffer_memory_bytes = 2000;
  all.response_buffer_max_bytes = 3000;
  all.spool_max_bytes = 4000;
  all.tmp_upload_dir = "/var/tmp";
  all.loop = Loop::kUvloop;
  all.lifespan = Lifespan::kOff;
  all.asgi_disconnect_grace_period_ms = 5000;
  all.reset_contextvars = true;
  all.root_path = "/api";
  all.root_path_in_target = true;
  all.sendfile = false;
  all.server_header = false;
  all.date_header = false;
  all.header = {"X-A: 1, 2", "X-B: \"q\""};
  all.accesslog = "-";
  all.access_log_format = "%(h)s \"%(r)s\"\t";
  all.access_log_json = true;
  all.errorlog = "/var/log/e";
  all.loglevel = LogLevel::kCritical;
  Result<Settings> back = from_json(to_json(all));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, all);
}

TEST(SettingsJson, IsOneLine) {
  Settings settings;
  settings.app = "a\nb";
  EXPECT_EQ(to_json(settings).find('\n'), std::string::npos);
}

TEST(SettingsJson, WhatIsAbsentKeepsItsDefault) {
  const Result<Settings> settings = from_json(R"({"workers":"3"})");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings.value().workers, 3u);
  EXPECT_EQ(settings.value().backlog, Settings{}.backlog);
}

TEST(SettingsJson, RefusesWhatItCannotRead) {
  const auto refused = [](std::string_view json) {
    const Result<Settings> settings = from_json(json);
    return settings ? "(accepted)" : settings.error().message;
  };
  EXPECT_EQ(refused("[]"), "the settings must be one JSON object");
  EXPECT_EQ(refused(R"({"nonsense":1})"), "unknown setting nonsense");
  EXPECT_EQ(refused(R"({"workers":0})"), "workers: allowed: a whole number from 1 to 1024");
  EXPECT_EQ(refused(R"({"workers":{}})"),
            "key workers: allowed: a text, a number, true or false, or a list of them");
  EXPECT_TRUE(refused("{").starts_with("no valid JSON: "));
  EXPECT_TRUE(refused("").starts_with("no valid JSON: "));
}

}  // namespace
}  // namespace cppcorn::config
