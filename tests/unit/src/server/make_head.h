// For tests: a request head from the bytes of a request.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string_view>

#include "protocols/http1/request_parser.h"

namespace cppcorn::server {

inline std::unique_ptr<http::RequestHead> make_head(std::string_view bytes) {
  struct Keeper final : http1::RequestParser::Listener {
    std::unique_ptr<http::RequestHead> kept;
    std::unique_ptr<http::RequestHead> new_head() override {
      return std::make_unique<http::RequestHead>();
    }
    void on_request(std::unique_ptr<http::RequestHead> head) override { kept = std::move(head); }
    void on_body(std::string_view) override {}
    void on_request_end(const std::vector<http::Field>*) override {}
    void on_refused(const http::Refusal& refusal, bool) override {
      ADD_FAILURE() << refusal.reason;
    }
  } keeper;
  const http::Limits limits;
  http1::RequestParser parser(limits, keeper);
  parser.receive(bytes);
  return std::move(keeper.kept);
}

}  // namespace cppcorn::server
