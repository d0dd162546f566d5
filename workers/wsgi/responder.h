// Responder: the response of the request that a pool thread is at: what start_response(), write()
// and the blocks of the iterable become on their way to the outbox. It enforces the order of PEP
// 3333 and the length that the app announced; mistakes of the app are Python exceptions.
//
// One per pool thread, used by it alone, with the GIL. Between two requests it is idle.
#pragma once

#include <cstdint>
#include <optional>

#include "protocols/http/date.h"
#include "src/server/response_writer.h"
#include "workers/python/ref.h"
#include "workers/wsgi/engine.h"

namespace cppcorn::wsgi {

class Responder {
 public:
  // What has become of a block.
  enum class Sent : uint8_t {
    kMore,      // the next one may follow
    kEnough,    // nothing more is wanted: the client has gone, or has all that it was promised
    kRaised,    // a Python exception is pending
    kTooShort,  // it was the last, and less than Content-Length
  };

  explicit Responder(Engine& engine) noexcept : engine_(engine) {}

  void begin(Call& call);
  // The request is over: whatever the app calls from now on is refused.
  void end() noexcept;
  bool active() const noexcept { return call_ != nullptr; }

  // start_response(status, headers[, exc_info]): headers is a list or a tuple, exc_info may be
  // nullptr. False with an exception pending.
  bool start(python::GilHeld& gil, PyObject* status, PyObject* headers, PyObject* exc_info);
  // wsgi.early_hints(headers).
  bool hint(python::GilHeld& gil, PyObject* headers);

  // A block of the body; last: none will follow, and the whole body's length is known. Empty blocks
  // are nothing.
  Sent block(python::GilHeld& gil, PyObject* bytes, bool last);
  // A range of a file, as the whole rest of the body.
  Sent file(python::GilHeld& gil, FileRange range);
  // The body's length, known before its first block. False with an exception pending.
  bool announce_length(python::GilHeld& gil, uint64_t bytes);
  // The iterable has ended.
  Sent finish(python::GilHeld& gil);

  // What may still be sent of the length that the app announced; nothing when it didn't.
  std::optional<uint64_t> remaining() const noexcept;
  bool started() const noexcept { return writer_->started(); }
  bool head_left() const noexcept { return posted_; }
  // HEAD, 204, 304: the blocks go nowhere.
  bool bodiless() const noexcept;
  // The app wanted to send more than it had announced.
  bool too_long() const noexcept { return too_long_; }
  // The last bytes have been handed over.
  bool complete() const noexcept { return complete_; }

  // Hands over what has been encoded since. release: the thread is done with the call.
  void post(python::GilHeld& gil, bool release);
  bool must_post() const noexcept { return writer_->encoder().finished() && !complete_; }

 private:
  bool check_active() const;
  bool raise_again(python::GilHeld& gil, PyObject* exc_info);
  bool start_line(PyObject* status);
  bool add_headers(PyObject* headers);
  Sent sent(python::GilHeld& gil, http1::EncodeError error, bool last);

  Engine& engine_;
  Call* call_ = nullptr;
  std::optional<server::ResponseWriter> writer_;
  http::DateLine date_;
  bool busy_ = false;  // waits for room without the GIL
  bool too_long_ = false;
  bool posted_ = false;  // bytes of this response have been handed over
  bool complete_ = false;
};

}  // namespace cppcorn::wsgi
