#include "protocols/http1/trailer_section.h"

#include <gtest/gtest.h>

namespace cppcorn::http1 {
namespace {

TEST(TrailerSection, JoinsPiecesAndNormalises) {
  TrailerSection section;
  section.begin_field();
  section.append_name("X-");
  section.append_name("Sum");
  section.append_value(" a");
  section.append_value("");
  section.append_value(" b\t");
  section.begin_field();
  section.append_name("empty");
  section.append_value("");
  EXPECT_EQ(section.count(), 2u);
  EXPECT_FALSE(section.finish().has_value());
  ASSERT_EQ(section.fields().size(), 2u);
  EXPECT_EQ(section.fields()[0].name, "x-sum");
  EXPECT_EQ(section.fields()[0].value, "a b");
  EXPECT_EQ(section.fields()[1].value, "");
}

TEST(TrailerSection, RefusesFramingAndDropsWhatMustNotComeLate) {
  for (const std::string_view name : {"Content-Length", "TRANSFER-ENCODING", "host"}) {
    TrailerSection section;
    section.begin_field();
    section.append_name(name);
    section.append_value("1");
    const auto refusal = section.finish();
    ASSERT_TRUE(refusal.has_value()) << name;
    EXPECT_EQ(refusal->status, 400);
  }
  TrailerSection section;
  for (const std::string_view name : {"Authorization", "X-Forwarded-For", "Cookie", "kept"}) {
    section.begin_field();
    section.append_name(name);
    section.append_value("1");
  }
  EXPECT_FALSE(section.finish().has_value());
  ASSERT_EQ(section.fields().size(), 1u);
  EXPECT_EQ(section.fields()[0].name, "kept");
}

}  // namespace
}  // namespace cppcorn::http1
