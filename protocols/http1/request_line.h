// RequestLine: reads "GET /path HTTP/1.1\r\n" byte by byte, however it is cut into pieces (RFC 9112
// section 3). llhttp could do it, but takes several spaces for one, lets HTTP/0.9 pass, and can't
// tell a method that nobody implements from one that isn't a token. A member of the parser; it
// keeps no text, only how far it has come.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "protocols/http/refusal.h"
#include "protocols/http/request_head.h"

namespace cppcorn::http1 {

class RequestLine {
 public:
  // A line may have bytes_max bytes before its CR LF.
  explicit RequestLine(uint32_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  // Takes bytes up to the line's end and returns how many. At the first byte that can't be right it
  // stops for good: see refusal(). What it has taken must be appended to the head by the caller
  // before finish().
  size_t take(std::string_view bytes) noexcept;
  bool complete() const noexcept { return state_ == State::kComplete; }
  bool refused() const noexcept { return fault_ != nullptr; }
  http::Refusal refusal() const noexcept { return {fault_status_, fault_, position_}; }
  // The line is complete and stands at the arena's beginning: sets method, target and its parts,
  // and version.
  std::optional<http::Refusal> finish(http::RequestHead& head) const;

 private:
  enum class State : uint8_t { kMethod, kTarget, kVersion, kLineFeed, kComplete };

  size_t take_within_limit(const char* begin, const char* end) noexcept;
  void refuse(int status, const char* reason) noexcept;

  const char* fault_ = nullptr;
  uint32_t bytes_max_;
  uint32_t position_ = 0;
  uint32_t method_end_ = 0;
  uint32_t target_end_ = 0;
  uint16_t fault_status_ = 0;
  State state_ = State::kMethod;
};

}  // namespace cppcorn::http1
