#include "src/config/resolve.h"

#include "tests/unit/src/config/resolving.h"

namespace cppcorn::config {
namespace {

using Texts = std::vector<std::string>;

TEST(Resolve, WithoutAnythingTheDefaultsHold) {
  Settings expected;
  expected.app = "main:app";
  EXPECT_EQ(settings_of({}), expected);
}

TEST(Resolve, EachSourceIsStrongerThanTheOneBefore) {
  const Texts app = {"main:app"};
  const Texts app_and_file = {"main:app", "-c", "x.json"};
  const std::string file = R"({"workers": 3})";
  EXPECT_EQ(resolved({app}).settings.workers, 1u);
  EXPECT_EQ(resolved({app, {"WEB_CONCURRENCY=2"}}).settings.workers, 2u);
  EXPECT_EQ(resolved({app_and_file, {"WEB_CONCURRENCY=2"}, file}).settings.workers, 3u);
  const Texts variables = {"WEB_CONCURRENCY=2", "CPPCORN_WORKERS=4"};
  EXPECT_EQ(resolved({app_and_file, variables, file}).settings.workers, 4u);
  Texts all = app_and_file;
  all.insert(all.end(), {"-w", "5"});
  const ParseOutcome outcome = resolved({all, variables, file});
  EXPECT_EQ(outcome.settings.workers, 5u);
  EXPECT_EQ(outcome.origin_of("workers").text, "option -w");
  EXPECT_EQ(outcome.origin_of("backlog").text, "default");
  EXPECT_EQ(outcome.config_file, "x.json");
}

TEST(Resolve, ListsOfAStrongerSourceReplaceThoseOfAWeaker) {
  const std::string file = R"({"bind": ["127.0.0.1:1", "127.0.0.1:2"]})";
  EXPECT_EQ(resolved({{"m:a", "-c", "x.json"}, {}, file}).settings.bind,
            (Texts{"127.0.0.1:1", "127.0.0.1:2"}));
  EXPECT_EQ(resolved({{"m:a", "-c", "x.json", "-b", ":3", "-b", ":4"}, {}, file}).settings.bind,
            (Texts{"0.0.0.0:3", "0.0.0.0:4"}));
  EXPECT_EQ(resolved({{"m:a"}, {"CPPCORN_BIND=:5,[::1]:6"}}).settings.bind,
            (Texts{"0.0.0.0:5", "[::1]:6"}));
}

TEST(Resolve, PortVariableChangesTheDefaultOnly) {
  EXPECT_EQ(resolved({{"m:a"}, {"PORT=5000"}}).settings.bind, Texts{"0.0.0.0:5000"});
  EXPECT_EQ(resolved({{"m:a", "-b", ":1"}, {"PORT=5000"}}).settings.bind, Texts{"0.0.0.0:1"});
  EXPECT_EQ(resolved({{"m:a", "--host", "::1"}, {"PORT=5000"}}).settings.bind, Texts{"[::1]:5000"});
  EXPECT_EQ(error_of({{"m:a"}, {"PORT=x"}}),
            "environment variable PORT: ':x' is not valid; the port is a number from 0 to 65535");
}

TEST(Resolve, PrintsAndEnds) {
  const ParseOutcome version = resolved({{"--version"}});
  EXPECT_EQ(version.action, ParseOutcome::Action::kPrint);
  EXPECT_EQ(version.out, "cppcorn 1.2.3\n");
  EXPECT_EQ(resolved({{"-v"}}).out, version.out);
  EXPECT_EQ(resolved({{"m:a", "--check-config"}}).action, ParseOutcome::Action::kCheck);
}

TEST(Resolve, UnknownAndWrongAreOneLine) {
  EXPECT_EQ(error_of_options({"--wrokers", "3"}),
            "unknown option --wrokers; did you mean --workers?");
  EXPECT_EQ(error_of_options({"-w", "abc"}),
            "option -w: 'abc' is not valid; allowed: a whole number from 1 to 1024");
  EXPECT_EQ(error_of({{}}), "no application: give MODULE:ATTRIBUTE, for example main:app");
}

}  // namespace
}  // namespace cppcorn::config
