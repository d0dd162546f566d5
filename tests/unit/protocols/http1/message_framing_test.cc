#include "protocols/http1/message_framing.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace cppcorn::http1 {
namespace {

using http::RequestHead;

RequestHead make_head(std::initializer_list<http::Field> fields, uint8_t version_minor = 1) {
  RequestHead head;
  head.version_minor_ = version_minor;
  for (const http::Field& field : fields) {
    const RequestHead::Span name{head.append(field.name), static_cast<uint32_t>(field.name.size())};
    const RequestHead::Span value{head.append(field.value),
                                  static_cast<uint32_t>(field.value.size())};
    head.fields().push_back({name, value});
  }
  return head;
}

int status_of(std::initializer_list<http::Field> fields, uint8_t version_minor = 1) {
  RequestHead head = make_head(fields, version_minor);
  const auto refusal = decide_framing(head, {});
  return refusal ? refusal->status : 0;
}

// llhttp refuses most of these before the framing is asked; it must stand without that help.
TEST(MessageFraming, RefusesByItselfWhatLlhttpWouldToo) {
  EXPECT_EQ(status_of({{"host", "a"}, {"content-length", "1"}}), 0);
  for (const std::string_view length : {"", "+1", "-1", "1 ", "0x1", "1,1", "1_0", "\xef\xbc\x91",
                                        "18446744073709551616", "99999999999999999999999"}) {
    EXPECT_EQ(status_of({{"host", "a"}, {"content-length", length}}), 400) << length;
  }
  EXPECT_EQ(status_of({{"host", "a"}, {"content-length", "1"}, {"content-length", "1"}}), 400);
  EXPECT_EQ(status_of({{"host", "a"}, {"content-length", "1"}, {"transfer-encoding", "chunked"}}),
            400);
  for (const std::string_view coding :
       {"", ",", "chunked, chunked", "chunked, gzip", "chunked,", " , chunked", "chun ked",
        "\"chunked\"", "chunked, identity"}) {
    EXPECT_EQ(status_of({{"host", "a"}, {"transfer-encoding", coding}}), 400) << coding;
  }
  EXPECT_EQ(
      status_of(
          {{"host", "a"}, {"transfer-encoding", "chunked"}, {"transfer-encoding", "chunked"}}),
      400);
  EXPECT_EQ(status_of({{"host", "a"}, {"transfer-encoding", "chunked"}}, 0), 400);
  for (const std::string_view coding :
       {"gzip", "gzip, chunked", "identity", "chunkedx", "chunked;a=b"}) {
    EXPECT_EQ(status_of({{"host", "a"}, {"transfer-encoding", coding}}), 501) << coding;
  }
}

TEST(MessageFraming, TakesTheLargestLength) {
  RequestHead head = make_head({{"host", "a"}, {"content-length", "18446744073709551615"}});
  EXPECT_FALSE(decide_framing(head, {}).has_value());
  EXPECT_EQ(head.content_length(), UINT64_MAX);
  RequestHead limited = make_head({{"host", "a"}, {"content-length", "18446744073709551615"}});
  const auto refusal = decide_framing(limited, {.body_bytes_max = UINT64_MAX - 1});
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->status, 413);
}

TEST(MessageFraming, DecidesWhetherTheConnectionStays) {
  const auto keep_alive = [](std::initializer_list<http::Field> fields, uint8_t version_minor) {
    RequestHead head = make_head(fields, version_minor);
    EXPECT_FALSE(decide_framing(head, {}).has_value());
    return head.keep_alive();
  };
  EXPECT_TRUE(keep_alive({{"host", "a"}}, 1));
  EXPECT_FALSE(keep_alive({{"host", "a"}, {"connection", "x, Close"}}, 1));
  EXPECT_FALSE(keep_alive({}, 0));
  EXPECT_TRUE(keep_alive({{"connection", "Keep-Alive"}}, 0));
  EXPECT_FALSE(keep_alive({{"connection", "keep-alive"}, {"connection", "close"}}, 0));
}

TEST(MessageFraming, PointsAtTheFieldAtFault) {
  RequestHead head = make_head({{"host", "a"}, {"expect", "x"}});
  const auto refusal = decide_framing(head, {});
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->status, 417);
  EXPECT_EQ(refusal->offset, 5u);
}

}  // namespace
}  // namespace cppcorn::http1
