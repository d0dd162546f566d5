// Result<T, E>: a value or an error, for paths that do not throw. Shaped like std::expected
// (C++23), so that it can be replaced by it. Error states the type of the error:
// Result<int>(Error{"why"}).
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "src/base/assert.h"

namespace cppcorn {

// A one-line text for the person who runs the server: what is wrong and what to do.
struct Error {
  std::string message;
};

template <typename T, typename E = Error>
class [[nodiscard]] Result {
 public:
  // Implicit on purpose, as std::expected's are: `return value;` and `return Error{"why"};`.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& value() & { return *checked(std::get_if<0>(&state_)); }
  const T& value() const& { return *checked(std::get_if<0>(&state_)); }
  T&& value() && { return std::move(*checked(std::get_if<0>(&state_))); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  E& error() & { return *checked(std::get_if<1>(&state_)); }
  const E& error() const& { return *checked(std::get_if<1>(&state_)); }

 private:
  template <typename P>
  static P* checked(P* pointer) {
    CPPCORN_CHECK(pointer != nullptr);
    return pointer;
  }

  std::variant<T, E> state_;
};

// The result of an action that has no value.
using Status = Result<std::monostate>;
inline Status ok_status() { return std::monostate{}; }

}  // namespace cppcorn
