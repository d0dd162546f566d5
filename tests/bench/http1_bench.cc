// Nanoseconds that the HTTP/1 codec takes for one message: http1_bench [ROUNDS]. The best of
// several rounds is printed, since all that a busy machine can do is to make it slower. Not a test:
// nothing depends on its result.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "protocols/http1/request_parser.h"
#include "protocols/http1/response_encoder.h"
#include "src/base/clock.h"

namespace {

using namespace cppcorn;

constexpr int kMessages = 2'000;

// Recycles the one head that it needs, as a connection does.
class Sink final : public http1::RequestParser::Listener {
 public:
  size_t seen = 0;

 private:
  std::unique_ptr<http::RequestHead> new_head() override {
    if (spare_ == nullptr) return std::make_unique<http::RequestHead>();
    spare_->clear();
    return std::move(spare_);
  }
  void on_request(std::unique_ptr<http::RequestHead> head) override { spare_ = std::move(head); }
  void on_body(std::string_view bytes) override { seen += bytes.size(); }
  void on_request_end(const std::vector<http::Field>*) override { ++seen; }
  void on_refused(const http::Refusal& refusal, bool) override {
    std::printf("refused: %.*s\n", static_cast<int>(refusal.reason.size()), refusal.reason.data());
    std::exit(1);
  }

  std::unique_ptr<http::RequestHead> spare_;
};

void parse_messages(std::string_view message) {
  const http::Limits limits;
  Sink sink;
  http1::RequestParser parser(limits, sink);
  for (int i = 0; i < kMessages; ++i) parser.receive(message);
  if (sink.seen == 0) std::exit(1);
}

void encode_messages(bool chunked) {
  const http1::ResponseDefaults defaults{"server: cppcorn\r\n", {}, true};
  const http1::RequestFacts facts{.keep_alive = true};
  ByteBuffer out;
  for (int i = 0; i < kMessages; ++i) {
    out.clear();
    http1::ResponseEncoder encoder(facts, defaults);
    bool good = encoder.start(out, 200) == http1::EncodeError::kNone;
    good &= encoder.add_header(out, "content-type", "text/plain") == http1::EncodeError::kNone;
    if (!chunked)
      good &= encoder.add_header(out, "content-length", "13") == http1::EncodeError::kNone;
    good &= encoder.end_head(out, std::nullopt, "date: Sat, 21 Nov 2026 08:41:00 GMT\r\n", false) ==
            http1::EncodeError::kNone;
    good &= encoder.begin_block(out, 13) == http1::EncodeError::kNone;
    out.append("Hello, World!");
    encoder.end_block(out);
    good &= encoder.finish(out) == http1::EncodeError::kNone;
    if (!good) std::exit(1);
  }
}

template <typename Work>
void measure(const char* what, int rounds, Work work) {
  uint64_t best = UINT64_MAX;
  for (int i = 0; i < rounds; ++i) {
    const uint64_t begin = monotonic_ns();
    work();
    best = std::min(best, monotonic_ns() - begin);
  }
  std::printf("%-44s %7.1f ns\n", what, static_cast<double>(best) / kMessages);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 2000;
  const std::string_view small = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string_view usual =
      "GET /api/items?page=2 HTTP/1.1\r\nHost: example.org:8000\r\nUser-Agent: Mozilla/5.0 (X11; "
      "Linux x86_64)\r\n"
      "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate, "
      "br\r\n"
      "Accept-Language: en-GB,en;q=0.5\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\r\n";
  const std::string post =
      "POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1024\r\n\r\n" +
      std::string(1024, 'x');
  const std::string chunked =
      "POST /upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" +
      std::string(1024, 'x') + "\r\n0\r\n\r\n";
  measure("request, 1 field", rounds, [&] { parse_messages(small); });
  measure("request, 6 fields", rounds, [&] { parse_messages(usual); });
  measure("request, 1 KiB body of known length", rounds, [&] { parse_messages(post); });
  measure("request, 1 KiB body in one chunk", rounds, [&] { parse_messages(chunked); });
  measure("response of known length, 2 fields", rounds, [] { encode_messages(false); });
  measure("response in one chunk, 1 field", rounds, [] { encode_messages(true); });
  return 0;
}
