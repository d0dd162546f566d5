// What master and worker say to each other over the control channel: one JSON object a line,
// {"type": NAME, …}. Plain data, with its text form. Unknown keys are passed over, so that a key
// may be added without a new protocol number; a key that changes its meaning, or a new message that
// must not be missed, needs one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "src/base/result.h"

namespace cppcorn::control {

// Compared at the handshake, in place of the package's version: after an upgrade under a running
// server the old binary and the new extension go on together as long as this number is the same.
constexpr int kProtocol = 1;

// The longest line, newline included. Settings take a few kilobytes; a traceback is cut to
// kTracebackBytesMax.
constexpr size_t kLineBytesMax = 512 * 1024;
constexpr size_t kTracebackBytesMax = 64 * 1024;

// Exit codes of a worker that never served, and of the whole server when the first start fails;
// gunicorn's numbers.
constexpr int kExitBoot =
    3;  // it could not start: no such package, another protocol, a lifespan that failed
constexpr int kExitApp = 4;  // the application could not be loaded

// --- master to worker ---

struct InheritedListener {
  int fd = -1;      // in the worker
  std::string url;  // for logs: "http://127.0.0.1:8000", "unix:/run/app.sock"
  bool operator==(const InheritedListener&) const = default;
};

// The first message, sent before the worker is even up.
struct Start {
  int protocol = kProtocol;
  bool check = false;         // load the application, answer ready or failed, exit
  std::string settings_json;  // an object; config::from_json reads it
  std::vector<InheritedListener> listeners;
  uint32_t worker_number = 0;        // 1… of this server, the same for a worker and its successor
  uint32_t generation = 1;           // grows with each reload
  int master_pid = 0;                // what getppid() must be
  uint64_t graceful_timeout_ms = 0;  // for a drain that nobody ordered: the master is gone
  bool operator==(const Start&) const = default;
};

// Accept nothing more, finish what is in flight, say bye and exit 0. What takes longer than
// timeout_ms is cut.
struct Drain {
  uint64_t timeout_ms = 0;
  bool operator==(const Drain&) const = default;
};

// Close everything now and exit 0.
struct Stop {
  bool operator==(const Stop&) const = default;
};

// A message that this version does not know: it is passed over.
struct Unknown {
  std::string type;
  bool operator==(const Unknown&) const = default;
};

using ToWorker = std::variant<Start, Drain, Stop, Unknown>;

// --- worker to master ---

struct Hello {
  int protocol = kProtocol;
  int pid = 0;
  std::string python;   // "3.11.7"
  std::string version;  // of the package
  bool operator==(const Hello&) const = default;
};

struct Ready {
  std::string kind;    // "asgi", "gthread", "sync"
  std::string reason;  // why this kind: "-k asgi", "it is a coroutine function"
  std::string app;     // what was loaded, as a person would name it
  bool operator==(const Ready&) const = default;
};

enum class Stage : uint8_t {
  kApp,      // "app": the application cannot be loaded, or is none; exit code 4
  kBoot,     // "boot": anything else that kept the worker from serving; exit code 3
  kProtocol  // "protocol": binary and package do not understand each other; exit code 3
};

struct Failed {
  Stage stage = Stage::kBoot;
  std::string message;    // one line
  std::string traceback;  // may be empty: the message says it all
  bool operator==(const Failed&) const = default;
};

// It has stopped accepting: its copies of the listeners are closed.
struct Draining {
  bool operator==(const Draining&) const = default;
};

// The last word of a worker that ends as it was told to.
struct Bye {
  bool operator==(const Bye&) const = default;
};

using ToMaster = std::variant<Hello, Ready, Failed, Draining, Bye, Unknown>;

// One line, newline included. Bytes that are not UTF-8 become U+FFFD; texts that are too long are
// cut.
std::string encode(const ToWorker& message);
std::string encode(const ToMaster& message);

// A line without its newline. The error says what is wrong with it. Of a Start or Hello of another
// protocol only the number is read.
Result<ToWorker> decode_to_worker(std::string_view line);
Result<ToMaster> decode_to_master(std::string_view line);

}  // namespace cppcorn::control
