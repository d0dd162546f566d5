#include "protocols/http/request_head.h"

#include <gtest/gtest.h>

#include <string>

namespace cppcorn::http {
namespace {

void add_field(RequestHead& head, std::string_view name, std::string_view value) {
  const RequestHead::Span name_span{head.append(name), static_cast<uint32_t>(name.size())};
  const RequestHead::Span value_span{head.append(value), static_cast<uint32_t>(value.size())};
  head.fields().push_back({name_span, value_span});
}

TEST(RequestHead, FindsTheFirstFieldOfAName) {
  RequestHead head;
  add_field(head, "a", "");
  add_field(head, "cookie", "1");
  add_field(head, "cookie", std::string(10000, '2'));
  EXPECT_EQ(head.find("cookie"), "1");
  EXPECT_EQ(head.field(2).value.size(), 10000u);
  EXPECT_NE(head.find("a").data(), nullptr);
  EXPECT_EQ(head.find("b").data(), nullptr);
}

TEST(RequestHead, ForgetsAllButItsMemory) {
  RequestHead head;
  add_field(head, "host", "a");
  head.method_ = {0, 4};
  head.content_length_ = 3;
  head.version_minor_ = 0;
  head.target_form_ = TargetForm::kAsterisk;
  head.has_content_length_ = head.chunked_ = head.keep_alive_ = true;
  head.expects_continue_ = head.accepts_trailers_ = head.wants_upgrade_ = true;
  const size_t memory = head.memory();
  head.clear();
  EXPECT_EQ(head.memory(), memory);
  EXPECT_EQ(head.arena_size(), 0u);
  EXPECT_EQ(head.field_count(), 0u);
  EXPECT_EQ(head.method(), "");
  EXPECT_EQ(head.version_minor(), 1);
  EXPECT_EQ(head.target_form(), TargetForm::kOrigin);
  EXPECT_FALSE(head.has_body() || head.has_content_length() || head.keep_alive());
  EXPECT_FALSE(head.expects_continue() || head.accepts_trailers() || head.wants_upgrade());
}

}  // namespace
}  // namespace cppcorn::http
