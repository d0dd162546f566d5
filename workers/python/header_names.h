// HeaderNames: the Python objects for header names, made once instead of per request: b"user-agent"
// for ASGI, "HTTP_USER_AGENT" for WSGI. A direct-mapped table that replaces on collision, so that a
// client that invents names costs time but no memory. One per interpreter, used with the GIL held;
// lives until the process ends.
#pragma once

#include <array>
#include <string_view>

#include "workers/python/ref.h"

namespace cppcorn::python {

class HeaderNames {
 public:
  enum class Form { kAsgiBytes, kWsgiKey };
  explicit HeaderNames(Form form) noexcept : form_(form) {}

  // The object for a lower-case name, a new reference; empty with MemoryError pending when memory
  // runs out.
  PyRef get(GilHeld& gil, std::string_view lower_case_name) noexcept {
    Slot& slot = slots_[slot_of(lower_case_name)];
    if (slot.size == lower_case_name.size() && matches(slot, lower_case_name)) return slot.object;
    return make(gil, slot, lower_case_name);
  }

  // A power of two. Requests have about 10 names, an app's clients together some 100.
  static constexpr size_t kSlots = 256;
  // Longer names are made anew each time.
  static constexpr size_t kNameMax = 40;

 private:
  struct Slot {
    PyRef object;
    unsigned char size = 0;
    char name[kNameMax];
  };
  static size_t slot_of(std::string_view name) noexcept {
    // FNV-1a; names are short.
    uint32_t hash = 2166136261u;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    return (hash ^ (hash >> 16)) & (kSlots - 1);
  }
  static bool matches(const Slot& slot, std::string_view name) noexcept {
    return slot.object && std::string_view(slot.name, slot.size) == name;
  }
  PyRef make(GilHeld& gil, Slot& slot, std::string_view name) noexcept;

  Form form_;
  std::array<Slot, kSlots> slots_;
};

}  // namespace cppcorn::python
