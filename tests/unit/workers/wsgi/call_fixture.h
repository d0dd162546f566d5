// What the unit tests of the WSGI engine's Python-free part share: a host that nothing happens in.
#pragma once

#include <mutex>

#include "workers/wsgi/call.h"

namespace cppcorn::wsgi {

class NoHost final : public CallHost {
 public:
  void call_ready(Call&) override {}
  void call_changed(Call&) override {}
  void call_over(Call&) override {}
  std::mutex& mail_mutex() noexcept override { return mutex_; }
  bool buffers_requests() const noexcept override { return true; }

 private:
  std::mutex mutex_;
};

}  // namespace cppcorn::wsgi
