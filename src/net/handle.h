// Handle: what every object that embeds a uv handle has in common (for src/net only): open →
// closing → closed.
//
//            opened()            close()              libuv's close callback
//   unused ──────────▶ open ──────────▶ closing ─────────────────────────▶ closed
//
// libuv keeps a pointer to the handle until its close callback, so the object is created with new,
// and its owner calls let_go() instead of delete: it dies in the close callback, or at once if it
// never was open or has closed already. Derived needs a static void destroy(Derived*) only if plain
// delete will not do.
#pragma once

#include <uv.h>

#include <cstdint>

#include "src/base/assert.h"
#include "src/net/event_loop.h"

namespace cppcorn::net {

template <typename Derived, typename UvType>
class Handle {
 public:
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  bool is_open() const noexcept { return state_ == State::kOpen; }
  EventLoop& event_loop() noexcept { return *static_cast<EventLoop*>(uv_.loop->data); }

  // Idempotent. No callback of the handle runs any more.
  void close() noexcept {
    if (state_ != State::kOpen) return;
    state_ = State::kClosing;
    uv_close(reinterpret_cast<uv_handle_t*>(&uv_), on_closed);
  }

  // The owner's last call.
  void let_go() noexcept {
    CPPCORN_DCHECK(owned_);
    owned_ = false;
    close();
    if (state_ != State::kClosing) Derived::destroy(self());
  }

  static void destroy(Derived* handle) noexcept { delete handle; }

 protected:
  Handle() noexcept = default;
  ~Handle() = default;

  // After uv_*_init said 0.
  void opened() noexcept { state_ = State::kOpen; }
  static Derived* from(UvType* uv) noexcept {
    return static_cast<Derived*>(static_cast<Handle*>(uv->data));
  }
  uv_handle_t* uv_handle() noexcept { return reinterpret_cast<uv_handle_t*>(&uv_); }
  // libuv does not touch data in uv_*_init.
  UvType uv_{.data = static_cast<Handle*>(this)};

 private:
  enum class State : uint8_t { kUnused, kOpen, kClosing, kClosed };

  Derived* self() noexcept { return static_cast<Derived*>(this); }
  static void on_closed(uv_handle_t* uv) noexcept {
    Handle* handle = static_cast<Handle*>(uv->data);
    handle->state_ = State::kClosed;
    if (!handle->owned_) Derived::destroy(handle->self());
  }

  State state_ = State::kUnused;
  bool owned_ = true;
};

}  // namespace cppcorn::net
