#include "src/control/messages.h"

#include <gtest/gtest.h>

namespace cppcorn::control {
namespace {

std::string_view without_newline(const std::string& line) {
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  return std::string_view(line).substr(0, line.size() - 1);
}

template <typename Message>
void expect_same_at_worker(const Message& message) {
  const auto decoded = decode_to_worker(without_newline(encode(ToWorker(message))));
  ASSERT_TRUE(decoded) << decoded.error().message;
  ASSERT_TRUE(std::holds_alternative<Message>(*decoded));
  EXPECT_EQ(std::get<Message>(*decoded), message);
}

template <typename Message>
void expect_same_at_master(const Message& message) {
  const auto decoded = decode_to_master(without_newline(encode(ToMaster(message))));
  ASSERT_TRUE(decoded) << decoded.error().message;
  ASSERT_TRUE(std::holds_alternative<Message>(*decoded));
  EXPECT_EQ(std::get<Message>(*decoded), message);
}

TEST(Messages, ReadAsTheyWereWritten) {
  Start start;
  start.check = true;
  start.settings_json = R"({"app":"main:app","bind":["[::1]:0"]})";
  start.listeners = {{4, "http://127.0.0.1:8000"}, {5, "unix:/tmp/a \"b\"\n.sock"}};
  start.worker_number = 3;
  start.generation = 7;
  start.master_pid = 4711;
  start.graceful_timeout_ms = 30'000;
  expect_same_at_worker(start);
  expect_same_at_worker(Drain{0});
  expect_same_at_worker(Drain{1ULL << 40});
  expect_same_at_worker(Stop{});
  expect_same_at_master(Hello{kProtocol, 4712, "3.11.7", "0.1.0"});
  expect_same_at_master(Ready{"asgi", "it is a coroutine function", "main:app"});
  expect_same_at_master(Failed{Stage::kApp, "no module \"m\u00e4in\"", "Traceback\n  line\n"});
  expect_same_at_master(Failed{Stage::kBoot, "", ""});
  expect_same_at_master(Failed{Stage::kProtocol, "x", ""});
  expect_same_at_master(Draining{});
  expect_same_at_master(Bye{});
}

TEST(Messages, UnknownKeysArePassedOver) {
  const auto drain = decode_to_worker(R"({"later":[1,{}],"type":"drain","timeout_ms":5})");
  ASSERT_TRUE(drain) << drain.error().message;
  EXPECT_EQ(std::get<Drain>(*drain).timeout_ms, 5u);
}

TEST(Messages, UnknownOnesAreKnownAsSuch) {
  const auto order = decode_to_worker(R"({"type":"dance","steps":3})");
  ASSERT_TRUE(order) << order.error().message;
  EXPECT_EQ(std::get<Unknown>(*order).type, "dance");
  const auto report = decode_to_master("{\"type\":\"" + std::string(1000, 'x') + "\"}");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(std::get<Unknown>(*report).type, std::string(40, 'x'));
}

TEST(Messages, OfAnotherProtocolOnlyTheNumberIsRead) {
  const auto start = decode_to_worker(R"({"type":"start","protocol":2,"settings":7})");
  ASSERT_TRUE(start) << start.error().message;
  EXPECT_EQ(std::get<Start>(*start).protocol, 2);
  const auto hello = decode_to_master(R"({"type":"hello","protocol":9})");
  ASSERT_TRUE(hello) << hello.error().message;
  EXPECT_EQ(std::get<Hello>(*hello).protocol, 9);
}

TEST(Messages, ALongTracebackKeepsItsEnd) {
  Failed failed{Stage::kApp, std::string(100'000, 'm'), std::string(1'000'000, '"') + "the end"};
  const std::string line = encode(ToMaster(failed));
  EXPECT_LT(line.size(), kLineBytesMax);
  const auto decoded = decode_to_master(without_newline(line));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(std::get<Failed>(*decoded).traceback.size(), kTracebackBytesMax);
  EXPECT_TRUE(std::get<Failed>(*decoded).traceback.ends_with("the end"));
}

class BadToWorker : public testing::TestWithParam<const char*> {};
TEST_P(BadToWorker, IsRefused) { EXPECT_FALSE(decode_to_worker(GetParam())); }
INSTANTIATE_TEST_SUITE_P(
    Lines, BadToWorker,
    testing::Values("", "x", "[]", "7", "{}", R"({"type":7})", R"({"type":"drain"})",
                    R"({"type":"drain","timeout_ms":-1})", R"({"type":"drain","timeout_ms":"5"})",
                    R"({"type":"drain","timeout_ms":1.5})", R"({"type":"start"})",
                    R"({"type":"start","protocol":1})", R"({"type":"stop"} {"type":"stop"})",
                    "{\"type\":\"\xff\"}"));

class BadToMaster : public testing::TestWithParam<const char*> {};
TEST_P(BadToMaster, IsRefused) { EXPECT_FALSE(decode_to_master(GetParam())); }
INSTANTIATE_TEST_SUITE_P(
    Lines, BadToMaster,
    testing::Values("", "{}", R"({"type":"hello"})",
                    R"({"type":"hello","protocol":1,"pid":99999999999,"python":"","version":""})",
                    R"({"type":"ready","kind":"asgi","reason":""})",
                    R"({"type":"failed","stage":"moon","message":"","traceback":""})"));

}  // namespace
}  // namespace cppcorn::control
