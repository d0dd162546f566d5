#include "src/master/interpreter.h"

#include <fmt/format.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

namespace cppcorn::master {
namespace {

namespace fs = std::filesystem;

bool is_program(const fs::path& path) {
  struct stat about {};
  return stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) &&
         access(path.c_str(), X_OK) == 0;
}

// Absolute, without "." and "..", links kept. Empty when there is no current directory.
fs::path without_dots(const fs::path& path) {
  std::error_code error;
  return fs::absolute(path, error).lexically_normal();
}

std::vector<fs::path> folders_of(const std::string& search_path) {
  std::vector<fs::path> folders;
  for (size_t begin = 0; begin <= search_path.size();) {
    const size_t end = std::min(search_path.find(':', begin), search_path.size());
    // An empty entry means the current directory, which is never what is meant for an interpreter.
    if (end > begin) folders.emplace_back(search_path.substr(begin, end - begin));
    begin = end + 1;
  }
  return folders;
}

std::optional<fs::path> find_on_path(const std::string& name, const std::string& search_path) {
  for (const fs::path& folder : folders_of(search_path)) {
    if (is_program(folder / name)) return without_dots(folder / name);
  }
  return std::nullopt;
}

std::optional<fs::path> find_in(const fs::path& folder) {
  for (const char* name : {"python3", "python"}) {
    if (is_program(folder / name)) return without_dots(folder / name);
  }
  return std::nullopt;
}

// The folder of the path that the program was started by; empty when that cannot be said.
fs::path started_in(const Surroundings& surroundings) {
  const fs::path path = surroundings.started_as;
  if (path.has_parent_path()) return without_dots(path).parent_path();
  const auto found = find_on_path(path, surroundings.search_path);
  return found ? found->parent_path() : fs::path();
}

Result<std::string> configured_python(const std::string& configured,
                                      const std::string& search_path) {
  if (configured.find('/') != configured.npos) {
    if (is_program(configured)) return without_dots(configured).string();
    return Error{fmt::format("option --python: {} is no program that can be run", configured)};
  }
  if (const auto found = find_on_path(configured, search_path)) return found->string();
  return Error{fmt::format("option --python: there is no {} on PATH", configured)};
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Surroundings Surroundings::of_this_process() {
  Surroundings surroundings;
  const auto* started_as = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  if (started_as != nullptr) surroundings.started_as = started_as;
  std::error_code error;
  surroundings.real_path = fs::read_symlink("/proc/self/exe", error);
  surroundings.virtual_env = variable("VIRTUAL_ENV");
  surroundings.search_path = variable("PATH");
  return surroundings;
}

Result<std::string> find_python(const std::string& configured, const Surroundings& surroundings) {
  if (!configured.empty()) return configured_python(configured, surroundings.search_path);
  std::vector<fs::path> folders = {started_in(surroundings),
                                   fs::path(surroundings.real_path).parent_path()};
  if (!surroundings.virtual_env.empty()) {
    folders.push_back(fs::path(surroundings.virtual_env) / "bin");
  }
  for (const fs::path& folder : folders) {
    if (folder.empty()) continue;
    if (const auto found = find_in(folder)) return found->string();
  }
  for (const char* name : {"python3", "python"}) {
    if (const auto found = find_on_path(name, surroundings.search_path)) return found->string();
  }
  return Error{"no Python interpreter was found beside cppcorn or on PATH; name one with --python"};
}

}  // namespace cppcorn::master
