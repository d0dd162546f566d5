// Runs the cases of a directory against the HTTP/1 codec: http1_conformance DIRECTORY. Each case is
// a test of its own for each way of feeding it.
#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <sstream>

#include "protocols/http1/response_encoder.h"
#include "tests/conformance/case_file.h"
#include "tests/conformance/recorder.h"

namespace cppcorn::conformance {
namespace {

using http1::Recorder;
using Lines = std::vector<std::string>;

Lines split_lines(const std::string& text) {
  Lines lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool is_detail(const std::string& line) { return line.starts_with("  "); }

// Refusals may be expected by status alone, or without the offset.
bool line_matches(const std::string& expected, const std::string& line) {
  if (expected == line) return true;
  return expected.starts_with("refused ") && line.starts_with(expected + " ") &&
         (expected.find_first_of("@") == std::string::npos);
}

// Details that the case doesn't mention may be there; everything else must be exactly as expected.
bool events_match(const Lines& expected, const Lines& events) {
  size_t wanted = 0;
  for (const std::string& line : events) {
    if (wanted < expected.size() && line_matches(expected[wanted], line)) {
      ++wanted;
    } else if (!is_detail(line)) {
      return false;
    }
  }
  return wanted == expected.size();
}

http::Limits parse_limits(const std::string& text) {
  http::Limits limits;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const auto value = std::stoull(word.substr(equals + 1));
    if (name == "request_line_bytes_max")
      limits.request_line_bytes_max = static_cast<uint32_t>(value);
    else if (name == "fields_max")
      limits.fields_max = static_cast<uint32_t>(value);
    else if (name == "field_bytes_max")
      limits.field_bytes_max = static_cast<uint32_t>(value);
    else if (name == "head_bytes_max")
      limits.head_bytes_max = static_cast<uint32_t>(value);
    else if (name == "body_bytes_max")
      limits.body_bytes_max = value;
    else
      ADD_FAILURE() << "unknown limit " << name;
  }
  return limits;
}

// --- Requests ---

std::string run(const Case& one, const Lines& pieces, bool pausing = false) {
  Recorder recorder(parse_limits(one.limits));
  recorder.pause_at_events = pausing;
  for (const std::string& piece : pieces) recorder.feed(piece);
  if (one.eof) recorder.feed_eof();
  return recorder.text();
}

void whole(const Case& one) {
  const std::string text = run(one, {to_bytes(one.input)});
  EXPECT_TRUE(events_match(one.expected, split_lines(text))) << text;
}

void byte_by_byte(const Case& one) {
  const std::string bytes = to_bytes(one.input);
  Lines pieces;
  for (const char byte : bytes) pieces.emplace_back(1, byte);
  EXPECT_EQ(run(one, pieces), run(one, {bytes}));
}

void cut_in_two(const Case& one) {
  // Long cases are cut around their ends only, where the lines are.
  constexpr size_t kEveryPositionUpTo = 2000;
  const std::string bytes = to_bytes(one.input);
  const std::string expected = run(one, {bytes});
  for (size_t at = 1; at < bytes.size(); ++at) {
    if (at > kEveryPositionUpTo && at + kEveryPositionUpTo < bytes.size()) continue;
    ASSERT_EQ(run(one, {bytes.substr(0, at), bytes.substr(at)}), expected) << "cut at " << at;
  }
}

void paused(const Case& one) {
  const std::string bytes = to_bytes(one.input);
  EXPECT_EQ(run(one, {bytes}, true), run(one, {bytes}));
}

void pipelined(const Case& one) {
  const std::string bytes = to_bytes(one.input);
  Recorder recorder(parse_limits(one.limits));
  recorder.feed(bytes);
  const std::string first = recorder.text();
  if (!recorder.parser().idle()) return;
  Recorder both(parse_limits(one.limits));
  both.feed(bytes + bytes);
  EXPECT_EQ(both.text(), first + first);
}

// --- Responses ---

http1::RequestFacts parse_facts(const std::string& words) {
  http1::RequestFacts facts;
  std::istringstream stream(words);
  for (std::string word; stream >> word;) {
    if (word == "HEAD")
      facts.head_method = true;
    else if (word == "1.0")
      facts.http10 = true;
    else if (word == "keep-alive")
      facts.keep_alive = true;
    else if (word == "trailers")
      facts.accepts_trailers = true;
    else
      EXPECT_TRUE(word == "GET" || word == "1.1" || word == "close") << word;
  }
  return facts;
}

std::vector<http::Field> parse_fields(const Lines& texts) {
  std::vector<http::Field> fields;
  for (const std::string& text : texts) {
    const size_t colon = text.find(": ");
    fields.push_back(
        {std::string_view(text).substr(0, colon), std::string_view(text).substr(colon + 2)});
  }
  return fields;
}

// The calls of one app, a line each; errors are noted in the output as "error: ...".
class AppCalls {
 public:
  std::string run(const Lines& calls) {
    for (const std::string& call : calls) {
      const size_t space = call.find(' ');
      const std::string verb = call.substr(0, space);
      const std::string rest = space == std::string::npos ? "" : to_bytes({call.substr(space + 1)});
      make(verb, rest);
    }
    return log_ + "wire \"" + http1::escape(out_.view()) + "\"\n" +
           (encoder_->head_ended() ? encoder_->keep_alive() ? "keep-alive\n" : "close\n" : "");
  }

 private:
  void make(const std::string& verb, const std::string& rest) {
    if (verb == "request") {
      encoder_.emplace(parse_facts(rest), defaults_);
    } else if (verb == "inform") {
      note(verb, encoder_->inform(out_, std::stoi(rest), parse_fields(later_)));
      later_.clear();
    } else if (verb == "with") {
      later_.push_back(rest);
    } else if (verb == "start") {
      const size_t space = rest.find(' ');
      note(verb, encoder_->start(out_, std::stoi(rest),
                                 space == std::string::npos ? "" : rest.substr(space + 1)));
    } else if (verb == "header") {
      const size_t colon = rest.find(": ");
      note(verb, encoder_->add_header(out_, rest.substr(0, colon), rest.substr(colon + 2)));
    } else if (verb == "end_head") {
      note(verb,
           encoder_->end_head(out_, rest.empty() ? std::nullopt : std::optional(std::stoull(rest)),
                              {}, false));
    } else if (verb == "block") {
      const auto error = encoder_->begin_block(out_, rest.size());
      note(verb, error);
      if (error == http1::EncodeError::kNone && encoder_->sends_payload()) out_.append(rest);
      encoder_->end_block(out_);
    } else if (verb == "finish") {
      note(verb, encoder_->finish(out_, parse_fields(later_)));
    } else {
      ADD_FAILURE() << "unknown call " << verb;
    }
  }

  void note(const std::string& verb, http1::EncodeError error) {
    if (error != http1::EncodeError::kNone)
      log_ += verb + ": " + std::string(to_string(error)) + "\n";
  }

  const http1::ResponseDefaults defaults_{.date = false};
  std::optional<http1::ResponseEncoder> encoder_;
  ByteBuffer out_;
  std::string log_;
  Lines later_;
};

void response(const Case& one) {
  std::string expected;
  std::string wire;
  for (const std::string& line : one.expected) {
    if (line.ends_with("\\n") || line.starts_with("wire "))
      wire += line.starts_with("wire ") ? line.substr(5) : line;
    else
      expected += line + "\n";
  }
  std::string events;
  std::string bytes;
  for (const std::string& line : split_lines(AppCalls().run(one.input))) {
    if (line.starts_with("wire "))
      bytes = line.substr(6, line.size() - 7);
    else
      events += line + "\n";
  }
  EXPECT_EQ(bytes, wire);
  EXPECT_EQ(events, expected);
}

// --- Registration ---

class CaseTest : public testing::Test {
 public:
  CaseTest(const Case& one, void (*driver)(const Case&)) : one_(one), driver_(driver) {}
  void TestBody() override { driver_(one_); }

 private:
  const Case& one_;
  void (*driver_)(const Case&);
};

void add_test(const Case& one, const char* driver_name, void (*driver)(const Case&)) {
  testing::RegisterTest(one.file.c_str(), (one.name + ": " + driver_name).c_str(), nullptr, nullptr,
                        __FILE__, __LINE__,
                        [&one, driver]() -> testing::Test* { return new CaseTest(one, driver); });
}

}  // namespace
}  // namespace cppcorn::conformance

int main(int argc, char** argv) {
  using namespace cppcorn::conformance;
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: http1_conformance DIRECTORY\n");
    return 2;
  }
  const std::vector<Case> cases = read_cases(argv[1]);
  for (const Case& one : cases) {
    if (one.file.starts_with("response-")) {
      add_test(one, "response", response);
      continue;
    }
    add_test(one, "whole", whole);
    add_test(one, "byte by byte", byte_by_byte);
    add_test(one, "cut in two", cut_in_two);
    add_test(one, "paused", paused);
    add_test(one, "pipelined", pipelined);
  }
  return RUN_ALL_TESTS();
}
