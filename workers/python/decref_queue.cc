#include "workers/python/decref_queue.h"

#include <atomic>
#include <mutex>
#include <vector>

namespace cppcorn::python {
namespace {

struct Queue {
  std::mutex mutex;
  std::vector<PyObject*> objects;
  std::atomic<bool> filled{false};  // lets drop_queued() look without the lock, once a loop turn
  bool abandoned = false;
};

// Never destroyed: threads may still drop references while the process exits.
Queue& queue() noexcept {
  static Queue& instance = *new Queue;
  return instance;
}

}  // namespace

void drop_later(void* object) noexcept {
  Queue& waiting = queue();
  const std::lock_guard lock(waiting.mutex);
  if (waiting.abandoned) return;
  try {
    waiting.objects.push_back(static_cast<PyObject*>(object));
    waiting.filled.store(true, std::memory_order_release);
  } catch (...) {
    // Out of memory: one leaked object is the least harm.
  }
}

bool drops_wait() noexcept { return queue().filled.load(std::memory_order_acquire); }

void drop_queued(GilHeld&) noexcept {
  Queue& waiting = queue();
  if (!waiting.filled.load(std::memory_order_acquire)) return;
  std::vector<PyObject*> objects;
  {
    const std::lock_guard lock(waiting.mutex);
    objects.swap(waiting.objects);
    waiting.filled.store(false, std::memory_order_relaxed);
  }
  for (PyObject* object : objects) Py_DECREF(object);
}

void abandon_queued() noexcept {
  Queue& waiting = queue();
  const std::lock_guard lock(waiting.mutex);
  waiting.abandoned = true;
  waiting.objects.clear();
  waiting.filled.store(false, std::memory_order_relaxed);
}

}  // namespace cppcorn::python
