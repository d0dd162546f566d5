// Recorder: a RequestParser with a listener that writes every event down as one line of text, in
// the notation of the conformance cases (tests/conformance/README.md). Body pieces are joined, so
// that the text doesn't depend on how the bytes were cut. Shared by unit tests, conformance cases
// and fuzz targets; lives as long as one connection.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocols/http1/request_parser.h"
#include "src/base/assert.h"

namespace cppcorn::http1 {

// Bytes outside of visible ASCII, quotes and backslashes as \r, \n, \t, \\, \" or \xNN.
inline std::string escape(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    switch (byte) {
      case '\r': text += "\\r"; break;
      case '\n': text += "\\n"; break;
      case '\t': text += "\\t"; break;
      case '\\': text += "\\\\"; break;
      case '"': text += "\\\""; break;
      default:
        if (byte >= 0x20 && byte < 0x7f) {
          text += byte;
        } else {
          char code[5];
          std::snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned char>(byte));
          text += code;
        }
    }
  }
  return text;
}

class Recorder final : public RequestParser::Listener {
 public:
  explicit Recorder(const http::Limits& limits = {}) : limits_(limits), parser_(limits_, *this) {}

  // Feeds all bytes; while the parser pauses itself (pause_at_events), resumes it and gives the
  // rest.
  void feed(std::string_view bytes) {
    for (;;) {
      const size_t used = parser_.receive(bytes);
      bytes.remove_prefix(used);
      if (!parser_.paused()) {
        CPPCORN_CHECK(bytes.empty());
        return;
      }
      parser_.resume();
      if (bytes.empty()) return;
    }
  }
  void feed_eof() { parser_.receive_eof(); }

  RequestParser& parser() { return parser_; }
  std::vector<std::unique_ptr<http::RequestHead>>& heads() { return heads_; }
  bool pause_at_events = false;

  // All events so far, one a line.
  std::string text() {
    flush_body();
    std::string all;
    for (const std::string& line : lines_) all.append(line).append("\n");
    return all;
  }
  std::string take_text() {
    std::string all = text();
    lines_.clear();
    return all;
  }

 private:
  std::unique_ptr<http::RequestHead> new_head() override {
    return std::make_unique<http::RequestHead>();
  }

  void on_request(std::unique_ptr<http::RequestHead> head) override {
    add("request " + std::string(head->method()) + " " + std::string(head->target()) + " 1." +
        std::to_string(head->version_minor()) + (head->keep_alive() ? " keep-alive" : " close"));
    static constexpr const char* kForms[] = {"", "absolute", "authority", "asterisk"};
    if (head->target_form() != http::TargetForm::kOrigin) {
      add(std::string("  form ") + kForms[static_cast<int>(head->target_form())]);
    }
    if (head->path() != head->target()) add("  path " + std::string(head->path()));
    if (!head->query().empty()) add("  query " + std::string(head->query()));
    if (!head->authority().empty()) add("  authority " + std::string(head->authority()));
    if (head->has_content_length()) add("  length " + std::to_string(head->content_length()));
    if (head->chunked()) add("  chunked");
    if (head->expects_continue()) add("  expects continue");
    if (head->accepts_trailers()) add("  accepts trailers");
    if (head->wants_upgrade()) add("  wants upgrade");
    for (size_t i = 0; i < head->field_count(); ++i) {
      add("  field " + escape(head->field(i).name) + ": " + escape(head->field(i).value));
    }
    heads_.push_back(std::move(head));
    pause_perhaps();
  }

  void on_body(std::string_view bytes) override {
    CPPCORN_CHECK(!bytes.empty());
    body_.append(bytes);
    pause_perhaps();
  }

  void on_request_end(const std::vector<http::Field>* trailers) override {
    flush_body();
    if (trailers != nullptr) {
      for (const http::Field& field : *trailers) {
        add("trailer " + escape(field.name) + ": " + escape(field.value));
      }
    }
    add("end");
    pause_perhaps();
  }

  void on_refused(const http::Refusal& refusal, bool in_body) override {
    flush_body();
    add("refused " + std::to_string(refusal.status) + (in_body ? " in body " : " ") +
        std::string(refusal.reason) + " @" + std::to_string(refusal.offset));
  }

  void add(std::string line) { lines_.push_back(std::move(line)); }
  void flush_body() {
    if (!body_.empty()) add("body \"" + escape(std::exchange(body_, {})) + "\"");
  }
  void pause_perhaps() {
    if (pause_at_events) parser_.pause();
  }

  http::Limits limits_;
  RequestParser parser_;
  std::vector<std::unique_ptr<http::RequestHead>> heads_;
  std::vector<std::string> lines_;
  std::string body_;
};

}  // namespace cppcorn::http1
