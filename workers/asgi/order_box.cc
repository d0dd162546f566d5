#include "workers/asgi/order_box.h"

#include "workers/python/errors.h"

namespace cppcorn::asgi {

using control::WorkerControl;
using python::GilHeld;
using python::PyRef;

OrderBox::OrderBox(WorkerControl& control, PyRef on_order) noexcept
    : control_(control), on_order_(std::move(on_order)) {}

std::shared_ptr<OrderBox> OrderBox::make(asyncio::LoopDriver& driver, WorkerControl& control,
                                         PyRef on_order) {
  std::shared_ptr<OrderBox> box(new OrderBox(control, std::move(on_order)));
  // The task may run when the box is gone: the loop still runs after the worker was closed, to end
  // the app's tasks.
  box->notifier_ =
      std::make_unique<net::Notifier>(driver.loop(), [&driver, weak = box->weak_from_this()] {
        driver.post([weak](GilHeld& gil) {
          if (const auto alive = weak.lock()) alive->deliver(gil);
        });
      });
  control.set_order_callback([raw = box.get()](WorkerControl::Order order, uint64_t timeout_ms) {
    {
      const std::lock_guard lock(raw->mutex_);
      raw->entries_.push_back({order, timeout_ms});
    }
    raw->notifier_->notify();
  });
  return box;
}

OrderBox::~OrderBox() { control_.set_order_callback(nullptr); }

void OrderBox::deliver(GilHeld& gil) {
  std::vector<Entry> entries;
  {
    const std::lock_guard lock(mutex_);
    entries.swap(entries_);
  }
  for (const Entry& entry : entries) {
    const char* kind = entry.order == WorkerControl::Order::kStop ? "stop" : "drain";
    const double seconds = static_cast<double>(entry.timeout_ms) / 1000;
    const PyRef called = PyRef::steal(PyObject_CallFunction(on_order_.get(), "sd", kind, seconds));
    if (!called) python::write_unraisable(gil, "cppcorn's order to end");
  }
}

}  // namespace cppcorn::asgi
