// HeadPool: request heads of finished exchanges, kept for the next ones, so that a request on a
// busy server costs no allocation for its text. One per server; bounded in count and in the memory
// of each head.
#pragma once

#include <memory>
#include <vector>

#include "protocols/http/request_head.h"

namespace cppcorn::server {

class HeadPool {
 public:
  std::unique_ptr<http::RequestHead> take();
  void give_back(std::unique_ptr<http::RequestHead> head) noexcept;

 private:
  // Enough for one turn of a busy loop; heads that grew large are not worth keeping.
  static constexpr size_t kHeadsMax = 128;
  static constexpr size_t kHeadMemoryMax = 4096;

  std::vector<std::unique_ptr<http::RequestHead>> heads_;
};

}  // namespace cppcorn::server
