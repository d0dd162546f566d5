// Engine: the WSGI worker without its Python half: the I/O thread with the server on it, the queue
// to the pool threads, and the outbox back. The I/O thread never takes the GIL: a slow app, or one
// that holds the GIL, stops nobody from being read from and written to.
//
//     I/O thread: accept, parse, spool bodies ──RequestQueue──▶ pool threads: the app
//                 send, buffer                ◀────Outbox──────
//
// Made by the worker before it says that it is ready; lives until the process ends, as Python
// objects that the app has kept may point to its stores.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "src/config/settings.h"
#include "src/server/request_handler.h"
#include "src/server/server.h"
#include "src/server/spool.h"
#include "workers/wsgi/call.h"
#include "workers/wsgi/outbox.h"
#include "workers/wsgi/request_queue.h"

namespace cppcorn::wsgi {

class Engine final : public server::RequestHandler, private CallHost {
 public:
  // settings outlive the engine.
  explicit Engine(const config::Settings& settings);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Called on the I/O thread.
  struct Callbacks {
    std::function<void()> on_draining;  // nothing is accepted any more
    std::function<void()> on_end;       // drained, and every request out of the app: the last word
  };
  // Starts the I/O thread; returns once it accepts.
  Status start(std::vector<UniqueFd> listeners, Callbacks callbacks);
  // Waits for the I/O thread to end.
  void join();

  // From any thread.
  void drain() noexcept;
  void stop() noexcept;
  bool draining() const noexcept { return wish_.load(std::memory_order_relaxed) != Wish::kServe; }
  bool stopping() const noexcept { return wish_.load(std::memory_order_relaxed) == Wish::kStop; }

  const config::Settings& settings() const noexcept { return settings_; }
  RequestQueue& queue() noexcept { return queue_; }
  server::SpoolStore& spools() noexcept { return spools_; }
  Outbox& outbox() noexcept { return outbox_; }
  const server::ResponseShared& response_shared() const noexcept { return *response_shared_; }

 private:
  enum class Wish : uint8_t { kServe, kDrain, kStop };
  struct Io;

  // server::RequestHandler
  void on_request(server::ExchangeRef exchange) override;
  // CallHost
  void call_ready(Call& call) override { ready_.push_back(call); }
  void call_changed(Call& call) override;
  void call_over(Call& call) override;
  std::mutex& mail_mutex() noexcept override { return outbox_.mutex(); }
  bool buffers_requests() const noexcept override { return settings_.request_buffering; }

  void run_io(std::vector<UniqueFd> listeners, const std::function<void(Status)>& started);
  void serve(Io& io);
  void follow_wish(Io& io);
  void handle_mail();
  void handle(Call& call);
  void look_at_watched();
  void wish(Wish wish) noexcept;

  const config::Settings& settings_;
  server::SpoolStore spools_;
  ResponseStore responses_;
  RequestQueue queue_;
  Outbox outbox_;
  std::atomic<Wish> wish_{Wish::kServe};
  std::thread thread_;
  Callbacks callbacks_;
  const server::ResponseShared* response_shared_ = nullptr;

  // --- I/O thread ---
  std::vector<std::unique_ptr<Call>>
      calls_;  // all that were ever made: at most as many as requests in flight
  std::vector<Call*> free_;
  RequestQueue::List
      ready_;  // complete in this turn: they go to the pool together, with one wake-up
  std::vector<Call*> collected_;  // whose mail is being read
  IntrusiveList<Call> changed_;
  IntrusiveList<Call, WatchTag> watched_;
  uint64_t looked_at_ms_ = 0;
};

}  // namespace cppcorn::wsgi
