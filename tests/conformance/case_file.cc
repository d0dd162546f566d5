#include "tests/conformance/case_file.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace cppcorn::conformance {
namespace {

[[noreturn]] void fail(const std::string& file, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", file.c_str(), what.c_str());
  std::exit(2);
}

std::string expand_repetitions(const std::string& line);

void read_file(const std::filesystem::path& path, std::vector<Case>* cases) {
  enum class Part { kBefore, kName, kInput, kExpected } part = Part::kBefore;
  std::ifstream stream(path);
  std::string line;
  while (std::getline(stream, line)) {
    if (line.starts_with("=== ")) {
      cases->push_back({path.stem().string(), line.substr(4), {}, {}, {}, false});
      part = Part::kName;
    } else if (line.starts_with("#") || line.empty()) {
      continue;
    } else if (part == Part::kBefore) {
      fail(path, "text before the first case: " + line);
    } else if (line.starts_with("limits: ") && part == Part::kName) {
      cases->back().limits = line.substr(8);
    } else if ((line == "<<<" || line == "<<< eof") && part == Part::kName) {
      cases->back().eof = line != "<<<";
      part = Part::kInput;
    } else if (line == ">>>" && part == Part::kInput) {
      part = Part::kExpected;
    } else if (part == Part::kInput) {
      cases->back().input.push_back(line);
    } else if (part == Part::kExpected) {
      cases->back().expected.push_back(expand_repetitions(line));
    } else {
      fail(path, "unexpected line: " + line);
    }
  }
  if (part == Part::kName || part == Part::kInput) fail(path, "the last case has no >>>");
}

// "{a*9000}" at `at`: appends the repetition and returns the position behind it; `at` when it isn't
// one.
size_t expand_repetition(std::string_view text, size_t at, std::string* bytes) {
  const size_t close = text.find('}', at);
  const size_t star = text.rfind('*', close);
  if (text[at] != '{' || close == std::string_view::npos || star == std::string_view::npos ||
      star <= at)
    return at;
  const std::string count(text.substr(star + 1, close - star - 1));
  if (count.empty() ||
      !std::all_of(count.begin(), count.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return at;
  }
  const std::string unit = to_bytes({std::string(text.substr(at + 1, star - at - 1))});
  for (int i = 0; i < std::atoi(count.c_str()); ++i) *bytes += unit;
  return close + 1;
}

// In expected lines escapes stay as they are: the events are written in them.
std::string expand_repetitions(const std::string& line) {
  std::string text;
  for (size_t i = 0; i < line.size();) {
    const size_t behind = expand_repetition(line, i, &text);
    if (behind == i) {
      text += line[i++];
    } else {
      i = behind;
    }
  }
  return text;
}

}  // namespace

std::string to_bytes(const std::vector<std::string>& lines) {
  std::string bytes;
  for (const std::string& line : lines) {
    for (size_t i = 0; i < line.size();) {
      if (const size_t behind = expand_repetition(line, i, &bytes); behind != i) {
        i = behind;
      } else if (line[i] != '\\' || i + 1 == line.size()) {
        bytes += line[i++];
      } else if (line[i + 1] == 'x') {
        bytes += static_cast<char>(std::strtol(line.substr(i + 2, 2).c_str(), nullptr, 16));
        i += 4;
      } else {
        static constexpr std::string_view kLetters = "rnt\\0";
        static constexpr std::string_view kMeanings{"\r\n\t\\\0", 5};
        const size_t which = kLetters.find(line[i + 1]);
        if (which == std::string_view::npos) fail(line, "unknown escape");
        bytes += kMeanings[which];
        i += 2;
      }
    }
  }
  return bytes;
}

std::vector<Case> read_cases(const std::string& directory) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".txt") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Case> cases;
  for (const auto& path : paths) read_file(path, &cases);
  if (cases.empty()) fail(directory, "no cases");
  return cases;
}

}  // namespace cppcorn::conformance
