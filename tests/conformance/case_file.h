// Reads conformance case files; the notation is in README.md beside this file. Values, made once
// when the program starts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cppcorn::conformance {

struct Case {
  std::string file;  // stem: "request-framing"
  std::string name;
  std::string limits;              // behind "limits:"
  std::vector<std::string> input;  // lines between <<< and >>>, as written
  std::vector<std::string> expected;
  bool eof = false;
};

// All cases of all *.txt files in a directory; ends the program with a message when one cannot be
// read.
std::vector<Case> read_cases(const std::string& directory);

// Escapes and repetitions resolved, lines joined.
std::string to_bytes(const std::vector<std::string>& lines);

}  // namespace cppcorn::conformance
