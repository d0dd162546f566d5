#include "src/server/log_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace cppcorn::server {
namespace {

class LogWriterTest : public ::testing::Test {
 protected:
  LogWriterTest() {
    std::string pattern = ::testing::TempDir() + "log_writer_XXXXXX";
    const UniqueFd made(::mkstemp(pattern.data()));
    EXPECT_TRUE(made.valid());
    path_ = pattern;
  }
  ~LogWriterTest() override { ::unlink(path_.c_str()); }

  std::string contents() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }
  std::string path_;
};

TEST_F(LogWriterTest, WritesWhatIsLeftWhenItEnds) {
  auto writer = LogWriter::open(path_);
  ASSERT_TRUE(writer);
  (*writer)->write("one\n");
  (*writer)->write("two\n");
  (*writer).reset();
  EXPECT_EQ(contents(), "one\ntwo\n");
}

TEST_F(LogWriterTest, AppendsToWhatIsThere) {
  for (const char* line : {"one\n", "two\n"}) {
    auto writer = LogWriter::open(path_);
    ASSERT_TRUE(writer);
    (*writer)->write(line);
  }
  EXPECT_EQ(contents(), "one\ntwo\n");
}

TEST_F(LogWriterTest, SaysWhatItCannotOpen) {
  auto writer = LogWriter::open("/nonexistent/log");
  ASSERT_FALSE(writer);
  EXPECT_NE(writer.error().message.find("/nonexistent/log"), std::string::npos);
}

// Standard output as a pipe that somebody made non-blocking: lines must not be cut.
TEST_F(LogWriterTest, WritesWholeLinesIntoANonBlockingPipe) {
  std::array<int, 2> pipe_fds{};
  ASSERT_EQ(::pipe2(pipe_fds.data(), O_CLOEXEC), 0);
  const UniqueFd reader(pipe_fds[0]);
  UniqueFd pipe_writer(pipe_fds[1]);
  ASSERT_EQ(::fcntl(pipe_writer.get(), F_SETFL, O_NONBLOCK), 0);
  const UniqueFd real_stdout(::dup(STDOUT_FILENO));
  ASSERT_EQ(::dup2(pipe_writer.get(), STDOUT_FILENO), STDOUT_FILENO);
  auto writer = LogWriter::open("-");
  ASSERT_EQ(::dup2(real_stdout.get(), STDOUT_FILENO), STDOUT_FILENO);
  pipe_writer.reset();
  ASSERT_TRUE(writer);

  const std::string line(1023, 'x');
  constexpr size_t kLines = 1000;  // sixteen times what a pipe holds
  for (size_t i = 0; i < kLines; ++i) (*writer)->write(line + '\n');
  std::string text;
  std::array<char, 65536> piece{};
  while (text.size() < kLines * 1024) {
    const ssize_t count = ::read(reader.get(), piece.data(), piece.size());
    ASSERT_GT(count, 0);
    text.append(piece.data(), static_cast<size_t>(count));
  }
  (*writer).reset();
  EXPECT_EQ(text.size(), kLines * 1024);
  EXPECT_EQ(text.substr(1024 * 999), line + '\n');
}

TEST_F(LogWriterTest, DropsAndCountsWhatTheDestinationDoesNotTake) {
  std::array<int, 2> pipe_fds{};
  ASSERT_EQ(::pipe2(pipe_fds.data(), O_CLOEXEC), 0);
  UniqueFd reader(pipe_fds[0]);
  const std::string path = "/dev/fd/" + std::to_string(pipe_fds[1]);
  auto writer = LogWriter::open(path);
  const UniqueFd kept(pipe_fds[1]);
  ASSERT_TRUE(writer);
  const std::string line(size_t{1} << 20, 'x');
  // One batch may be on its way while as much waits.
  for (size_t i = 0; i < 3 * (LogWriter::kPendingMax >> 20); ++i) (*writer)->write(line);
  EXPECT_GT((*writer)->dropped(), 0u);
  reader.reset();  // EPIPE, or nobody would let it end
}

}  // namespace
}  // namespace cppcorn::server
