#include "src/control/messages.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <concepts>
#include <iterator>
#include <limits>
#include <utility>

#include "src/control/json_text.h"

namespace cppcorn::control {
namespace {

// A message is one line in a log, however much an exception has to say.
constexpr size_t kTextBytesMax = 8 * 1024;
// Of a type that is not known, for a log.
constexpr size_t kTypeBytesMax = 40;

// --- writing ---

class Writer {
 public:
  explicit Writer(std::string_view type) {
    out_ = R"({"type":)";
    append_json_text(out_, type);
  }
  Writer& text(std::string_view key, std::string_view value) {
    begin(key);
    append_json_text(out_, value);
    return *this;
  }
  Writer& number(std::string_view key, std::integral auto value) {
    begin(key);
    fmt::format_to(std::back_inserter(out_), "{}", value);
    return *this;
  }
  Writer& raw(std::string_view key, std::string_view json) {
    begin(key);
    out_ += json;
    return *this;
  }
  std::string line() const { return out_ + "}\n"; }

 private:
  void begin(std::string_view key) { fmt::format_to(std::back_inserter(out_), ",\"{}\":", key); }
  std::string out_;
};

std::string listeners_json(const std::vector<InheritedListener>& listeners) {
  std::string out = "[";
  for (const InheritedListener& listener : listeners) {
    if (out.size() > 1) out += ',';
    fmt::format_to(std::back_inserter(out), R"({{"fd":{},"url":)", listener.fd);
    append_json_text(out, listener.url);
    out += '}';
  }
  return out + ']';
}

std::string_view beginning(std::string_view text, size_t bytes_max) noexcept {
  return text.substr(0, bytes_max);
}
// A traceback ends with what matters.
std::string_view ending(std::string_view text, size_t bytes_max) noexcept {
  return text.substr(text.size() - std::min(text.size(), bytes_max));
}

constexpr std::array<std::pair<Stage, std::string_view>, 3> kStages = {
    {{Stage::kApp, "app"}, {Stage::kBoot, "boot"}, {Stage::kProtocol, "protocol"}}};

std::string_view stage_name(Stage stage) noexcept {
  for (const auto& [value, name] : kStages) {
    if (value == stage) return name;
  }
  CPPCORN_UNREACHABLE();
}

std::string line_of(const Start& start) {
  return Writer("start")
      .number("protocol", start.protocol)
      .raw("check", start.check ? "true" : "false")
      .raw("settings", start.settings_json)
      .raw("listeners", listeners_json(start.listeners))
      .number("worker_number", start.worker_number)
      .number("generation", start.generation)
      .number("master_pid", start.master_pid)
      .number("graceful_timeout_ms", start.graceful_timeout_ms)
      .line();
}
std::string line_of(const Drain& drain) {
  return Writer("drain").number("timeout_ms", drain.timeout_ms).line();
}
std::string line_of(const Stop&) { return Writer("stop").line(); }
std::string line_of(const Unknown& unknown) { return Writer(unknown.type).line(); }

std::string line_of(const Hello& hello) {
  return Writer("hello")
      .number("protocol", hello.protocol)
      .number("pid", hello.pid)
      .text("python", beginning(hello.python, kTextBytesMax))
      .text("version", beginning(hello.version, kTextBytesMax))
      .line();
}
std::string line_of(const Ready& ready) {
  return Writer("ready")
      .text("kind", beginning(ready.kind, kTextBytesMax))
      .text("reason", beginning(ready.reason, kTextBytesMax))
      .text("app", beginning(ready.app, kTextBytesMax))
      .line();
}
std::string line_of(const Failed& failed) {
  return Writer("failed")
      .text("stage", stage_name(failed.stage))
      .text("message", beginning(failed.message, kTextBytesMax))
      .text("traceback", ending(failed.traceback, kTracebackBytesMax))
      .line();
}
std::string line_of(const Draining&) { return Writer("draining").line(); }
std::string line_of(const Bye&) { return Writer("bye").line(); }

// --- reading ---

// Reads the keys of one object. The first thing that is wrong stays; what follows it reads as
// empty.
class Reader {
 public:
  explicit Reader(simdjson::dom::object object) : object_(object) {}

  std::string text(const char* key) {
    std::string_view value;
    if (object_[key].get_string().get(value) != simdjson::SUCCESS) wrong(key, "a text");
    return std::string(value);
  }
  template <std::integral T>
  T number(const char* key) {
    int64_t value = 0;
    if (object_[key].get_int64().get(value) != simdjson::SUCCESS || !std::in_range<T>(value)) {
      wrong(key, "a number in range");
      return 0;
    }
    return static_cast<T>(value);
  }
  bool truth(const char* key) {
    bool value = false;
    if (object_[key].get_bool().get(value) != simdjson::SUCCESS) wrong(key, "true or false");
    return value;
  }
  std::string object_text(const char* key) {
    simdjson::dom::object value;
    if (object_[key].get_object().get(value) != simdjson::SUCCESS) {
      wrong(key, "an object");
      return "{}";
    }
    return simdjson::to_string(value);
  }
  std::vector<simdjson::dom::object> objects(const char* key) {
    std::vector<simdjson::dom::object> found;
    simdjson::dom::array array;
    if (object_[key].get_array().get(array) != simdjson::SUCCESS)
      wrong(key, "a list");
    else
      for (const simdjson::dom::element item : array) {
        simdjson::dom::object object;
        if (item.get_object().get(object) != simdjson::SUCCESS)
          wrong(key, "a list of objects");
        else
          found.push_back(object);
      }
    return found;
  }

  void wrong(std::string_view key, std::string_view wanted) {
    if (error_.empty()) error_ = fmt::format("key \"{}\" must be {}", key, wanted);
  }
  const std::string& error() const noexcept { return error_; }

 private:
  simdjson::dom::object object_;
  std::string error_;
};

Start read_start(Reader& reader) {
  Start start;
  start.protocol = reader.number<int>("protocol");
  // Nothing else is sure to be as it is here.
  if (start.protocol != kProtocol) return start;
  start.check = reader.truth("check");
  start.settings_json = reader.object_text("settings");
  for (const simdjson::dom::object& object : reader.objects("listeners")) {
    Reader listener(object);
    start.listeners.push_back({listener.number<int>("fd"), listener.text("url")});
    if (!listener.error().empty()) reader.wrong("listeners", "a list of {fd, url}");
  }
  start.worker_number = reader.number<uint32_t>("worker_number");
  start.generation = reader.number<uint32_t>("generation");
  start.master_pid = reader.number<int>("master_pid");
  start.graceful_timeout_ms = reader.number<uint64_t>("graceful_timeout_ms");
  return start;
}

Hello read_hello(Reader& reader) {
  Hello hello;
  hello.protocol = reader.number<int>("protocol");
  if (hello.protocol != kProtocol) return hello;
  hello.pid = reader.number<int>("pid");
  hello.python = reader.text("python");
  hello.version = reader.text("version");
  return hello;
}

Failed read_failed(Reader& reader) {
  Failed failed;
  const std::string stage = reader.text("stage");
  bool known = false;
  for (const auto& [value, name] : kStages) {
    if (name != stage) continue;
    failed.stage = value;
    known = true;
  }
  if (!known) reader.wrong("stage", "app, boot or protocol");
  failed.message = reader.text("message");
  failed.traceback = reader.text("traceback");
  return failed;
}

// Parses the line, and lets `read(type, reader)` make the message.
template <typename Message, typename Read>
Result<Message> decode(std::string_view line, Read read) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  const simdjson::padded_string padded(line);
  if (const auto error = parser.parse(padded).get_object().get(object);
      error != simdjson::SUCCESS) {
    return Error{fmt::format("no JSON object: {}", simdjson::error_message(error))};
  }
  Reader reader(object);
  const std::string type = reader.text("type");
  Message message = read(type, reader);
  if (reader.error().empty()) return message;
  return Error{fmt::format("{} message: {}", type.substr(0, kTypeBytesMax), reader.error())};
}

}  // namespace

std::string encode(const ToWorker& message) {
  return std::visit([](const auto& one) { return line_of(one); }, message);
}
std::string encode(const ToMaster& message) {
  return std::visit([](const auto& one) { return line_of(one); }, message);
}

Result<ToWorker> decode_to_worker(std::string_view line) {
  return decode<ToWorker>(line, [](const std::string& type, Reader& reader) -> ToWorker {
    if (type == "start") return read_start(reader);
    if (type == "drain") return Drain{reader.number<uint64_t>("timeout_ms")};
    if (type == "stop") return Stop{};
    return Unknown{type.substr(0, kTypeBytesMax)};
  });
}

Result<ToMaster> decode_to_master(std::string_view line) {
  return decode<ToMaster>(line, [](const std::string& type, Reader& reader) -> ToMaster {
    if (type == "hello") return read_hello(reader);
    if (type == "ready") {
      return Ready{reader.text("kind"), reader.text("reason"), reader.text("app")};
    }
    if (type == "failed") return read_failed(reader);
    if (type == "draining") return Draining{};
    if (type == "bye") return Bye{};
    return Unknown{type.substr(0, kTypeBytesMax)};
  });
}

}  // namespace cppcorn::control
