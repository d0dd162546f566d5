// HttpCycle: one request and its response as the engine sees them, without anything of Python in it
// but the task that answers. The exchange's upcalls note here what happened, without the GIL; the
// engine's dispatch tells the app. Made by the engine when a request comes, recycled by it when the
// app's coroutine has ended.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "src/base/byte_buffer.h"
#include "src/base/intrusive_list.h"
#include "src/server/exchange.h"
#include "workers/python/ref.h"

namespace cppcorn::asgi {

class Engine;
struct CycleObject;
struct PendingTag;
struct LiveTag;

class HttpCycle final : public server::ExchangeListener,
                        public ListHook<PendingTag>,
                        public ListHook<LiveTag> {
 public:
  // What the app may send next:
  //
  //   kStart --start--> kBody --last body--> kComplete
  //                        \--last body, trailers promised--> kTrailers --last trailers-->
  //                        kComplete
  enum class Response : uint8_t { kStart, kBody, kTrailers, kComplete };

  // Body bytes held for an app that has not asked for them; beyond it the client is not read from.
  static constexpr size_t kBodyHighWater = 65536;

  explicit HttpCycle(Engine& engine) noexcept : engine_(engine) {}

  void begin(server::ExchangeRef exchange) noexcept;
  // Lets go of the exchange and of everything else, for the next request.
  void reset() noexcept;

  Engine& engine() noexcept { return engine_; }
  server::Exchange& exchange() noexcept { return *exchange_; }
  bool connected() const noexcept { return exchange_->connected(); }
  bool started = false;  // its task was made, or could not be

  // --- The request's body ---
  bool body_ended() const noexcept { return body_ended_; }
  bool disconnected() const noexcept { return disconnected_; }
  // A message would carry something: bytes, or the news that the body has ended.
  bool has_body_news() const noexcept { return !body_told_ && (body_ended_ || !body_.empty()); }
  bool body_told() const noexcept { return body_told_; }
  std::string_view body() const noexcept { return body_.view(); }
  // What body() held has been told to the app.
  void body_taken() noexcept;
  void want_body() noexcept;
  // The response is complete: what is still to come of the body goes to nobody.
  void discard_body() noexcept;

  // --- The response ---
  Response response_state = Response::kStart;
  bool trailers_promised = false;
  std::vector<std::pair<std::string, std::string>> trailers;  // sent so far in several messages
  static constexpr size_t kTrailersMax = 1000;
  // Output fell below the mark since this was asked for.
  bool must_wait_for_drain() const noexcept;
  void ask_for_drain() noexcept;

  // --- Python's side, touched with the GIL only ---
  CycleObject* object = nullptr;  // not owned: the task owns it; it clears this when it dies
  python::PyRef task;             // keeps the task alive: asyncio itself would not

  void on_body(std::string_view bytes) override;
  void on_body_end(const std::vector<http::Field>* trailers) override;
  void on_disconnect() override;
  void on_drained() override;

 private:
  void note() noexcept;

  Engine& engine_;
  server::ExchangeRef exchange_;
  ByteBuffer body_;
  bool body_ended_ = false;
  bool body_told_ = false;  // the app has been given the end of the body
  bool body_paused_ = false;
  bool disconnected_ = false;
  bool drain_asked_ = false;
};

}  // namespace cppcorn::asgi
