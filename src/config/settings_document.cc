// docs/settings.md: made here, so that it cannot say anything else than the tables do.
#include <fmt/format.h>

#include "src/config/compat_table.h"
#include "src/config/options.h"
#include "src/config/settings_table.h"
#include "src/config/settings_text.h"

namespace cppcorn::config {
namespace {

constexpr std::string_view kIntroduction =
    R"(<!-- Made by `cppcorn --print-settings-doc > docs/settings.md`; a test compares the two. -->
# Settings

    cppcorn [OPTIONS] APP

`APP` is `MODULE`, `MODULE:ATTRIBUTE`, `MODULE:OBJECT.ATTRIBUTE` or `MODULE:CALL("literal")`.

Each setting can be given, the stronger one last,

1. in a file, `-c FILE`: `FILE.toml` or `FILE.json`, with the names of the first column as keys
   (of `pyproject.toml` the table `[tool.cppcorn]`). Lists are lists, sizes and seconds are
   numbers;
2. in the environment: `CPPCORN_` and the name in capitals, such as `CPPCORN_WORKERS=4`;
   `CPPCORN_CONFIG` is `-c`. An empty variable counts as none. Items of a list are separated by
   commas, those of `header` by new lines;
3. on the command line. A flag has a negative form, `--no-NAME`, and an unambiguous beginning of
   a long option is taken for the option.

A list from a stronger source replaces the one from a weaker. As with gunicorn,
`WEB_CONCURRENCY`, `PORT` and `SENDFILE` change only the defaults (of `workers`, `bind` and
`sendfile`), so that a file is stronger than they are. Sizes are bytes, and take `k`, `m` or `g`
behind them for KiB, MiB and GiB. Times are seconds with at most three decimals.

`--print-config` prints every value with where it comes from. `--check-config` loads the
application, and looks whether logs and temporary files can be written and uvloop is there where it
is asked for; it makes no files and binds nothing. An option that is unknown, or has a value that
is not allowed, ends the start with one line and exit code 2.

The names are gunicorn's wherever gunicorn has the setting. An option of gunicorn, uvicorn or
granian that is missing here is in the tables at the end: it is translated, has no effect, or is
refused with the reason.
)";

constexpr std::string_view kDefaults = R"(
## Defaults worth knowing

Where the name is gunicorn's, so is the default, with these exceptions:

- `worker_connections` is 16384 and not 1000: it holds in both kinds of worker and counts idle
  keep-alive connections, which cost less than 1 KiB each. At the limit the one that has been
  idle longest makes room. It cannot exceed what `ulimit -n` allows.
- `limit_request_line` and `limit_request_field_size` have no upper end at 8190 bytes;
  `limit_request_head_size` bounds the whole.

uvicorn keeps idle connections 5 s (`keepalive` is gunicorn's 2 s), waits for requests without
end when it stops (`graceful_timeout` is 30 s) and writes an access log (off here; `--access-log`
writes one to standard output). The deadlines for heads, bodies and responses exist in neither
server; here they are on.

`asgi_disconnect_grace_period` is `none`, as in uvicorn: a request whose client is gone may finish
its work. gunicorn cancels it after 3 s. A client that has only closed its own direction counts as
gone: nobody can tell the two apart before something is sent.

`root_path` is uvicorn's under ASGI: it is put before `path` too, because Starlette and FastAPI
expect that. Behind a proxy that passes on the full path, add `--root-path-in-target`.
)";

// Text as the cell of a table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '*' || c == '_') out += '\\';
    out += c;
  }
  return out;
}

// Words as code, each by itself.
std::string code_words(std::string_view words) {
  std::string out;
  while (!words.empty()) {
    const size_t end = words.find(' ');
    out += fmt::format("{}`{}`", out.empty() ? "" : " ", words.substr(0, end));
    words.remove_prefix(end == words.npos ? words.size() : end + 1);
  }
  return out;
}

std::string flags_cell(const Setting& setting) {
  if (*setting.flags == '\0') return "`APP`";
  std::string flags = code_words(setting.flags);
  if (setting.type == Type::kFlag || setting.type == Type::kSwitch) {
    flags += fmt::format(" `--no-{}`", primary_flag(setting).substr(2));
  }
  return flags;
}

std::string default_cell(const Setting& setting) {
  if (setting.rules.default_text != nullptr) return cell(setting.rules.default_text);
  const std::string value = value_text(Settings{}, setting);
  return value.empty() ? "" : fmt::format("`{}`", value);
}

std::string meaning_cell(const Setting& setting) {
  std::string meaning = cell(setting.help);
  const bool plain = setting.type == Type::kText || setting.type == Type::kList ||
                     setting.type == Type::kFlag || setting.type == Type::kSwitch;
  if (!plain) meaning += ". Allowed: " + cell(allowed_text(setting));
  if (setting.rules.reader == Reader::kAsgi) meaning += ". ASGI only";
  if (setting.rules.reader == Reader::kWsgi) meaning += ". WSGI only";
  return meaning;
}

void append_group(std::string& out, Group group) {
  out += fmt::format("\n## {}\n\n| Setting | Options | Default | Meaning |\n|---|---|---|---|\n",
                     group_title(group));
  for (const Setting& setting : settings_table()) {
    if (setting.group != group) continue;
    out += fmt::format("| `{}` | {} | {} | {} |\n", setting.name, flags_cell(setting),
                       default_cell(setting), meaning_cell(setting));
  }
}

void append_compat(std::string& out, Verdict verdict, std::string_view title,
                   std::string_view column) {
  out += fmt::format("\n### {}\n\n| Options | {} |\n|---|---|\n", title, column);
  for (const Compat& compat : compat_table()) {
    if (compat.verdict != verdict) continue;
    std::string text = cell(compat.text);
    if (*compat.harmless != '\0') {
      text += fmt::format(" ({} is accepted)", code_words(compat.harmless));
    }
    out += fmt::format("| {} | {} |\n", code_words(compat.flags), text);
  }
}

}  // namespace

std::string settings_document() {
  std::string out(kIntroduction);
  const Setting* last = nullptr;
  for (const Setting& setting : settings_table()) {
    if (last == nullptr || setting.group != last->group) append_group(out, setting.group);
    last = &setting;
  }
  out += kDefaults;
  out += "\n## Options of gunicorn, uvicorn and granian\n";
  append_compat(out, Verdict::kMapped, "Translated", "Means");
  append_compat(out, Verdict::kIgnored, "Accepted without effect, with a notice", "Because");
  append_compat(out, Verdict::kLater, "Refused in this release", "Because");
  append_compat(out, Verdict::kNever, "Refused", "Instead");
  out +=
      "\nWorker classes `uvicorn.workers.UvicornWorker`, `uvicorn_worker.UvicornWorker` and their "
      "H11 forms are `asgi`. gevent,\neventlet, tornado and meinheld are refused with the "
      "reason.\n";
  return out;
}

}  // namespace cppcorn::config
