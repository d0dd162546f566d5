#include "src/server/head_pool.h"

#include <utility>

namespace cppcorn::server {

std::unique_ptr<http::RequestHead> HeadPool::take() {
  if (heads_.empty()) return std::make_unique<http::RequestHead>();
  std::unique_ptr<http::RequestHead> head = std::move(heads_.back());
  heads_.pop_back();
  return head;
}

void HeadPool::give_back(std::unique_ptr<http::RequestHead> head) noexcept {
  if (!head || heads_.size() >= kHeadsMax || head->memory() > kHeadMemoryMax) return;
  if (heads_.capacity() == 0) heads_.reserve(kHeadsMax);
  head->clear();
  heads_.push_back(std::move(head));
}

}  // namespace cppcorn::server
