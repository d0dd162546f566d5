#include "src/config/settings_text.h"

#include <fstream>
#include <sstream>

#include "src/config/options.h"
#include "src/config/settings_table.h"
#include "tests/unit/src/config/resolving.h"

namespace cppcorn::config {
namespace {

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(SettingsText, HelpHasEveryOptionInItsGroup) {
  const std::string help = help_text();
  EXPECT_TRUE(help.starts_with("usage: cppcorn [OPTIONS] APP\n\n"));
  size_t place = 0;
  for (const Setting& setting : settings_table()) {
    if (*setting.flags == '\0') continue;
    const size_t title = help.find("\n" + std::string(group_title(setting.group)) + ":\n");
    ASSERT_NE(title, help.npos);
    const bool on_by_default =
        setting.type == Type::kFlag && value_text(Settings{}, setting) == "true";
    std::string_view flags = setting.flags;
    const std::string flag = on_by_default
                                 ? "--[no-]" + std::string(primary_flag(setting).substr(2))
                                 : std::string(flags.substr(0, flags.find(' ')));
    size_t entry = std::max(title, place);
    do {
      entry = help.find("\n  " + flag, entry + 1);
      ASSERT_NE(entry, help.npos) << flag;
    } while (std::isalpha(help[entry + 3 + flag.size()]) != 0);
    EXPECT_GT(entry, place) << flag;
    place = entry;
  }
  EXPECT_FALSE(contains(help, "--print-settings-doc"));
}

TEST(SettingsText, HelpEntriesLookSo) {
  const std::string help = help_text();
  EXPECT_TRUE(
      contains(help,
               "\nGeneral:\n"
               "  -c, --config FILE         Read settings from this .toml or .json file\n"));
  EXPECT_TRUE(contains(
      help,
      "\n  -w, --workers N           Worker processes. $WEB_CONCURRENCY changes the default "
      "[1]\n"));
  EXPECT_TRUE(
      contains(help,
               "\n  --graceful-timeout, --timeout-graceful-shutdown, --workers-kill-timeout "
               "SECONDS\n"
               "                            How long a worker that was told to stop may "
               "finish its requests [30]\n"));
  EXPECT_TRUE(contains(help, "\n  --port VALUE              the port of --bind\n"));
  EXPECT_TRUE(
      contains(help, "\n  --[no-]date-header        Add a Date header to responses [true]\n"));
  for (const std::string& line : lines_of(help)) {
    EXPECT_LE(line.size(), 100u) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
}

TEST(SettingsText, PrintConfigSaysWhereValuesComeFrom) {
  const ParseOutcome outcome =
      resolved({{"--print-config", "-w", "2", "-c", "x.json"}, {"PORT=5000"}, R"({"backlog": 5})"});
  EXPECT_EQ(outcome.action, ParseOutcome::Action::kPrint);
  const std::vector<std::string> lines = lines_of(outcome.out);
  EXPECT_EQ(lines.size(), settings_table().size());
  const auto has = [&](const char* line) {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  };
  EXPECT_TRUE(has("workers = 2  # option -w")) << outcome.out;
  EXPECT_TRUE(has("backlog = 5  # x.json, key backlog"));
  EXPECT_TRUE(has("bind = 0.0.0.0:5000  # environment variable PORT"));
  EXPECT_TRUE(has("keepalive = 2  # default"));
  EXPECT_TRUE(has("limit_request_body = none  # default: 1g for WSGI, no limit for ASGI"));
  EXPECT_TRUE(has("tmp_upload_dir =   # default: $TMPDIR, or /tmp"));
  EXPECT_TRUE(has("factory = false  # default"));
}

TEST(SettingsText, ChangedSettingsAreOneLine) {
  EXPECT_EQ(changed_settings_text(resolved({{"m:a", "--print-config"}})),
            "wsgi_app = m:a (argument APP)");
  EXPECT_EQ(changed_settings_text(resolved({{"m:a", "-w", "2"}, {"CPPCORN_KEEPALIVE=2"}})),
            "wsgi_app = m:a (argument APP); workers = 2 (option -w)");
}

TEST(SettingsText, TheCommittedDocumentIsFresh) {
  std::ifstream file(CPPCORN_SOURCE_ROOT "/docs/settings.md");
  ASSERT_TRUE(file) << "docs/settings.md is missing";
  std::stringstream committed;
  committed << file.rdbuf();
  EXPECT_TRUE(committed.str() == settings_document())
      << "docs/settings.md is stale: cppcorn --print-settings-doc > docs/settings.md";
  EXPECT_EQ(resolved({{"--print-settings-doc"}}).out, settings_document());
}

}  // namespace
}  // namespace cppcorn::config
