#include "src/server/server_options.h"

#include <gtest/gtest.h>

namespace cppcorn::server {
namespace {

struct NoHandler final : RequestHandler {
  void on_request(ExchangeRef) override {}
};
struct PlainCore final : ServerCore {
  using ServerCore::ServerCore;
  void room_changed() noexcept override {}
  void connection_closed(Connection&) noexcept override {}
};

class ServerOptions : public ::testing::Test {
 protected:
  net::EventLoop loop_;
  NoHandler handler_;
  ResponseLines lines_;
  PlainCore core_{loop_, handler_};
  config::Settings settings_;
};

TEST_F(ServerOptions, TakesEveryLimitAndDeadline) {
  settings_.limit_request_line_bytes = 1;
  settings_.limit_request_fields = 2;
  settings_.limit_request_field_bytes = 3;
  settings_.limit_request_head_bytes = 4;
  settings_.header_timeout_ms = 5;
  settings_.body_timeout_ms = 6;
  settings_.write_timeout_ms = 7;
  settings_.keepalive_ms = 8;
  settings_.min_transfer_rate_bytes = 9;
  settings_.worker_connections = 10;
  settings_.limit_concurrency = 11;
  settings_.sendfile = false;
  ASSERT_TRUE(apply_settings(settings_, config::AppKind::kAsgi, lines_, core_));
  EXPECT_EQ(core_.limits.request_line_bytes_max, 1u);
  EXPECT_EQ(core_.limits.fields_max, 2u);
  EXPECT_EQ(core_.limits.field_bytes_max, 3u);
  EXPECT_EQ(core_.limits.head_bytes_max, 4u);
  EXPECT_EQ(core_.deadlines.head_ms, 5u);
  EXPECT_EQ(core_.deadlines.body_ms, 6u);
  EXPECT_EQ(core_.deadlines.write_ms, 7u);
  EXPECT_EQ(core_.deadlines.keep_alive_ms, 8u);
  EXPECT_EQ(core_.bytes_per_second_min, 9u);
  EXPECT_EQ(core_.connections_max, 10u);
  EXPECT_EQ(core_.concurrency_max, 11u);
  EXPECT_FALSE(core_.use_sendfile);
  EXPECT_EQ(core_.access_log, nullptr);
}

TEST_F(ServerOptions, LimitsBodiesByTheKindOfApp) {
  ASSERT_TRUE(apply_settings(settings_, config::AppKind::kAsgi, lines_, core_));
  EXPECT_EQ(core_.limits.body_bytes_max, 0u);
  ASSERT_TRUE(apply_settings(settings_, config::AppKind::kWsgi, lines_, core_));
  EXPECT_EQ(core_.limits.body_bytes_max, uint64_t{1} << 30);
}

TEST_F(ServerOptions, KeepsNoConnectionWithoutKeepAliveTime) {
  settings_.keepalive_ms = 0;
  ASSERT_TRUE(apply_settings(settings_, config::AppKind::kAsgi, lines_, core_));
  EXPECT_FALSE(core_.keep_alive_allowed);
}

TEST_F(ServerOptions, MakesTheLinesOfEveryResponse) {
  settings_.header = {"X-One:1", "X-Two:  a: b "};
  ASSERT_TRUE(apply_settings(settings_, config::AppKind::kAsgi, lines_, core_));
  EXPECT_EQ(core_.response_shared.defaults.server_line, "server: cppcorn\r\n");
  EXPECT_EQ(core_.response_shared.defaults.extra_lines, "X-One: 1\r\nX-Two: a: b\r\n");
  settings_.server_header = false;
  ASSERT_TRUE(apply_settings(settings_, config::AppKind::kAsgi, lines_, core_));
  EXPECT_EQ(core_.response_shared.defaults.server_line, "");
}

TEST_F(ServerOptions, RefusesAnAccessLogFormatThatCannotBeRead) {
  settings_.accesslog = "-";
  settings_.access_log_format = "%(h";
  EXPECT_FALSE(apply_settings(settings_, config::AppKind::kAsgi, lines_, core_));
}

}  // namespace
}  // namespace cppcorn::server
