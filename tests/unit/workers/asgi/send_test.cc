#include "workers/asgi/send.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "tests/unit/workers/asgi/asgi_test.h"

namespace cppcorn::asgi {
namespace {

using testing::kGet;

class SendTest : public testing::AsgiTest {
 protected:
  void SetUp() override {
    AsgiTest::SetUp();
    serve_by_hand();
  }
  // A request of its own for each case, at which the test plays the application.
  void begin(std::string_view request = kGet) {
    disconnect_server_side();
    connect();
    send(request);
  }
  // What send() of these messages, one after the other, raised; the last one's outcome.
  std::string outcome_of(const std::string& messages) {
    run("outcomes = [outcome(lambda: send(m)) for m in (" + messages + ",)]");
    return python::to_utf8(gil_, eval("outcomes[-1]").get());
  }
  std::string bytes_of(const std::string& messages) {
    begin();
    EXPECT_EQ(outcome_of(messages), "none") << messages;
    return receive();
  }
};

// --- Messages that become bytes ---

TEST_F(SendTest, AResponseInTwoMessagesLeavesWithItsLength) {
  EXPECT_EQ(bytes_of("{'type': 'http.response.start', 'status': 201, 'headers': [(b'x-a', b'1'), "
                     "(b'X-B', b'\\xe4'), (b'x-a', b'2')]}, "
                     "{'type': 'http.response.body', 'body': b'some'}"),
            "HTTP/1.1 201 Created\r\nx-a: 1\r\nX-B: \xe4\r\nx-a: 2\r\ncontent-length: "
            "4\r\n\r\nsome");
}

TEST_F(SendTest, EveryKeyButTypeAndStatusHasADefault) {
  EXPECT_EQ(
      bytes_of("{'type': 'http.response.start', 'status': 200}, {'type': 'http.response.body'}"),
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
}

TEST_F(SendTest, TheHeadWaitsForTheFirstBlock) {
  begin();
  EXPECT_EQ(outcome_of("START"), "none");
  EXPECT_EQ(receive(), "");
  EXPECT_EQ(outcome_of("{**END, 'more_body': True}"), "none");
  EXPECT_EQ(receive(), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n");
  EXPECT_EQ(outcome_of("{**END, 'body': b''}"), "none");
  EXPECT_EQ(receive(), "0\r\n\r\n");
}

TEST_F(SendTest, BlocksOfOneTurnAreOneWrite) {
  EXPECT_EQ(bytes_of("START, {**END, 'more_body': True}, {**END, 'more_body': True}, END"),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
            "2\r\nok\r\n2\r\nok\r\n2\r\nok\r\n0\r\n\r\n");
}

TEST_F(SendTest, FramingIsTheServers) {
  EXPECT_EQ(bytes_of("{**START, 'headers': [(b'transfer-encoding', b'gzip'), (b'connection', "
                     "b'upgrade'), (b'content-length', b'2')]}, END"),
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
}

TEST_F(SendTest, BodiesThatAreBuffersAreCopied) {
  EXPECT_EQ(bytes_of("START, {**END, 'body': memoryview(b'abcd')[1:3]}").substr(38), "bc");
}

TEST_F(SendTest, ALargeBodyIsKeptUntilItHasBeenSentAndNoLonger) {
  begin();
  run("body = b'x' * 100_000\nimport sys\nbefore = sys.getrefcount(body)");
  EXPECT_EQ(outcome_of("START, {**END, 'body': body}"), "none");
  EXPECT_EQ(repr("sys.getrefcount(body) - before"), "1");
  std::string all;
  while (all.size() < 100'000) all += receive();
  turns();
  EXPECT_EQ(repr("sys.getrefcount(body) - before"), "0");
}

TEST_F(SendTest, NoBodyForHeadAndForStatusesWithoutOne) {
  begin("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(outcome_of("START, END"), "none");
  EXPECT_EQ(receive(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
  EXPECT_EQ(bytes_of("{**START, 'status': 204}, {**END, 'body': b''}"),
            "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST_F(SendTest, Trailers) {
  const char* messages =
      "{**START, 'trailers': True}, END, "
      "{'type': 'http.response.trailers', 'headers': [(b'x-a', b'1')], 'more_trailers': True}, "
      "{'type': 'http.response.trailers', 'headers': iter([[b'x-b', b'2']])}";
  begin("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n");
  EXPECT_EQ(outcome_of(messages), "none");
  EXPECT_EQ(receive(),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
            "x-a: 1\r\nx-b: 2\r\n\r\n");
  EXPECT_EQ(bytes_of(messages).find("x-a"), std::string::npos) << "not to who did not ask";
}

TEST_F(SendTest, EarlyHintsLeaveAtOnce) {
  begin();
  EXPECT_EQ(outcome_of("{'type': 'http.response.early_hint', 'links': [b'</a>', b'</b>']}"),
            "none");
  EXPECT_EQ(receive(), "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nlink: </b>\r\n\r\n");
  EXPECT_EQ(outcome_of("START, {'type': 'http.response.early_hint', 'links': (b'</c>',)}"), "none");
  EXPECT_EQ(receive(), "HTTP/1.1 103 Early Hints\r\nlink: </c>\r\n\r\n");
  EXPECT_EQ(outcome_of("{'type': 'http.response.early_hint'}, END"), "none");
  EXPECT_EQ(receive(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
}

class SendFileTest : public SendTest {
 protected:
  void SetUp() override {
    SendTest::SetUp();
    run("import os, tempfile\nfile = tempfile.NamedTemporaryFile()\n"
        "file.write(b'0123456789')\nfile.flush()\nfile.seek(3)\n"
        "def part(**more): return {'type': 'http.response.zerocopysend', 'file': file, **more}");
  }
  void TearDown() override {
    run("file.close()");
    SendTest::TearDown();
  }
  std::string body_of(const std::string& messages) {
    const std::string all = bytes_of("START, " + messages);
    return all.substr(all.find("\r\n\r\n") + 4);
  }
};

TEST_F(SendFileTest, APathIsAWholeBody) {
  EXPECT_EQ(bytes_of("START, {'type': 'http.response.pathsend', 'path': file.name}"),
            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789");
}

TEST_F(SendFileTest, FromThePositionOrAnOffset) {
  EXPECT_EQ(body_of("part()"), "3456789");
  EXPECT_EQ(repr("file.tell()"), "10") << "the position moves on";
  EXPECT_EQ(body_of("part(offset=1, count=2)"), "12");
  EXPECT_EQ(repr("file.tell()"), "10") << "and not where an offset was given";
  EXPECT_EQ(body_of("part(offset=8, count=99)"), "89") << "to its end";
  EXPECT_EQ(body_of("part(offset=99)"), "");
}

TEST_F(SendFileTest, TheAppMayCloseItsFileAtOnce) {
  begin();
  EXPECT_EQ(outcome_of("START, part(offset=0)"), "none");
  run("os.close(os.dup(file.fileno()))\nfile.close()");
  EXPECT_NE(receive().find("0123456789"), std::string::npos);
}

TEST_F(SendFileTest, FilesThatAreNone) {
  begin();
  EXPECT_EQ(outcome_of("START, {'type': 'http.response.pathsend'}"),
            "ValueError: http.response.pathsend: \"path\" is missing");
  EXPECT_EQ(outcome_of("{'type': 'http.response.zerocopysend'}"),
            "ValueError: http.response.zerocopysend: \"file\" is missing");
  EXPECT_EQ(outcome_of("{'type': 'http.response.pathsend', 'path': '/'}"),
            "ValueError: http.response.pathsend: only regular files can be sent");
  EXPECT_EQ(outcome_of("{'type': 'http.response.pathsend', 'path': 'a\\0b'}").find("ValueError"),
            0U);
  EXPECT_EQ(outcome_of("part(file=-1)").find("ValueError"), 0U);
  EXPECT_EQ(outcome_of("part(file=object())").find("TypeError"), 0U);
  EXPECT_EQ(outcome_of("part(offset=-1)").find("ValueError"), 0U);
  EXPECT_EQ(outcome_of("END"), "none") << "none of them took the response's place";
}

// --- Messages that are refused ---

struct Refusal {
  const char* messages;  // what comes before may be accepted
  const char* outcome;   // its beginning
};

constexpr Refusal kRefusals[] = {
    {"[]", "TypeError: send() takes a message, a dict, not list"},
    {"{}", "ValueError: the message has no \"type\""},
    {"{'type': 'http.nonsense'}",
     "RuntimeError: expected ASGI message 'http.response.start', but got 'http.nonsense'"},
    {"END",
     "RuntimeError: expected ASGI message 'http.response.start', but got 'http.response.body'"},
    {"START, START", "RuntimeError: expected ASGI message 'http.response.body'"},
    {"START, END, END",
     "RuntimeError: unexpected ASGI message 'http.response.body': the response is complete"},
    {"{**START, 'trailers': True}, END, END",
     "RuntimeError: expected ASGI message 'http.response.trailers'"},
    {"START, {'type': 'http.response.trailers'}",
     "RuntimeError: expected ASGI message 'http.response.body'"},
    {"{'type': 'http.response.start'}", "ValueError: http.response.start: \"status\" is missing"},
    {"{**START, 'status': '200'}",
     "TypeError: http.response.start: \"status\" must be int, not str"},
    {"{**START, 'status': 200.0}", "TypeError: http.response.start: \"status\" must be int"},
    {"{**START, 'status': 99}", "ValueError: http.response.start: "},
    {"{**START, 'status': 101}", "ValueError: http.response.start: "},
    {"{**START, 'status': -1}", "ValueError: http.response.start: invalid status -1"},
    {"{**START, 'status': 10**40}", "ValueError: http.response.start: invalid status 1000"},
    {"{**START, 'headers': [(b'a\\n', b'b')]}", "ValueError: http.response.start: "},
    {"{**START, 'headers': [(b'', b'b')]}", "ValueError: http.response.start: "},
    {"{**START, 'headers': [(b'a', b'b\\r\\nc: d')]}", "ValueError: http.response.start: "},
    {"{**START, 'headers': [(b'a', b'\\0')]}", "ValueError: http.response.start: "},
    {"{**START, 'headers': [(b'content-length', b'1'), (b'content-length', b'2')]}",
     "ValueError: http.response.start: "},
    {"START, {**END, 'body': 'text'}", "TypeError: http.response.body: \"body\" must be bytes"},
    {"START, {**END, 'body': None}", "TypeError: http.response.body: \"body\" must be bytes"},
    {"{**START, 'headers': [(b'content-length', b'1')]}, END", "RuntimeError: http.response.body"},
    {"{**START, 'headers': [(b'content-length', b'3')]}, END", "RuntimeError: http.response.body"},
    {"{'type': 'http.response.early_hint', 'links': ['</a>']}",
     "TypeError: http.response.early_hint: link 0 must be bytes, not str"},
    {"{'type': 'http.response.early_hint', 'links': [b'a\\r\\nb: c']}",
     "ValueError: http.response.early_hint: "},
};

TEST_F(SendTest, RefusalsSayWhyAndSendNothingOfIt) {
  for (const Refusal& refusal : kRefusals) {
    begin();
    EXPECT_EQ(outcome_of(refusal.messages).rfind(refusal.outcome, 0), 0U)
        << refusal.messages << " gave " << outcome_of("{}");
    const std::string sent = receive();
    EXPECT_EQ(sent.find("\nb: c"), std::string::npos) << sent;
    EXPECT_EQ(sent.find("\nc: d"), std::string::npos) << sent;
  }
}

TEST_F(SendTest, ARefusedStartCanBeFollowedByARightOne) {
  EXPECT_EQ(bytes_of("START, END").substr(0, 15), "HTTP/1.1 200 OK");
  begin();
  outcome_of("{**START, 'headers': [(b'x-bad', b'1'), (b'a', b'\\n')]}, START, END");
  EXPECT_EQ(repr("outcomes[1:]"), "['none', 'none']");
  EXPECT_EQ(receive(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
}

// Python that runs while a message is read may send, or change what was read already.
TEST_F(SendTest, HeadersThatSend) {
  begin();
  run("def headers():\n  yield (b'x-a', b'1')\n  send(START)\n");
  EXPECT_EQ(outcome_of("{**START, 'headers': headers()}").find("RuntimeError: expected"), 0U);
  EXPECT_EQ(outcome_of("END"), "none");
  EXPECT_EQ(receive(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
}

TEST_F(SendTest, AFlagThatChangesTheHeaders) {
  begin();
  run("class Flag:\n"
      "  def __bool__(self):\n"
      "    pair.clear()\n"
      "    return False\n"
      "pair = [bytes([120] * 30), bytes([121] * 30)]\n");
  EXPECT_EQ(outcome_of("{**START, 'headers': [pair], 'trailers': Flag()}"),
            "TypeError: http.response.start: header 0 must have two items, name and value, not 0");
}

TEST_F(SendTest, TheClientIsGone) {
  begin();
  leave();
  EXPECT_EQ(outcome_of("START, END"), "ClientDisconnected: the client has disconnected");
}

TEST_F(SendTest, TheRequestIsOver) {
  begin();
  EXPECT_EQ(outcome_of("START, END"), "none");
  run("done.set_result(None)");
  turns();
  EXPECT_EQ(outcome_of("END"), "RuntimeError: send() was called after the request was over");
}

}  // namespace
}  // namespace cppcorn::asgi
