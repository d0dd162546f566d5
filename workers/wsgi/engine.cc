#include "workers/wsgi/engine.h"

#include <pthread.h>

#include <future>
#include <utility>

#include "src/base/block_signals.h"
#include "src/base/log.h"
#include "src/net/event_loop.h"
#include "src/net/notifier.h"
#include "workers/python/decref_queue.h"

namespace cppcorn::wsgi {
namespace {

// CGI turns "Foo_Bar" and "Foo-Bar" into the same name: what HTTP allows is a fault here only.
bool has_underscore(const http::RequestHead& head) noexcept {
  for (size_t i = 0; i < head.field_count(); ++i) {
    if (head.field(i).name.find('_') != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

// What lives and dies on the I/O thread. Destroyed from the bottom to the top.
struct Engine::Io {
  net::EventLoop loop;
  std::unique_ptr<server::Server> server;
  net::Notifier notifier{loop, [] {}};  // mail is read after each turn anyway
  bool told_drain = false;
  bool told_stop = false;
  bool drained = false;
};

Engine::Engine(const config::Settings& settings)
    : settings_(settings),
      spools_(server::temporary_directory(settings.tmp_upload_dir),
              settings.request_buffer_memory_bytes, settings.spool_max_bytes),
      responses_{spools_, settings.response_buffer_memory_bytes,
                 settings.response_buffer_max_bytes} {}

Engine::~Engine() { join(); }

Status Engine::start(std::vector<UniqueFd> listeners, Callbacks callbacks) {
  callbacks_ = std::move(callbacks);
  std::promise<Status> started;
  std::future<Status> result = started.get_future();
  {
    const BlockSignals inherited_by_the_thread;  // they are Python's main thread's
    thread_ = std::thread([this, &started, sockets = std::move(listeners)]() mutable {
      run_io(std::move(sockets),
             [&started](Status status) { started.set_value(std::move(status)); });
    });
  }
  Status status = result.get();
  if (!status) join();
  return status;
}

void Engine::join() {
  if (thread_.joinable()) thread_.join();
}

void Engine::drain() noexcept { wish(Wish::kDrain); }
void Engine::stop() noexcept { wish(Wish::kStop); }

void Engine::wish(Wish wish) noexcept {
  Wish before = wish_.load(std::memory_order_relaxed);
  while (before < wish && !wish_.compare_exchange_weak(before, wish, std::memory_order_relaxed)) {
  }
  outbox_.wake();
}

// --- The I/O thread -----------------------------------------------------------------------------

void Engine::run_io(std::vector<UniqueFd> listeners, const std::function<void(Status)>& started) {
  pthread_setname_np(pthread_self(), "cppcorn-io");
  Io io;
  auto server = server::Server::create(io.loop, settings_, config::AppKind::kWsgi, *this,
                                       std::move(listeners));
  if (!server) return started(server.error());
  io.server = std::move(server).value();
  response_shared_ = &io.server->response_shared();
  outbox_.set_waker([&io] { io.notifier.notify(); });
  io.server->start();
  started(ok_status());
  serve(io);
  outbox_.set_waker({});
  for (auto& call : calls_) call->reset();
  if (callbacks_.on_end) callbacks_.on_end();
}

void Engine::serve(Io& io) {
  const auto live_calls = [this] { return calls_.size() - free_.size(); };
  follow_wish(io);  // that came when there was no loop to wake
  while (!io.drained || live_calls() > 0) {
    io.loop.run_once(watched_.empty() ? net::EventLoop::kForever
                                      : static_cast<int>(Outbox::kWatchMs));
    if (!ready_.empty()) queue_.push(ready_);
    handle_mail();
    if (!watched_.empty() && io.loop.now_ms() != looked_at_ms_) {
      looked_at_ms_ = io.loop.now_ms();
      look_at_watched();
    }
    if (python::drops_wait()) queue_.nudge();
    follow_wish(io);
  }
}

void Engine::follow_wish(Io& io) {
  const Wish wish = wish_.load(std::memory_order_relaxed);
  if (wish == Wish::kServe) return;
  if (!std::exchange(io.told_drain, true)) {
    io.server->drain([&io] {
      io.drained = true;
      io.loop.wake();
    });
    if (callbacks_.on_draining) callbacks_.on_draining();
  }
  if (wish == Wish::kStop && !std::exchange(io.told_stop, true)) io.server->stop();
}

void Engine::on_request(server::ExchangeRef exchange) {
  if (settings_.header_map == config::HeaderMap::kRefuse && has_underscore(exchange->head())) {
    return exchange->refuse(400, "underscore in a field name");
  }
  if (free_.empty()) {
    calls_.push_back(std::make_unique<Call>(static_cast<CallHost&>(*this), responses_));
    free_.push_back(calls_.back().get());
  }
  Call& call = *free_.back();
  free_.pop_back();
  call.begin(std::move(exchange));
}

void Engine::call_changed(Call& call) {
  if (!call.ListHook<>::linked()) changed_.push_back(call);
}

void Engine::call_over(Call& call) {
  call.ListHook<>::unlink();
  call.ListHook<WatchTag>::unlink();
  call.reset();
  free_.push_back(&call);
}

void Engine::handle_mail() {
  outbox_.collect(collected_);
  for (Call* call : collected_) handle(*call);
  collected_.clear();
  while (!changed_.empty()) handle(changed_.pop_front());
}

void Engine::handle(Call& call) {
  call.handle_mail();
  if (!call.streaming() || call.ListHook<WatchTag>::linked()) return;
  outbox_.watch(call);
  watched_.push_back(call);
}

// Streaming responses: what has been added since the last look leaves in one write.
void Engine::look_at_watched() {
  Call* next = watched_.first();
  while (next != nullptr) {
    Call& call = *next;
    next = watched_.next(call);
    if (!outbox_.look_at(call)) {
      call.ListHook<WatchTag>::unlink();
    } else {
      call.handle_mail();  // may put it back among the free ones, which unlinks it
    }
  }
}

}  // namespace cppcorn::wsgi
