#include "src/config/access_log_format.h"

#include "tests/unit/src/config/resolving.h"

namespace cppcorn::config {
namespace {

// Atoms in angle brackets, text as it is.
std::string shown(std::string_view format) {
  const auto pieces = read_access_log_format(format);
  if (!pieces) return pieces.error().message;
  std::string out;
  for (const AccessLogPiece& piece : *pieces) {
    out += piece.is_atom ? "<" + piece.text + ">" : piece.text;
  }
  return out;
}

TEST(AccessLogFormat, TextAndAtoms) {
  EXPECT_EQ(shown(""), "");
  EXPECT_EQ(shown(R"(%(h)s "%(r)s" %({X-Id}i)s 100%%)"), R"(<h> "<r>" <{X-Id}i> 100%)");
  EXPECT_EQ(shown("%(D)d us"), "<D> us");
  EXPECT_EQ(read_access_log_format("a%%b")->size(), 1u);
}

TEST(AccessLogFormat, WhatCannotBeReadIsQuoted) {
  const char* const kAllowed =
      "' cannot be read; allowed: text with atoms such as %(h)s, and %% for a percent sign";
  const std::pair<const char*, const char*> kCases[] = {
      {"%h", "%h"},
      {"a %(h", "%(h"},
      {"%(h)", "%(h)"},
      {"%()s", "%()s"},
      {"x%", "%"},
      {"%(D).3f %(h)s", "%(D).3f %(h)"},
      {"%(h)x\n", "%(h)x\\x0a"},
  };
  for (const auto& [format, quoted] : kCases) {
    EXPECT_EQ(shown(format), "'" + std::string(quoted) + kAllowed);
  }
  EXPECT_EQ(error_of_options({"--access-logformat", "%(h"}),
            "option --access-logformat: '%(h' is not valid; '%(h" + std::string(kAllowed));
}

TEST(AccessLogFormat, WithoutALogItIsNoted) {
  using Texts = std::vector<std::string>;
  const auto notices = [](Texts arguments) {
    arguments.insert(arguments.begin(), "m:a");
    return resolved({std::move(arguments)}).notices;
  };
  EXPECT_EQ(notices({"--access-logformat", "%(h)s"}),
            Texts{"option --access-logformat has no effect: there is no access log; "
                  "--access-logfile names one"});
  EXPECT_EQ(notices({"--access-log-json"}),
            Texts{"option --access-log-json has no effect: there is no access log; "
                  "--access-logfile names one"});
  EXPECT_EQ(notices({"--access-logformat", "%(h)s", "--access-log-json", "--access-log"}),
            Texts{"option --access-logformat has no effect: the access log is JSON"});
  EXPECT_EQ(notices({"--access-logformat", "%(h)s", "--access-log"}), Texts{});
  EXPECT_EQ(notices({"--no-access-log-json"}), Texts{});
}

}  // namespace
}  // namespace cppcorn::config
