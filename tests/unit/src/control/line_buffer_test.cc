#include "src/control/line_buffer.h"

#include <gtest/gtest.h>

#include <vector>

namespace cppcorn::control {
namespace {

std::vector<std::string> all_lines(LineBuffer& buffer) {
  std::vector<std::string> lines;
  while (const auto line = buffer.next_line()) lines.emplace_back(*line);
  return lines;
}

TEST(LineBuffer, CutsAtEveryPlace) {
  const std::string text = "one\n\ntwo\nthree";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    LineBuffer buffer(100);
    std::vector<std::string> lines;
    for (const std::string& piece : {text.substr(0, cut), text.substr(cut)}) {
      ASSERT_TRUE(buffer.append(piece));
      for (std::string& line : all_lines(buffer)) lines.push_back(line);
    }
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "", "two"})) << "cut at " << cut;
    ASSERT_TRUE(buffer.append("!\n"));
    EXPECT_EQ(all_lines(buffer), std::vector<std::string>{"three!"});
  }
}

TEST(LineBuffer, RefusesALineWithoutEnd) {
  LineBuffer buffer(8);
  EXPECT_TRUE(buffer.append("1234567"));
  EXPECT_FALSE(buffer.append("8"));
}

TEST(LineBuffer, LinesThatWereHandedOutDoNotCount) {
  LineBuffer buffer(8);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(buffer.append("1234\n12"));
    EXPECT_EQ(all_lines(buffer).size(), 1u);
    ASSERT_TRUE(buffer.append("\n"));
    EXPECT_EQ(all_lines(buffer).size(), 1u);
  }
}

}  // namespace
}  // namespace cppcorn::control
