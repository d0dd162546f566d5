#include "protocols/http1/response_encoder.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cppcorn::http1 {
namespace {

constexpr std::string_view kDate = "date: Sat, 21 Nov 2026 08:41:00 GMT\r\n";
const ResponseDefaults kPlain{.date = false};
constexpr RequestFacts kHttp11{.keep_alive = true};

struct Call {
  RequestFacts facts = kHttp11;
  int status = 200;
  std::vector<http::Field> fields;
  std::optional<uint64_t> body_bytes;
  std::vector<std::string> blocks;
  std::vector<http::Field> trailers;
};

// The bytes of a whole response; every step must succeed.
std::string encode(const Call& call, bool* keep_alive = nullptr) {
  ByteBuffer out;
  ResponseEncoder encoder(call.facts, kPlain);
  EXPECT_EQ(encoder.start(out, call.status), EncodeError::kNone);
  for (const auto& field : call.fields) {
    EXPECT_EQ(encoder.add_header(out, field.name, field.value), EncodeError::kNone) << field.name;
  }
  EXPECT_EQ(encoder.end_head(out, call.body_bytes, {}, false), EncodeError::kNone);
  for (const std::string& block : call.blocks) {
    EXPECT_EQ(encoder.begin_block(out, block.size()), EncodeError::kNone);
    if (encoder.sends_payload()) out.append(block);
    encoder.end_block(out);
  }
  EXPECT_EQ(encoder.finish(out, call.trailers), EncodeError::kNone);
  if (keep_alive != nullptr) *keep_alive = encoder.keep_alive();
  return std::string(out.view());
}

EncodeError header_error(std::string_view name, std::string_view value) {
  ByteBuffer out;
  ResponseEncoder encoder(kHttp11, kPlain);
  EXPECT_EQ(encoder.start(out, 200), EncodeError::kNone);
  const size_t before = out.size();
  const EncodeError error = encoder.add_header(out, name, value);
  EXPECT_EQ(out.size() == before, error != EncodeError::kNone);
  return error;
}

TEST(ResponseEncoder, WritesAKnownLength) {
  EXPECT_EQ(encode({.fields = {{"Content-Type", "text/plain"}}, .body_bytes = 2, .blocks = {"hi"}}),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 2\r\n\r\nhi");
}

TEST(ResponseEncoder, AddsItsDefaultsUnlessTheAppSentThem) {
  const ResponseDefaults defaults{"server: cppcorn\r\n", "x-extra: 1\r\n", true};
  ByteBuffer out;
  ResponseEncoder encoder(kHttp11, defaults);
  EXPECT_EQ(encoder.start(out, 200), EncodeError::kNone);
  EXPECT_EQ(encoder.end_head(out, 0, kDate, false), EncodeError::kNone);
  EXPECT_EQ(out.view(), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n" + std::string(kDate) +
                            "server: cppcorn\r\nx-extra: 1\r\n\r\n");

  ByteBuffer own;
  ResponseEncoder second(kHttp11, defaults);
  EXPECT_EQ(second.start(own, 404), EncodeError::kNone);
  EXPECT_EQ(second.add_header(own, "DATE", "now"), EncodeError::kNone);
  EXPECT_EQ(second.add_header(own, "Server", "mine"), EncodeError::kNone);
  EXPECT_EQ(second.end_head(own, 0, kDate, false), EncodeError::kNone);
  EXPECT_EQ(own.view(),
            "HTTP/1.1 404 Not Found\r\nDATE: now\r\nServer: mine\r\n"
            "content-length: 0\r\nx-extra: 1\r\n\r\n");
}

TEST(ResponseEncoder, ChunksWhatHasNoLength) {
  EXPECT_EQ(encode({.blocks = {"hello", "0123456789abcdef"}}),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
            "5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
}

TEST(ResponseEncoder, SendsTrailersOnlyToWhoAcceptsThem) {
  const std::vector<http::Field> trailers{{"X-Sum", "1"}, {"Content-Length", "5"}};
  const std::string without = encode({.blocks = {"a"}, .trailers = trailers});
  EXPECT_TRUE(without.ends_with("1\r\na\r\n0\r\n\r\n")) << without;
  const std::string with = encode({.facts = {.keep_alive = true, .accepts_trailers = true},
                                   .blocks = {"a"},
                                   .trailers = trailers});
  EXPECT_TRUE(with.ends_with("1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n")) << with;
}

TEST(ResponseEncoder, TalksToHttp10) {
  bool keep_alive = true;
  EXPECT_EQ(encode({.facts = {.http10 = true, .keep_alive = true}, .blocks = {"a"}}, &keep_alive),
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\na");
  EXPECT_FALSE(keep_alive);
  EXPECT_EQ(
      encode({.facts = {.http10 = true, .keep_alive = true}, .body_bytes = 1, .blocks = {"a"}},
             &keep_alive),
      "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: keep-alive\r\n\r\na");
  EXPECT_TRUE(keep_alive);
}

TEST(ResponseEncoder, SendsNoPayloadWhereThereIsNone) {
  EXPECT_EQ(encode({.facts = {.head_method = true, .keep_alive = true},
                    .fields = {{"Content-Length", "10"}}}),
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
  EXPECT_EQ(
      encode(
          {.facts = {.head_method = true, .keep_alive = true}, .body_bytes = 3, .blocks = {"abc"}}),
      "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
  EXPECT_EQ(encode({.facts = {.head_method = true, .keep_alive = true}, .body_bytes = 0}),
            "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(encode({.status = 204, .fields = {{"content-length", "0"}}, .body_bytes = 0}),
            "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(encode({.status = 304, .fields = {{"content-length", "7"}}, .blocks = {"x"}}),
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n");
}

TEST(ResponseEncoder, HonoursTheAppsWishForTheConnection) {
  bool keep_alive = true;
  EXPECT_EQ(encode({.fields = {{"Connection", "Close"}}, .body_bytes = 0}, &keep_alive),
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  EXPECT_FALSE(keep_alive);
}

TEST(ResponseEncoder, KeepsConnectionFieldsToItself) {
  EXPECT_EQ(encode({.fields = {{"Keep-Alive", "timeout=5"},
                               {"Upgrade", "h2c"},
                               {"Proxy-Connection", "keep-alive"},
                               {"TE", "trailers"},
                               {"Transfer-Encoding", "chunked"},
                               {"Transfer-Encoding", "gzip, chunked"}},
                    .blocks = {"a"}}),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
}

TEST(ResponseEncoder, RefusesWhatWouldSplitAResponse) {
  EXPECT_EQ(header_error("x", "a\r\nb: c"), EncodeError::kBadHeaderValue);
  EXPECT_EQ(header_error("x", std::string_view("a\0b", 3)), EncodeError::kBadHeaderValue);
  EXPECT_EQ(header_error("x", "a\x01"), EncodeError::kBadHeaderValue);
  EXPECT_EQ(header_error("x", "a\x7f"), EncodeError::kBadHeaderValue);
  EXPECT_EQ(header_error("x", "tab\tand \xc3\xa9"), EncodeError::kNone);
  EXPECT_EQ(header_error("", "a"), EncodeError::kBadHeaderName);
  EXPECT_EQ(header_error("x y", "a"), EncodeError::kBadHeaderName);
  EXPECT_EQ(header_error("x\r\ny", "a"), EncodeError::kBadHeaderName);
  EXPECT_EQ(header_error("x:", "a"), EncodeError::kBadHeaderName);
  EXPECT_EQ(header_error("content-length", "+4"), EncodeError::kBadContentLength);
  EXPECT_EQ(header_error("content-length", ""), EncodeError::kBadContentLength);
  EXPECT_EQ(header_error("content-length", "18446744073709551616"), EncodeError::kBadContentLength);
  ByteBuffer out;
  ResponseEncoder encoder(kHttp11, kPlain);
  EXPECT_EQ(encoder.start(out, 200, "OK\r\nx: y"), EncodeError::kBadStatus);
  EXPECT_EQ(encoder.start(out, 199), EncodeError::kBadStatus);
  EXPECT_EQ(encoder.start(out, 1000), EncodeError::kBadStatus);
  EXPECT_TRUE(out.empty());
}

TEST(ResponseEncoder, EnforcesTheLength) {
  ByteBuffer out;
  ResponseEncoder encoder(kHttp11, kPlain);
  EXPECT_EQ(encoder.start(out, 200), EncodeError::kNone);
  EXPECT_EQ(encoder.add_header(out, "content-length", "5"), EncodeError::kNone);
  EXPECT_EQ(encoder.add_header(out, "Content-Length", "5"), EncodeError::kNone);
  EXPECT_EQ(encoder.add_header(out, "Content-Length", "6"), EncodeError::kBadContentLength);
  EXPECT_EQ(encoder.end_head(out, std::nullopt, {}, false), EncodeError::kNone);
  EXPECT_EQ(out.view(), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
  EXPECT_EQ(encoder.begin_block(out, 6), EncodeError::kBodyTooLong);
  EXPECT_EQ(encoder.begin_block(out, 4), EncodeError::kNone);
  encoder.end_block(out);
  EXPECT_TRUE(encoder.keep_alive());
  EXPECT_EQ(encoder.finish(out), EncodeError::kBodyTooShort);
  EXPECT_FALSE(encoder.keep_alive());
  EXPECT_EQ(encoder.body_bytes(), 4u);
}

TEST(ResponseEncoder, KeepsItsOrder) {
  ByteBuffer out;
  ResponseEncoder encoder(kHttp11, kPlain);
  EXPECT_EQ(encoder.add_header(out, "a", "b"), EncodeError::kWrongOrder);
  EXPECT_EQ(encoder.begin_block(out, 1), EncodeError::kWrongOrder);
  EXPECT_EQ(encoder.finish(out), EncodeError::kWrongOrder);
  EXPECT_EQ(encoder.end_head(out, 0, {}, false), EncodeError::kWrongOrder);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(encoder.start(out, 200), EncodeError::kNone);
  EXPECT_EQ(encoder.start(out, 200), EncodeError::kWrongOrder);
  encoder.restart();
  out.clear();
  EXPECT_FALSE(encoder.started());
  EXPECT_EQ(encoder.start(out, 500), EncodeError::kNone);
  EXPECT_EQ(encoder.status(), 500);
}

TEST(ResponseEncoder, Informs) {
  const std::vector<http::Field> fields{{"link", "</a.css>; rel=preload"}, {"Content-Length", "1"}};
  ByteBuffer out;
  ResponseEncoder encoder(kHttp11, kPlain);
  EXPECT_EQ(encoder.inform(out, 103, fields), EncodeError::kNone);
  EXPECT_EQ(out.view(), "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n");
  EXPECT_EQ(encoder.inform(out, 101, {}), EncodeError::kBadStatus);
  EXPECT_EQ(encoder.inform(out, 200, {}), EncodeError::kBadStatus);
  // Behind start() too, as long as the head is held back: it is in another buffer.
  ByteBuffer head;
  EXPECT_EQ(encoder.start(head, 200), EncodeError::kNone);
  EXPECT_EQ(encoder.inform(out, 103, fields), EncodeError::kNone);
  EXPECT_EQ(encoder.end_head(head, 0, {}, false), EncodeError::kNone);
  EXPECT_EQ(encoder.inform(out, 103, fields), EncodeError::kWrongOrder);
  ByteBuffer old;
  ResponseEncoder http10({.http10 = true}, kPlain);
  EXPECT_EQ(http10.inform(old, 103, fields), EncodeError::kNone);
  EXPECT_TRUE(old.empty());
}

}  // namespace
}  // namespace cppcorn::http1
