// Switching from gunicorn, uvicorn and granian: every option of theirs is known, and does what was
// decided for it.
#include <algorithm>
#include <sstream>

#include "src/config/compat_table.h"
#include "src/config/options.h"
#include "src/config/settings_table.h"
#include "tests/unit/src/config/resolving.h"
#include "tests/unit/src/config/rivals_options.h"

namespace cppcorn::config {
namespace {

using Texts = std::vector<std::string>;

Texts words_of(const char* text) {
  std::istringstream stream(text);
  return Texts(std::istream_iterator<std::string>(stream), {});
}

TEST(Compat, EveryOptionOfTheOthersIsKnown) {
  const auto expect_known = [](const char* flags, const char* server) {
    for (const std::string& flag : words_of(flags))
      EXPECT_NE(find_flag(flag), nullptr) << server << ' ' << flag;
  };
  expect_known(kGunicornFlags, "gunicorn");
  expect_known(kUvicornFlags, "uvicorn");
  expect_known(kGranianFlags, "granian");
}

TEST(Compat, EveryGunicornSettingIsAKnownKey) {
  for (const std::string& name : words_of(kGunicornSettings)) {
    // These are about the run and cannot stand in a file here.
    if (name == "config" || name == "check_config" || name == "print_config") continue;
    EXPECT_NE(find_key(name), nullptr) << name;
  }
}

TEST(Compat, RowsAreWhole) {
  for (const Compat& compat : compat_table()) {
    const std::string_view text = compat.text;
    EXPECT_FALSE(text.empty()) << compat.flags;
    EXPECT_NE(text.back(), '.') << compat.flags;
    EXPECT_EQ(compat.translate != nullptr, compat.verdict == Verdict::kMapped) << compat.flags;
  }
}

// One spelling of another server and what it must come to, written in our own options.
struct Same {
  Texts theirs;
  Texts ours;
};

const Same kSame[] = {
    // gunicorn
    {{"-b", ":1"}, {"--bind", "0.0.0.0:1"}},
    {{"-w", "2"}, {"--workers", "2"}},
    {{"-k", "uvicorn.workers.UvicornWorker"}, {"--worker-class", "asgi"}},
    {{"-k", "uvicorn.workers.UvicornH11Worker"}, {"--worker-class", "asgi"}},
    {{"-k", "uvicorn_worker.UvicornWorker"}, {"--worker-class", "asgi"}},
    {{"-k", "uvicorn_worker.UvicornH11Worker"}, {"--worker-class", "asgi"}},
    {{"-k", "gunicorn.workers.gthread.ThreadWorker"}, {"--worker-class", "gthread"}},
    {{"-k", "egg:gunicorn#sync"}, {"--worker-class", "sync"}},
    {{"-k", "sync", "--threads", "4"}, {"-k", "gthread", "--threads", "4"}},
    {{"--keep-alive", "5"}, {"--keepalive", "5"}},
    {{"--limit-request-field_size", "9"}, {"--limit-request-field-size", "9"}},
    {{"--access-logformat", "%(h)s"}, {"--access-log-format", "%(h)s"}},
    {{"--log-file", "x"}, {"--error-logfile", "x"}},
    {{"--asgi-loop", "uvloop"}, {"--loop", "uvloop"}},
    {{"--asgi-lifespan", "off"}, {"--lifespan", "off"}},
    {{"--no-control-socket"}, {}},
    {{"--timeout", "120"}, {"--worker-boot-timeout", "120"}},
    {{"-t", "0"}, {"--worker-boot-timeout", "0"}},
    {{"--access-logfile", "/dev/stdout"}, {"--access-logfile", "-"}},
    {{"--error-logfile", "/dev/stderr"}, {"--error-logfile", "-"}},
    // uvicorn
    {{"--host", "0.0.0.0", "--port", "80"}, {"-b", "0.0.0.0:80"}},
    {{"--port", "0"}, {"-b", "127.0.0.1:0"}},
    {{"--host", "::"}, {"-b", "[::]:8000"}},
    {{"--host", "[::1]", "--port", "1"}, {"-b", "[::1]:1"}},
    {{"--host", ""}, {"-b", "0.0.0.0:8000"}},
    {{"--uds", "/run/a.sock"}, {"-b", "unix:/run/a.sock"}},
    {{"--fd", "3"}, {"-b", "fd://3"}},
    {{"--interface", "asgi3"}, {"-k", "asgi"}},
    {{"--interface", "wsgi"}, {"-k", "gthread"}},
    {{"--interface", "auto", "-k", "asgi"}, {"-k", "asgi"}},
    {{"--access-log"}, {"--access-logfile", "-"}},
    {{"--no-access-log"}, {}},
    {{"--access-log", "--no-access-log"}, {}},
    {{"--no-access-log", "--access-log"}, {"--access-logfile", "-"}},
    {{"--access-logfile", "x", "--access-log"}, {"--access-logfile", "x"}},
    {{"--access-log", "--access-logfile", "x"}, {"--access-logfile", "x"}},
    {{"--access-log=x"}, {"--access-logfile", "x"}},
    {{"--timeout-keep-alive", "5"}, {"--keepalive", "5"}},
    {{"--timeout-graceful-shutdown", "9"}, {"--graceful-timeout", "9"}},
    {{"--no-server-header", "--no-date-header"}, {"--no-server-header", "--no-date-header"}},
    {{"--http", "h11"}, {}},
    {{"--http", "auto"}, {}},
    {{"--ws", "none"}, {}},
    {{"--ws", "auto"}, {}},
    {{"--no-proxy-headers"}, {}},
    {{"--no-use-colors"}, {}},
    // granian
    {{"--interface", "asgi"}, {"-k", "asgi"}},
    {{"--interface", "asginl"}, {"-k", "asgi", "--lifespan", "off"}},
    {{"--blocking-threads", "4"}, {"--threads", "4"}},
    {{"--http", "1"}, {}},
    {{"--no-ws"}, {}},
    {{"--http1-header-read-timeout", "1500"}, {"--header-timeout", "1.5"}},
    {{"--http1-keep-alive"}, {}},
    {{"--no-http1-keep-alive"}, {"--keepalive", "0"}},
    {{"--workers-kill-timeout", "9"}, {"--graceful-timeout", "9"}},
    {{"--working-dir", "/"}, {"--chdir", "/"}},
    {{"--url-path-prefix", "/api"}, {"--root-path", "/api", "--root-path-in-target"}},
    {{"--log"}, {}},
    {{"--no-log"}, {"--log-level", "critical"}},
    {{"--respawn-failed-workers", "--respawn-interval", "1"}, {}},
    {{"--access-log-fmt",
      "[%(time)s] %(addr)s - \"%(method)s %(path)s %(protocol)s\" %(status)d "
      "%(dt_ms).3f %(query_string)s %(scheme)s %(header{X-A})s 100%%"},
     {"--access-logformat",
      "%(t)s %(h)s - \"%(m)s %(U)s %(H)s\" %(s)s %(M)s %(q)s "
      "%({wsgi.url_scheme}e)s %({X-A}i)s 100%%"}},
    {{"--access-log-fmt", "at %(time)s"}, {"--access-logformat", "at %(t)s"}},
};

TEST(Compat, SpellingsOfTheOthersMeanTheSame) {
  for (const Same& each : kSame) {
    EXPECT_EQ(settings_of(each.theirs), settings_of(each.ours)) << each.theirs.front();
  }
}

struct Refused {
  Texts options;
  const char* answer;
};

const Refused kRefused[] = {
    {{"-k", "gevent"},
     "option -k: 'gevent' is not valid; it patches the standard library, which changes what the "
     "app does; use gthread with --threads, or asgi"},
    {{"-k", "eventlet"},
     "option -k: 'eventlet' is not valid; it patches the standard library, which changes what the "
     "app does; use gthread with --threads, or asgi"},
    {{"--worker-class", "tornado"},
     "option --worker-class: 'tornado' is not valid; Tornado apps bring their own server; use "
     "asgi, or gthread for WSGI apps"},
    {{"-k", "meinheld.gmeinheld.MeinheldWorker"},
     "option -k: 'meinheld.gmeinheld.MeinheldWorker' is not valid; use sync or gthread, which do "
     "the same in C++"},
    {{"--interface", "rsgi"},
     "option --interface: 'rsgi' is not valid; RSGI is granian's own; name the app's ASGI or WSGI "
     "callable"},
    {{"--http", "2"},
     "option --http: '2' is not valid; HTTP/2 comes with a later release; allowed: auto, 1"},
    {{"--ws", "websockets"},
     "option --ws: 'websockets' is not valid; WebSocket comes with a later release; allowed: auto, "
     "none"},
    {{"--http1-header-read-timeout", "0"},
     "option --http1-header-read-timeout: '0' is not valid; allowed: milliseconds, 1 or more"},
    {{"--access-log-fmt", "%(nonsense)s"},
     "option --access-log-fmt: '%(nonsense)s' is not valid; there is no atom nonsense"},
    {{"--access-log-fmt", "%(addr"},
     "option --access-log-fmt: '%(addr' is not valid; an atom lacks its closing parenthesis"},
    {{"--reload"},
     "option --reload is not available in this release: reloading on changes comes with a later "
     "one"},
    {{"-p", "8000"},
     "option -p is not available in this release: pid files come with a later one (--port names "
     "the port)"},
    {{"-t", "soon"}, "option -t: 'soon' is not valid; allowed: seconds from 0 to 86400"},
    {{"-m", "022"},
     "option -m is not available in this release: set it where cppcorn is started (umask, UMask= "
     "in systemd); a later one has it"},
    {{"--certfile", "x.pem"},
     "option --certfile is not available in this release: TLS comes with a later one; until then "
     "put a proxy in front"},
    {{"--paste", "x.ini"},
     "option --paste is not supported: name a module whose attribute is paste.deploy.loadapp(...)"},
    {{"--strip-header-spaces"},
     "option --strip-header-spaces is not supported: such a request is always answered 400"},
    {{"-b", ":1", "--port", "1"},
     "option -b and option --port exclude each other; -b takes several addresses"},
    {{"--uds", "/a", "--port", "1"},
     "option --port and option --uds exclude each other; -b takes several addresses"},
    {{"--uds", "/a", "--fd", "1"},
     "option --uds and option --fd exclude each other; -b takes several addresses"},
    {{"--port", "http"},
     "option --port: 'http' is not valid; the port is a number from 0 to 65535"},
    {{"--host", "a b"}, "option --host: 'a b' is not valid; allowed: a host name or an IP address"},
    {{"--uds", ""}, "option --uds: '' is not valid; a path must follow unix:"},
    {{"--fd", "x"}, "option --fd: 'x' is not valid; the number of a descriptor must follow fd://"},
    {{"-b", "nonsense:port"},
     "option -b: 'nonsense:port' is not valid; the port is a number from 0 to 65535"},
    {{"-b", ":1", "-b", "0.0.0.0:1"}, "the address 0.0.0.0:1 is there twice"},
    {{"-b", "fd://3", "-b", "fd://3"}, "the address fd://3 is there twice"},
};

TEST(Compat, RefusalsAreOneLineThatSaysWhy) {
  for (const Refused& each : kRefused) EXPECT_EQ(error_of_options(each.options), each.answer);
}

// Half of what gunicorn's option does is there: that is said, unless it asks for nothing.
TEST(Compat, TimeoutSaysWhatItDoesNot) {
  EXPECT_EQ(resolved({{"m:a", "-t", "120"}}).notices,
            Texts{"option -t: in this release it limits how long a worker may take to start; one "
                  "that hangs later is not killed"});
  EXPECT_EQ(resolved({{"m:a", "--timeout=0"}}).notices, Texts{});
}

// Nothing that has no effect is accepted in silence: each row of the table, by its first flag.
TEST(Compat, EachVerdictShows) {
  for (const Option& option : all_options()) {
    if (option.compat == nullptr || !option.on_command_line() || option.negated) continue;
    const Verdict verdict = option.compat->verdict;
    if (verdict == Verdict::kMapped) continue;
    Texts words = {"main:app", option.spelling};
    if (option.takes_value) words.emplace_back("5");
    if (verdict == Verdict::kIgnored) {
      EXPECT_EQ(resolved({words}).notices,
                Texts{"option " + option.spelling + " has no effect: " + option.compat->text});
    } else {
      const bool later = verdict == Verdict::kLater;
      EXPECT_EQ(error_of({words}),
                "option " + option.spelling +
                    (later ? " is not available in this release: " : " is not supported: ") +
                    option.compat->text);
    }
  }
}

TEST(Compat, WhatAsksForNothingPassesInSilence) {
  const Texts words = {"main:app",
                       "--max-requests",
                       "0",
                       "--http-protocols",
                       "h1",
                       "--no-reload",
                       "--no-preload",
                       "--proxy-protocol",
                       "off",
                       "--logger-class",
                       "gunicorn.glogging.Logger"};
  EXPECT_EQ(resolved({words}).notices, Texts{});
  const std::string file = R"({"reload": false, "preload_app": false, "max_requests": 0, "syslog":
    false, "statsd_prefix": "", "reload_extra_files": [], "user": null, "cert_reqs": 0})";
  const ParseOutcome outcome = resolved({{"main:app", "-c", "x.json"}, {}, file});
  EXPECT_EQ(outcome.notices, Texts{});
  EXPECT_EQ(outcome.settings, settings_of({}));
}

TEST(Compat, WorkerClassesOfOthersAreNoted) {
  EXPECT_EQ(resolved({{"m:a", "-k", "uvicorn.workers.UvicornWorker"}}).notices,
            Texts{"option -k: worker class uvicorn.workers.UvicornWorker: the asgi worker of "
                  "cppcorn does its work"});
  EXPECT_EQ(resolved({{"m:a", "-k", "sync", "--threads", "2"}}).notices,
            Texts{"worker class sync with 2 threads is gthread"});
}

TEST(Compat, WhatTheChosenWorkersDoNotReadIsNoted) {
  EXPECT_EQ(resolved({{"m:a", "-k", "asgi", "--threads", "4"}}).notices,
            Texts{"option --threads has no effect: only WSGI workers read it"});
  EXPECT_EQ(resolved({{"m:a", "-k", "gthread", "--lifespan", "on"}}).notices,
            Texts{"option --lifespan has no effect: only ASGI workers read it"});
  EXPECT_EQ(resolved({{"m:a", "--threads", "4", "--lifespan", "on"}}).notices, Texts{});
  EXPECT_EQ(resolved({{"m:a", "-k", "asgi", "--threads", "1"}}).notices, Texts{});
}

TEST(Compat, PlacesAndBindsFollowTheirSources) {
  const auto bind = [](Texts arguments, Texts environment) {
    arguments.insert(arguments.begin(), "m:a");
    return resolved({arguments, environment}).settings.bind;
  };
  EXPECT_EQ(bind({"--port", "1"}, {"CPPCORN_HOST=0.0.0.0"}), Texts{"0.0.0.0:1"});
  EXPECT_EQ(bind({"--port", "1"}, {"CPPCORN_BIND=:2"}), Texts{"127.0.0.1:1"});
  EXPECT_EQ(bind({"-b", ":2"}, {"CPPCORN_PORT=1"}), Texts{"0.0.0.0:2"});
  EXPECT_EQ(bind({"--uds", "/s"}, {"CPPCORN_PORT=1", "CPPCORN_HOST=::1"}), Texts{"unix:/s"});
  EXPECT_EQ(bind({}, {"CPPCORN_PORT=1", "PORT=2"}), Texts{"127.0.0.1:1"});
}

}  // namespace
}  // namespace cppcorn::config
