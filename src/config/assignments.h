// Assignments: settings while they are put together. Values are applied source by source, the
// weakest first; each remembers who said it, and a list from a stronger source replaces one from a
// weaker. Lives for the length of resolve().
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/config/options.h"
#include "src/config/resolve.h"

namespace cppcorn::config {

class Assignments {
 public:
  Assignments();

  // Applies one value. `who` opens the messages: "option -w", "environment variable
  // CPPCORN_WORKERS". The error is a whole line.
  Status apply(const Option& option, std::string_view value, const Origin& who);
  // Applies a value to a setting by its name, which must be one.
  Status apply(std::string_view setting_name, std::string_view value, const Origin& who);
  // Makes binds of host, port, uds and fd, and checks what only the whole can show.
  Status finish();

  void set_default_port(std::string_view port, const Origin& who);
  void add_notice(std::string text);

  Settings settings;
  std::vector<Origin> origins;
  std::vector<std::string> notices;

 private:
  // uvicorn's four ways to say where to listen.
  enum Place : uint8_t { kHost, kPort, kUds, kFd, kPlaces };
  struct Said {
    std::string value;
    Origin who;
  };

  Origin& origin_of(const Setting& setting);
  Status apply_setting(const Setting& setting, std::string_view value, const Origin& who);
  Status apply_compat(const Compat& compat, std::string_view value, const Origin& who);
  Status apply_translation(const Compat& compat, std::string_view value, const Origin& who);
  Status make_bind();
  Result<std::string> place_as_bind(const Said& strongest) const;
  const Said* strongest_place() const;
  Status check_places(OriginKind kind) const;
  static Status check_port(const Said& port);
  Status check_addresses_differ() const;
  void settle_worker_class();
  void replace_own_headers();
  void drop_own_header(std::string_view setting_name);
  void note_unread_settings();
  void note_unused_log_settings();

  std::array<std::optional<Said>, kPlaces> places_;
  std::optional<Said> default_port_;
};

}  // namespace cppcorn::config
