#include "protocols/http1/request_parser.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/recorder.h"

namespace cppcorn::http1 {
namespace {

std::string events_of(std::string_view bytes, const http::Limits& limits = {}) {
  Recorder recorder(limits);
  recorder.feed(bytes);
  return recorder.text();
}

TEST(RequestParser, ReadsAHeadIntoItsParts) {
  EXPECT_EQ(events_of("GET /a%20b?x=1?y HTTP/1.1\r\nHost: example.org:8000\r\nX-Empty:\r\n"
                      "Accept: \t a, b \t \r\n\r\n"),
            "request GET /a%20b?x=1?y 1.1 keep-alive\n"
            "  path /a%20b\n"
            "  query x=1?y\n"
            "  authority example.org:8000\n"
            "  field host: example.org:8000\n"
            "  field x-empty: \n"
            "  field accept: a, b\n"
            "end\n");
}

TEST(RequestParser, ReadsBothKindsOfBodyAndWhatFollows) {
  EXPECT_EQ(events_of("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                      "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "3\r\ndef\r\n2;x=\"y\"\r\ngh\r\n0\r\nX-Sum: 1 \r\nCookie: no\r\n\r\n"
                      "GET /3 HTTP/1.0\r\n\r\nignored"),
            "request POST /1 1.1 keep-alive\n  authority a\n  length 3\n"
            "  field host: a\n  field content-length: 3\nbody \"abc\"\nend\n"
            "request POST /2 1.1 keep-alive\n  authority a\n  chunked\n"
            "  field host: a\n  field transfer-encoding: chunked\nbody \"defgh\"\n"
            "trailer x-sum: 1\nend\n"
            "request GET /3 1.0 close\nend\n");
}

TEST(RequestParser, StopsAtEveryPause) {
  const std::string_view bytes =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  Recorder without;
  without.feed(bytes);
  Recorder with;
  with.pause_at_events = true;
  with.feed(bytes);
  EXPECT_EQ(with.text(), without.text());
}

TEST(RequestParser, ConsumesNothingBehindAPause) {
  const std::string_view one = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  Recorder recorder;
  recorder.pause_at_events = true;
  EXPECT_EQ(recorder.parser().receive(std::string(one) + std::string(one)), one.size());
  EXPECT_TRUE(recorder.parser().idle());
  EXPECT_EQ(recorder.parser().receive(one), 0u);
  recorder.parser().resume();
  EXPECT_EQ(recorder.parser().receive(one), one.size());
  EXPECT_EQ(recorder.heads().size(), 2u);
}

TEST(RequestParser, EndOfInputIsAFaultOnlyWithinARequest) {
  Recorder between;
  between.feed("\r\n");
  EXPECT_TRUE(between.parser().idle());
  between.feed_eof();
  EXPECT_EQ(between.text(), "");
  EXPECT_TRUE(between.parser().dead());

  Recorder in_head;
  in_head.feed("GET / HT");
  EXPECT_TRUE(in_head.parser().in_head());
  in_head.feed_eof();
  EXPECT_EQ(in_head.text(), "refused 400 ended early @8\n");

  Recorder in_body;
  in_body.feed("POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nab");
  EXPECT_TRUE(in_body.parser().in_body());
  in_body.feed_eof();
  EXPECT_EQ(in_body.text(),
            "request POST / 1.0 close\n  length 3\n  field content-length: 3\n"
            "body \"ab\"\nrefused 400 in body ended early @40\n");
}

TEST(RequestParser, ParsesNothingBehindARefusal) {
  Recorder recorder;
  recorder.feed("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  recorder.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  recorder.feed_eof();
  EXPECT_EQ(recorder.text(), "refused 400 no Host field @18\n");
  EXPECT_TRUE(recorder.parser().dead());
}

// A recycled head has all the memory that the next request of its kind needs.
class Recycler final : public RequestParser::Listener {
 public:
  std::unique_ptr<http::RequestHead> new_head() override {
    if (head == nullptr) return std::make_unique<http::RequestHead>();
    head->clear();
    return std::move(head);
  }
  void on_request(std::unique_ptr<http::RequestHead> done) override { head = std::move(done); }
  void on_body(std::string_view) override {}
  void on_request_end(const std::vector<http::Field>*) override {}
  void on_refused(const http::Refusal&, bool) override { FAIL(); }

  std::unique_ptr<http::RequestHead> head;
};

TEST(RequestParser, NeedsNoMoreMemoryForARecycledHead) {
  const http::Limits limits;
  Recycler recycler;
  RequestParser parser(limits, recycler);
  const std::string_view bytes = "GET http://b/ HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n";
  parser.receive(bytes);
  const size_t memory = recycler.head->memory();
  const http::RequestHead* head = recycler.head.get();
  for (int i = 0; i < 100; ++i) parser.receive(bytes);
  EXPECT_EQ(recycler.head->memory(), memory);
  EXPECT_EQ(recycler.head.get(), head);
  EXPECT_EQ(recycler.head->find("host"), "b");
}

// Ten thousand idle connections are promised to cost at most 1 KiB each, all layers together.
TEST(RequestParser, CostsLittleWhileIdle) { EXPECT_LE(RequestParser::idle_memory(), 250u); }

}  // namespace
}  // namespace cppcorn::http1
