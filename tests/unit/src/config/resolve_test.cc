#include "src/config/resolve.h"

#include <fmt/format.h>

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
            "environment variable PORT: 'x' is not valid; the port is a number from 0 to 65535");
}

TEST(Resolve, FileKeysAreNamesAndFlagsInEitherSpelling) {
  const auto settings = [](std::string json) {
    return resolved({{"m:a", "-c", "x.toml"}, {}, std::move(json)}).settings;
  };
  EXPECT_EQ(settings(R"({"timeout-keep-alive": 2.5})").keepalive_ms, 2500u);
  EXPECT_EQ(settings(R"({"timeout_keep_alive": "3"})").keepalive_ms, 3000u);
  EXPECT_EQ(settings(R"({"limit_request_field_size": 5})").limit_request_field_bytes, 5u);
  EXPECT_EQ(settings(R"({"port": 81, "host": "::1"})").bind, Texts{"[::1]:81"});
  EXPECT_EQ(settings(R"({"bind": ":1,:2"})").bind, (Texts{"0.0.0.0:1", "0.0.0.0:2"}));
  EXPECT_FALSE(settings(R"({"sendfile": false})").sendfile);
  EXPECT_FALSE(settings(R"({"no_sendfile": true})").sendfile);
  EXPECT_EQ(settings(R"({"accesslog": "-", "workers": null})").accesslog, "-");
  EXPECT_EQ(resolved({{"-c", "x.toml"}, {}, R"({"wsgi_app": "a:b"})"}).settings.app, "a:b");
  EXPECT_EQ(resolved({{"c:d", "-c", "x.toml"}, {}, R"({"wsgi_app": "a:b"})"}).settings.app, "c:d");
}

TEST(Resolve, FilesThatCannotBeUsed) {
  const auto error = [](std::string path, std::string json = "{}") {
    return error_of({{"m:a", "--config", std::move(path)}, {}, std::move(json)});
  };
  EXPECT_EQ(error("gunicorn.conf.py"),
            "option --config: 'gunicorn.conf.py' is not available in this release: Python "
            "configuration files come with a later one; use .toml or .json");
  EXPECT_EQ(error("python:conf"),
            "option --config: 'python:conf' is not available in this release: Python "
            "configuration files come with a later one; use .toml or .json");
  EXPECT_EQ(error("conf.ini"),
            "option --config: 'conf.ini' is not valid; allowed: a .toml or .json file");
  EXPECT_EQ(error("a.json", "[]"), "a.json: the settings must be one JSON object");
  EXPECT_EQ(error("a.json", R"({"wrokers": 1})"),
            "a.json: unknown key wrokers; did you mean workers?");
  EXPECT_EQ(error("a.json", R"({"xyzzy": 1})"), "a.json: unknown key xyzzy");
  EXPECT_EQ(error("a.json", R"({"two\nlines": 1})"), "a.json: unknown key two\\x0alines");
  EXPECT_EQ(error("a.json", R"({"config": "b.json"})"), "a.json: unknown key config");
  EXPECT_EQ(error("a.json", R"({"workers": "many"})"),
            "a.json, key workers: 'many' is not valid; allowed: a whole number from 1 to 1024");
  EXPECT_EQ(error("a.json", R"({"workers": 1.5})"),
            "a.json, key workers: '1.5' is not valid; allowed: a whole number from 1 to 1024");
  EXPECT_EQ(error("a.json", R"({"certfile": "x"})"),
            "a.json, key certfile is not available in this release: TLS comes with a later one; "
            "until then put a proxy in front");
  EXPECT_EQ(error("a.json", R"({"workers": [1, 2]})"),
            "a.json, key workers: a list is not valid; allowed: a whole number from 1 to 1024");
  EXPECT_EQ(error("a.json", R"({"errorlog": []})"),
            "a.json, key errorlog: a list is not valid; allowed: a text");
  EXPECT_EQ(error("a.json", R"({"bind": []})"), "(accepted)");
}

TEST(Resolve, TheLoaderGetsThePathAndTheInterpreter) {
  const auto loaded = [](Texts arguments, Texts environment) {
    Inputs inputs;
    inputs.arguments = std::move(arguments);
    inputs.environment = std::move(environment);
    std::string said;
    inputs.load_config = [&said](const std::string& path, const std::string& python) {
      said = path + " " + python;
      return Result<std::string>(Error{"no such file"});
    };
    const Result<ParseOutcome> outcome = resolve(inputs);
    EXPECT_FALSE(outcome);
    return said + ": " + outcome.error().message;
  };
  EXPECT_EQ(loaded({"m:a", "-c", "x.toml"}, {}), "x.toml : x.toml: no such file");
  EXPECT_EQ(loaded({"m:a", "-c", "file:x.toml", "--python", "p2"}, {"CPPCORN_PYTHON=p1"}),
            "x.toml p2: x.toml: no such file");
  EXPECT_EQ(loaded({"m:a"}, {"CPPCORN_CONFIG=y.toml", "CPPCORN_PYTHON=p1"}),
            "y.toml p1: y.toml: no such file");
}

TEST(Resolve, VariablesThatAreNotReadAreNoted) {
  const auto notices = [](std::string variable) {
    return resolved({{"m:a"}, {std::move(variable)}}).notices;
  };
  EXPECT_EQ(
      notices("CPPCORN_WROKERS=3"),
      Texts{"environment variable CPPCORN_WROKERS is unknown; did you mean CPPCORN_WORKERS?"});
  EXPECT_EQ(notices("CPPCORN_XYZZY=3"), Texts{"environment variable CPPCORN_XYZZY is unknown"});
  const std::pair<const char*, const char*> kForeign[] = {
      {"GUNICORN_CMD_ARGS", "give its options on the command line"},
      {"FORWARDED_ALLOW_IPS", "forwarded headers come with a later release"},
      {"SCRIPT_NAME", "use --root-path"},
      {"UVICORN_PORT", "use an option, or CPPCORN_ and a setting's name"},
      {"GRANIAN_WORKERS", "use an option, or CPPCORN_ and a setting's name"}};
  for (const auto& [name, advice] : kForeign) {
    EXPECT_EQ(notices(std::string(name) + "=x"),
              Texts{fmt::format("environment variable {} is not read: {}", name, advice)});
    EXPECT_EQ(notices(std::string(name) + "="), Texts{});
  }
  EXPECT_EQ(notices("CPPCORN_WORKERS="), Texts{});
  EXPECT_EQ(notices("PATH=/bin"), Texts{});
  EXPECT_EQ(error_of({{"m:a"}, {"CPPCORN_WORKERS=x"}}),
            "environment variable CPPCORN_WORKERS: 'x' is not valid; allowed: a whole number from "
            "1 to 1024");
  EXPECT_EQ(error_of({{"m:a"}, {"CPPCORN_RELOAD=1"}}),
            "environment variable CPPCORN_RELOAD is not available in this release: reloading on "
            "changes comes with a later one");
  EXPECT_EQ(error_of({{"m:a"}, {"CPPCORN_RELOAD=0"}}), "(accepted)");
  EXPECT_EQ(error_of({{"m:a"}, {"WEB_CONCURRENCY=x"}}),
            "environment variable WEB_CONCURRENCY: 'x' is not valid; allowed: a whole number from "
            "1 to 1024");
}

TEST(Resolve, AGunicornConfigurationThatIsThereIsNoted) {
  Inputs inputs;
  inputs.arguments = {"m:a"};
  inputs.file_exists = [](const std::string& path) { return path == "gunicorn.conf.py"; };
  const Result<ParseOutcome> outcome = resolve(inputs);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome.value().notices,
            Texts{"gunicorn.conf.py is not read: Python configuration files come with a later "
                  "release"});
}

TEST(Resolve, OwnHeadersReplaceTheServers) {
  const Settings settings = settings_of({"--header", "server: me", "--header", "X-A: 1"});
  EXPECT_FALSE(settings.server_header);
  EXPECT_TRUE(settings.date_header);
  EXPECT_FALSE(settings_of({"--header", "Date: today"}).date_header);
  const ParseOutcome outcome =
      resolved({{"m:a", "--server-header"}, {"CPPCORN_HEADER=Server: me"}});
  EXPECT_FALSE(outcome.settings.server_header);
  EXPECT_EQ(outcome.origin_of("server_header").text, "environment variable CPPCORN_HEADER");
  EXPECT_EQ(outcome.origin_of("date_header").text, "default");
}

// Each socket gets a port of its own.
TEST(Resolve, AnyPortMayBeThereTwice) {
  EXPECT_EQ(settings_of({"-b", "127.0.0.1:0", "-b", "127.0.0.1:0"}).bind,
            (Texts{"127.0.0.1:0", "127.0.0.1:0"}));
  EXPECT_EQ(settings_of({"-b", "[::1]:0,[::1]:0"}).bind, (Texts{"[::1]:0", "[::1]:0"}));
}

TEST(Resolve, PrintsAndEnds) {
  const ParseOutcome version = resolved({{"--version"}});
  EXPECT_EQ(version.action, ParseOutcome::Action::kPrint);
  EXPECT_EQ(version.out, "cppcorn 1.2.3\n");
  EXPECT_EQ(resolved({{"-v"}}).out, version.out);
  EXPECT_EQ(resolved({{"m:a", "--check-config"}}).action, ParseOutcome::Action::kCheck);
  const ParseOutcome both = resolved({{"m:a", "--check-config", "--print-config"}});
  EXPECT_EQ(both.action, ParseOutcome::Action::kCheck);
  EXPECT_TRUE(both.out.starts_with("wsgi_app = m:a"));
  EXPECT_EQ(resolved({{"--print-config"}}).action, ParseOutcome::Action::kPrint);
  EXPECT_EQ(error_of({{"--print-config", "--check-config"}}),
            "no application: give MODULE:ATTRIBUTE, for example main:app");
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
