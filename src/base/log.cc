#include "src/base/log.h"

#include <fcntl.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace cppcorn::log {
namespace {

// gunicorn's words for the levels; spdlog's own are lower case and say "warning" differently.
class LevelName : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    static constexpr std::string_view kNames[] = {"TRACE", "DEBUG",    "INFO", "WARNING",
                                                  "ERROR", "CRITICAL", "OFF"};
    const std::string_view name = kNames[message.level];
    out.append(name.data(), name.data() + name.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelName>();
  }
};

// "+0000": spdlog's %z writes "+00:00".
class ZoneOffset : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg&, const std::tm& time,
              spdlog::memory_buf_t& out) override {
    char text[8];
    const size_t count = std::strftime(text, sizeof text, "%z", &time);
    out.append(text, text + count);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<ZoneOffset>();
  }
};

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kTrace: return spdlog::level::trace;
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarning: return spdlog::level::warn;
    case Level::kError: return spdlog::level::err;
    case Level::kCritical: return spdlog::level::critical;
  }
  CPPCORN_UNREACHABLE();
}

std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink, Level level) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<LevelName>('N').add_flag<ZoneOffset>('Z');
  formatter->set_pattern("[%Y-%m-%d %H:%M:%S %Z] [%P] [%N] %v");
  sink->set_formatter(std::move(formatter));
  auto logger = std::make_shared<spdlog::logger>("cppcorn", std::move(sink));
  logger->set_level(to_spdlog(level));
  logger->flush_on(spdlog::level::trace);
  return logger;
}

// Never destroyed: threads that outlive main() may still log.
std::shared_ptr<spdlog::logger>& logger() {
  static auto* instance = new std::shared_ptr<spdlog::logger>(
      make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), Level::kInfo));
  return *instance;
}

}  // namespace

Status check_appendable(const std::string& path) {
  struct stat about {};
  if (stat(path.c_str(), &about) == 0) {
    if (S_ISDIR(about.st_mode)) return Error{"it is a folder"};
    if (faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) return Error{strerror(errno)};
    return ok_status();
  }
  if (errno != ENOENT) return Error{strerror(errno)};
  const size_t slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  if (faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return ok_status();
  if (errno == ENOENT) return Error{fmt::format("there is no folder {}; create it", folder)};
  return Error{fmt::format("no file can be made in {}: {}", folder, strerror(errno))};
}

Status set_up(std::string_view destination, Level level) {
  try {
    if (destination == "-") {
      logger() = make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), level);
    } else {
      const std::string path(destination);
      // spdlog would make folders, and so turn a slip into a log that nobody finds.
      if (const Status status = check_appendable(path); !status) {
        return Error{
            fmt::format("the error log {} cannot be written: {}", path, status.error().message)};
      }
      logger() = make_logger(std::make_shared<spdlog::sinks::basic_file_sink_mt>(path), level);
    }
  } catch (const spdlog::spdlog_ex& failure) {
    return Error{failure.what()};
  }
  return ok_status();
}

bool enabled(Level level) noexcept { return logger()->should_log(to_spdlog(level)); }

void write(Level level, std::string_view text) noexcept {
  logger()->log(to_spdlog(level), spdlog::string_view_t(text.data(), text.size()));
}

std::string escape_for_log(std::string_view text, size_t max) {
  std::string escaped;
  const bool cut = text.size() > max;
  for (const char byte : text.substr(0, max)) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x20 || code > 0x7e || byte == '"' || byte == '\\') {
      fmt::format_to(std::back_inserter(escaped), "\\x{:02x}", code);
    } else {
      escaped.push_back(byte);
    }
  }
  if (cut) escaped += "...";
  return escaped;
}

bool RateLimit::allow(uint64_t now_ms, unsigned* suppressed) noexcept {
  *suppressed = 0;
  if (now_ms - period_began_ms_ >= period_ms_) {
    period_began_ms_ = now_ms;
    *suppressed = held_back_;
    used_ = held_back_ = 0;
  }
  if (used_ < burst_) {
    ++used_;
    return true;
  }
  ++held_back_;
  return false;
}

}  // namespace cppcorn::log
