#include "src/server/response_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace cppcorn::server {
namespace {

using http1::EncodeError;

class ResponseWriterTest : public ::testing::Test {
 protected:
  ResponseWriterTest() { shared_.defaults.date = false; }
  std::string taken(ResponseWriter& writer) {
    std::array<iovec, 16> entries{};
    std::string text;
    const size_t count = writer.ready().gather(entries.data(), entries.size());
    for (size_t i = 0; i < count; ++i) {
      text.append(static_cast<char*>(entries[i].iov_base), entries[i].iov_len);
    }
    writer.ready().clear();
    return text;
  }

  ResponseShared shared_;
  http::DateLine date_;
  http1::RequestFacts facts_{.keep_alive = true, .accepts_trailers = true};
};

TEST_F(ResponseWriterTest, HoldsTheHeadBackUntilTheBody) {
  ResponseWriter writer(facts_, shared_);
  ASSERT_EQ(writer.start(200), EncodeError::kNone);
  ASSERT_EQ(writer.add_header("x", "y"), EncodeError::kNone);
  EXPECT_TRUE(writer.ready().empty());
  ASSERT_EQ(writer.body("abc", true, date_, 0), EncodeError::kNone);
  EXPECT_EQ(taken(writer), "HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 3\r\n\r\nabc");
  EXPECT_TRUE(writer.finished());
}

TEST_F(ResponseWriterTest, ChunksWhatIsNotTheLast) {
  ResponseWriter writer(facts_, shared_);
  ASSERT_EQ(writer.start(200), EncodeError::kNone);
  ASSERT_EQ(writer.body("abc", false, date_, 0), EncodeError::kNone);
  ASSERT_EQ(writer.body("", false, date_, 0), EncodeError::kNone);
  ASSERT_EQ(writer.finish(std::array{http::Field{"t", "v"}}, date_, 0), EncodeError::kNone);
  EXPECT_EQ(taken(writer),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nt: v\r\n\r\n");
}

TEST_F(ResponseWriterTest, LetsAnErrorTakeThePlaceOfAHeadThatHasNotLeft) {
  ResponseWriter writer(facts_, shared_);
  ASSERT_EQ(writer.start(200), EncodeError::kNone);
  ASSERT_EQ(writer.add_header("set-cookie", "secret"), EncodeError::kNone);
  EXPECT_TRUE(writer.restart());
  ASSERT_EQ(writer.start(500), EncodeError::kNone);
  ASSERT_EQ(writer.body("", true, date_, 0), EncodeError::kNone);
  EXPECT_EQ(taken(writer), "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n");
  EXPECT_FALSE(writer.restart());
}

TEST_F(ResponseWriterTest, ReleasesForeignBytesInEveryCase) {
  int released = 0;
  const std::string large(10'000, 'x');
  const auto foreign = [&](size_t size) {
    return ForeignBytes{large.data(), size, &released,
                        [](void* owner) noexcept { ++*static_cast<int*>(owner); }};
  };
  ResponseWriter too_early(facts_, shared_);
  EXPECT_EQ(too_early.body(foreign(10'000), true, date_, 0), EncodeError::kWrongOrder);
  EXPECT_EQ(released, 1);
  http1::RequestFacts head_facts = facts_;
  head_facts.head_method = true;
  ResponseWriter to_head(head_facts, shared_);
  ASSERT_EQ(to_head.start(200), EncodeError::kNone);
  EXPECT_EQ(to_head.body(foreign(10'000), true, date_, 0), EncodeError::kNone);
  EXPECT_EQ(taken(to_head), "HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n");
  EXPECT_EQ(released, 2);
  ResponseWriter too_long(facts_, shared_);
  ASSERT_EQ(too_long.start(200), EncodeError::kNone);
  ASSERT_EQ(too_long.add_header("content-length", "3"), EncodeError::kNone);
  EXPECT_EQ(too_long.body(foreign(10'000), true, date_, 0), EncodeError::kBodyTooLong);
  EXPECT_EQ(released, 3);
  ResponseWriter sent(facts_, shared_);
  ASSERT_EQ(sent.start(200), EncodeError::kNone);
  EXPECT_EQ(sent.body(foreign(10'000), true, date_, 0), EncodeError::kNone);
  EXPECT_EQ(released, 3);
  EXPECT_TRUE(taken(sent).ends_with(large));
  EXPECT_EQ(released, 4);
}

TEST_F(ResponseWriterTest, SaysThatABodyIsShorterThanItsLength) {
  ResponseWriter writer(facts_, shared_);
  ASSERT_EQ(writer.start(200), EncodeError::kNone);
  ASSERT_EQ(writer.add_header("content-length", "5"), EncodeError::kNone);
  EXPECT_EQ(writer.body("abc", true, date_, 0), EncodeError::kBodyTooShort);
  EXPECT_FALSE(writer.encoder().keep_alive());
}

TEST_F(ResponseWriterTest, ClosesWhenToldBeforeTheHeadLeaves) {
  ResponseWriter writer(facts_, shared_);
  ASSERT_EQ(writer.start(204), EncodeError::kNone);
  writer.set_close_after(true);
  ASSERT_EQ(writer.finish({}, date_, 0), EncodeError::kNone);
  EXPECT_EQ(taken(writer), "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
}

TEST_F(ResponseWriterTest, KeepsTheHeadForTheAccessLog) {
  ResponseWriter writer(facts_, shared_);
  writer.keep_head();
  ASSERT_EQ(writer.start(200), EncodeError::kNone);
  ASSERT_EQ(writer.body("", true, date_, 0), EncodeError::kNone);
  EXPECT_EQ(writer.kept_head(), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
}

}  // namespace
}  // namespace cppcorn::server
