#include "src/config/command_line.h"

#include "tests/unit/src/config/resolving.h"

namespace cppcorn::config {
namespace {

using Texts = std::vector<std::string>;

TEST(CommandLine, EveryWayToGiveAValue) {
  const std::vector<Texts> kWays = {{"-w", "3"},     {"-w3"},
                                    {"-w=3"},        {"--workers", "3"},
                                    {"--workers=3"}, {"--workers", "1", "-w", "3"}};
  for (const Texts& way : kWays) {
    EXPECT_EQ(settings_of(way).workers, 3u) << way.front();
    Texts before_app = way;
    before_app.emplace_back("main:app");
    const Settings settings = resolved({before_app}).settings;
    EXPECT_EQ(settings.workers, 3u) << way.front();
    EXPECT_EQ(settings.app, "main:app");
  }
}

TEST(CommandLine, ValuesThatLookOdd) {
  EXPECT_EQ(settings_of({"--access-logfile", "-"}).accesslog, "-");
  EXPECT_EQ(settings_of({"-b", "[::1]"}).bind, Texts{"[::1]:8000"});
  EXPECT_EQ(settings_of({"--access-logformat", "-"}).access_log_format, "-");
  EXPECT_EQ(settings_of({"--access-logformat", "\"a b\" [c,d]"}).access_log_format,
            "\"a b\" [c,d]");
  EXPECT_EQ(settings_of({"--root-path="}).root_path, "");
  EXPECT_EQ(settings_of({"--header", "X-A: 1=2"}).header, Texts{"X-A: 1=2"});
  EXPECT_EQ(settings_of({"--header=X-A: [1,2]"}).header, Texts{"X-A: [1,2]"});
}

TEST(CommandLine, FlagsHaveANegativeAndTakeATruth) {
  EXPECT_FALSE(settings_of({"--no-sendfile"}).sendfile);
  EXPECT_TRUE(settings_of({"--no-sendfile", "--sendfile"}).sendfile);
  EXPECT_FALSE(settings_of({"--sendfile=off"}).sendfile);
  EXPECT_TRUE(settings_of({"--no-sendfile=false"}).sendfile);
  EXPECT_TRUE(settings_of({"--factory"}).factory);
  EXPECT_FALSE(settings_of({"--factory", "--no-factory"}).factory);
  EXPECT_EQ(error_of_options({"--sendfile=maybe"}),
            "option --sendfile: 'maybe' is not valid; allowed: true or false");
  EXPECT_EQ(error_of_options({"--no-sendfile=maybe"}),
            "option --no-sendfile: 'maybe' is not valid; allowed: true or false");
}

TEST(CommandLine, ASwitchTakesOnAndOffAndLeavesTheApp) {
  EXPECT_FALSE(settings_of({"--request-buffering", "off"}).request_buffering);
  EXPECT_TRUE(settings_of({"--request-buffering", "on"}).request_buffering);
  EXPECT_FALSE(settings_of({"--request-buffering=off"}).request_buffering);
  EXPECT_FALSE(settings_of({"--no-request-buffering"}).request_buffering);
  EXPECT_EQ(resolved({{"--request-buffering", "main:app"}}).settings.app, "main:app");
  EXPECT_EQ(error_of_options({"--request-buffering=sometimes"}),
            "option --request-buffering: 'sometimes' is not valid; allowed: on or off");
}

TEST(CommandLine, ASettingsNameIsAnOptionToo) {
  EXPECT_EQ(settings_of({"--accesslog", "-"}).accesslog, "-");
  EXPECT_EQ(settings_of({"--loglevel=debug"}).loglevel, LogLevel::kDebug);
  EXPECT_EQ(settings_of({"--keepalive", "3"}).keepalive_ms, 3000u);
  EXPECT_EQ(resolved({{"--wsgi-app", "main:app"}}).settings.app, "main:app");
}

TEST(CommandLine, UnambiguousBeginningsAreCompleted) {
  const ParseOutcome outcome = resolved({{"--worker-cl", "asgi", "--bin=:1", "main:app"}});
  EXPECT_EQ(outcome.settings.worker_class, WorkerClass::kAsgi);
  EXPECT_EQ(outcome.settings.bind, Texts{"0.0.0.0:1"});
  EXPECT_EQ(outcome.notices, (Texts{"option --worker-cl is read as --worker-class",
                                    "option --bin is read as --bind"}));
  EXPECT_EQ(resolved({{"--vers"}}).action, ParseOutcome::Action::kPrint);
}

TEST(CommandLine, UnknownOptionsNameTheClosest) {
  struct Case {
    const char* option;
    const char* answer;
  };
  constexpr Case kCases[] = {
      {"--worker=3", "unknown option --worker; did you mean --workers?"},
      {"--wrokers", "unknown option --wrokers; did you mean --workers?"},
      {"--bindd", "unknown option --bindd; did you mean --bind?"},
      {"--timeout-keepalive",
       "unknown option --timeout-keepalive; did you mean --timeout-keep-alive?"},
      {"--limit-request-boddy",
       "unknown option --limit-request-boddy; did you mean --limit-request-body?"},
      {"--work", "unknown option --work; did you mean --workers?"},
      {"--xyzzy", "unknown option --xyzzy; --help lists the options"},
      {"--Workers", "unknown option --Workers; did you mean --workers?"},
      {"-z", "unknown option -z; --help lists the options"},
      {"--xy\nzzy", "unknown option --xy\\x0azzy; --help lists the options"},
      {"--", "(accepted)"},
  };
  for (const Case& each : kCases) EXPECT_EQ(error_of_options({each.option}), each.answer);
}

TEST(CommandLine, MissingValues) {
  EXPECT_EQ(error_of_options({"--bind"}), "option --bind needs a value");
  EXPECT_EQ(error_of_options({"-b"}), "option -b needs a value");
  EXPECT_EQ(error_of_options({"--bind", "--workers", "3"}),
            "option --bind needs a value, and --workers is an option");
  EXPECT_EQ(error_of_options({"--bind", "-w", "3"}),
            "option --bind needs a value, and -w is an option");
  EXPECT_EQ(error_of_options({"--workers="}),
            "option --workers: '' is not valid; allowed: a whole number from 1 to 1024");
}

TEST(CommandLine, OneAppOnly) {
  EXPECT_EQ(error_of({{"main:app", "other:app"}}),
            "one APP is enough: 'main:app' is there, and then 'other:app'");
  EXPECT_EQ(resolved({{"--", "main:app"}}).settings.app, "main:app");
  EXPECT_EQ(error_of({{}}), "no application: give MODULE:ATTRIBUTE, for example main:app");
}

TEST(CommandLine, TextsAreUtf8) {
  EXPECT_EQ(error_of_options({"--chdir", "/\xff"}),
            "option --chdir: '/\\xff' is not valid; it is not UTF-8");
  EXPECT_EQ(settings_of({"--chdir", "/ü"}).chdir, "/ü");
}

}  // namespace
}  // namespace cppcorn::config
