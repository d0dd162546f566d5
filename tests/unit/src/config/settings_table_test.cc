#include "src/config/settings_table.h"

#include <set>

#include "src/config/options.h"
#include "tests/unit/src/config/resolving.h"

namespace cppcorn::config {
namespace {

TEST(SettingsTable, SpellingsAreUnique) {
  std::set<std::string> seen;
  for (const Option& option : all_options()) {
    EXPECT_TRUE(seen.insert(option.spelling).second) << option.spelling;
  }
}

TEST(SettingsTable, RowsAreWhole) {
  for (const Setting& setting : settings_table()) {
    const std::string_view help = setting.help;
    EXPECT_FALSE(help.empty()) << setting.name;
    EXPECT_NE(help.back(), '.') << setting.name;
    EXPECT_LE(setting.rules.min, setting.rules.max) << setting.name;
    EXPECT_EQ(find_setting(setting.name), &setting);
    EXPECT_EQ(find_key(setting.name)->setting, &setting) << setting.name;
    const bool is_list = setting.type == Type::kList;
    EXPECT_EQ(setting.rules.separator != '\0', is_list) << setting.name;
  }
}

TEST(SettingsTable, DefaultsAreAllowed) {
  const Settings defaults;
  for (const Setting& setting : settings_table()) {
    const std::string text = value_text(defaults, setting);
    if (text.empty()) continue;
    Settings settings;
    if (setting.type == Type::kList) settings.bind.clear();
    std::vector<std::string> notices;
    Status status = set_value(settings, setting, text, notices);
    EXPECT_TRUE(status) << setting.name << ": " << status.error().message;
    EXPECT_EQ(settings, defaults) << setting.name;
    EXPECT_TRUE(notices.empty());
  }
}

TEST(SettingsTable, EverySettingHasItsVariable) {
  EXPECT_EQ(environment_name(*find_setting("worker_class")), "CPPCORN_WORKER_CLASS");
  for (const Setting& setting : settings_table()) {
    if (setting.type != Type::kFlag) continue;
    const std::string variable = environment_name(setting) + "=" +
                                 (value_text(Settings{}, setting) == "true" ? "no" : "yes");
    const ParseOutcome outcome = resolved({{"main:app"}, {variable}});
    EXPECT_NE(value_text(outcome.settings, setting), value_text(Settings{}, setting));
    EXPECT_EQ(outcome.origin_of(setting.name).text,
              "environment variable " + environment_name(setting));
  }
}

TEST(SettingsTable, SecondsAreHeldInMilliseconds) {
  struct Case {
    const char* text;
    uint64_t milliseconds;
  };
  constexpr Case kCases[] = {{"2", 2000},     {"0", 0},        {"2.5", 2500}, {"0.25", 250},
                             {".5", 500},     {"1.001", 1001}, {"3.", 3000},  {"86400", 86'400'000},
                             {"1.0000", 1000}};
  for (const Case& each : kCases) {
    EXPECT_EQ(settings_of({"--keep-alive", each.text}).keepalive_ms, each.milliseconds);
  }
  for (const char* text : {"", ".", "-1", "1.0001", "1e3", "2s", "86401", "99999999999999999999"}) {
    EXPECT_EQ(error_of_options({"--keep-alive", text}),
              std::string("option --keep-alive: '") + text +
                  "' is not valid; allowed: seconds from 0 to 86400");
  }
  EXPECT_EQ(seconds_text(2000), "2");
  EXPECT_EQ(seconds_text(2050), "2.05");
  EXPECT_EQ(seconds_text(1), "0.001");
}

TEST(SettingsTable, SizesTakeSuffixes) {
  struct Case {
    const char* text;
    uint64_t bytes;
  };
  constexpr Case kCases[] = {
      {"0", 0}, {"8190", 8190}, {"2k", 2048}, {"3M", 3 << 20}, {"1g", 1 << 30}};
  for (const Case& each : kCases) {
    EXPECT_EQ(settings_of({"--limit-request-body", each.text}).limit_request_body_bytes,
              each.bytes);
  }
  for (const char* text : {"", "k", "1.5m", "-1", "1kb", "18446744073709551615g", "2000000g"}) {
    EXPECT_TRUE(
        error_of_options({"--limit-request-body", text})
            .ends_with("allowed: bytes (k, m, g: KiB, MiB, GiB) from 0 to 1048576g, or none"));
  }
}

TEST(SettingsTable, BodyLimitDependsOnTheKindOfApp) {
  const auto limit = [](std::vector<std::string> options, AppKind kind) {
    return request_body_bytes_max(settings_of(std::move(options)), kind);
  };
  EXPECT_EQ(limit({}, AppKind::kAsgi), 0u);
  EXPECT_EQ(limit({}, AppKind::kWsgi), 1u << 30);
  EXPECT_EQ(limit({"--limit-request-body", "0"}, AppKind::kWsgi), 0u);
  EXPECT_EQ(limit({"--limit-request-body", "none"}, AppKind::kWsgi), 1u << 30);
  EXPECT_EQ(limit({"--limit-request-body", "5"}, AppKind::kAsgi), 5u);
}

TEST(SettingsTable, ChoicesAreInAnyCaseAndNameWhatIsAllowed) {
  EXPECT_EQ(settings_of({"--log-level", "DEBUG"}).loglevel, LogLevel::kDebug);
  EXPECT_EQ(settings_of({"--log-level", "warn"}).loglevel, LogLevel::kWarning);
  EXPECT_EQ(settings_of({"--log-level", "fatal"}).loglevel, LogLevel::kCritical);
  EXPECT_EQ(settings_of({"--log-level", "notset"}).loglevel, LogLevel::kTrace);
  EXPECT_EQ(error_of_options({"--log-level", "loud"}),
            "option --log-level: 'loud' is not valid; allowed: trace, debug, info, warning, error, "
            "critical");
  EXPECT_EQ(error_of_options({"-k", "process"}),
            "option -k: 'process' is not valid; allowed: auto, asgi, gthread, sync");
  EXPECT_EQ(error_of_options({"--loop", "trio"}),
            "option --loop: 'trio' is not valid; allowed: auto, asyncio, uvloop");
  EXPECT_EQ(error_of_options({"--lifespan", "yes"}),
            "option --lifespan: 'yes' is not valid; allowed: auto, on, off");
  EXPECT_EQ(error_of_options({"--header-map", "dangerous"}),
            "option --header-map: 'dangerous' is not valid; a client could forge any header whose "
            "name has a hyphen; allowed: drop, refuse");
}

TEST(SettingsTable, HeadersAreChecked) {
  const std::vector<std::string> given = {"--header", "X-A:1", "--header", "x-b:  two words "};
  EXPECT_EQ(settings_of(given).header, (std::vector<std::string>{"X-A: 1", "x-b: two words"}));
  for (const char* text : {"X-A", ":1", "X A:1", "X-Ä:1"}) {
    EXPECT_TRUE(error_of_options({"--header", text}).ends_with("is not valid; allowed: Name:Value"))
        << text;
  }
  EXPECT_EQ(error_of_options({"--header", "X-A:1\rX-B:2"}),
            "option --header: 'X-A:1\\x0dX-B:2' is not valid; a header value holds no control "
            "characters");
  EXPECT_EQ(error_of_options({"--header", "Content-Length:0"}),
            "option --header: 'Content-Length:0' is not valid; the server sets this header itself");
  EXPECT_EQ(resolved({{"main:app"}, {"CPPCORN_HEADER=X-A: 1, 2\nX-B: 3"}}).settings.header,
            (std::vector<std::string>{"X-A: 1, 2", "X-B: 3"}));
}

TEST(SettingsTable, RootPathsBeginWithASlash) {
  EXPECT_EQ(settings_of({"--root-path", "/api/"}).root_path, "/api");
  EXPECT_EQ(settings_of({"--root-path", "/"}).root_path, "");
  EXPECT_EQ(error_of_options({"--root-path", "api"}),
            "option --root-path: 'api' is not valid; allowed: a path that begins with /");
}

TEST(SettingsTable, GracePeriodMayBeNone) {
  EXPECT_EQ(settings_of({}).asgi_disconnect_grace_period_ms, std::nullopt);
  EXPECT_EQ(settings_of({"--asgi-disconnect-grace-period", "0"}).asgi_disconnect_grace_period_ms,
            0u);
  EXPECT_EQ(settings_of({"--asgi-disconnect-grace-period", "None"}).asgi_disconnect_grace_period_ms,
            std::nullopt);
}

}  // namespace
}  // namespace cppcorn::config
