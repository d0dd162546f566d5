// OrderBox: carries the master's orders from the control thread to the loop's thread, and there,
// with the GIL, to Python. Owned by AsgiWorker; made and destroyed on the loop's thread, before
// which orders on their way are dropped.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "src/control/worker_control.h"
#include "src/net/notifier.h"
#include "workers/asyncio/loop_driver.h"
#include "workers/python/ref.h"

namespace cppcorn::asgi {

class OrderBox : public std::enable_shared_from_this<OrderBox> {
 public:
  // on_order(kind: "drain" or "stop", timeout: float in seconds).
  static std::shared_ptr<OrderBox> make(asyncio::LoopDriver& driver,
                                        control::WorkerControl& control, python::PyRef on_order);
  ~OrderBox();
  OrderBox(const OrderBox&) = delete;
  OrderBox& operator=(const OrderBox&) = delete;

 private:
  struct Entry {
    control::WorkerControl::Order order;
    uint64_t timeout_ms;
  };
  OrderBox(control::WorkerControl& control, python::PyRef on_order) noexcept;
  void deliver(python::GilHeld& gil);

  control::WorkerControl& control_;
  python::PyRef on_order_;
  std::mutex mutex_;
  std::vector<Entry> entries_;  // guarded by mutex_
  std::unique_ptr<net::Notifier> notifier_;
};

}  // namespace cppcorn::asgi
