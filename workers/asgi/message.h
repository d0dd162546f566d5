// Reading the dicts that an app sends: their kind and their values, checked, with errors that name
// the message and the key. Values are held while they are used: a key's __eq__ may run Python that
// empties the dict.
#pragma once

#include <cstdint>
#include <optional>

#include "workers/python/ref.h"

namespace cppcorn::asgi {

enum class MessageKind : unsigned char {
  kStart,
  kBody,
  kTrailers,
  kEarlyHint,
  kPathSend,
  kZeroCopySend,
  kOther,
};

class Message {
 public:
  // dict is a dict, kept by the caller. Reads its "type"; valid() is false with an exception
  // pending.
  Message(python::GilHeld& gil, PyObject* dict);

  bool valid() const noexcept { return static_cast<bool>(type_); }
  MessageKind kind() const noexcept { return kind_; }
  // "http.response.start"; for texts.
  PyObject* type() const noexcept { return type_.get(); }
  const char* name() const noexcept { return name_; }  // of a known kind

  // The value of a key, empty when it is absent; an exception may be pending then.
  python::PyRef get(PyObject* key) const;
  // False when absent. nullopt with an exception pending.
  std::optional<bool> flag(PyObject* key) const;
  // A whole number of at least 0, nullopt when absent or None; *valid is false with an exception
  // pending.
  std::optional<uint64_t> number(PyObject* key, bool* valid) const;

 private:
  PyObject* dict_;
  python::PyRef type_;
  const char* name_ = "";
  MessageKind kind_ = MessageKind::kOther;
};

}  // namespace cppcorn::asgi
