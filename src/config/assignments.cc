#include "src/config/assignments.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/ascii.h"
#include "src/base/assert.h"
#include "src/config/bind_address.h"
#include "src/config/printable.h"
#include "src/config/settings_json.h"

namespace cppcorn::config {
namespace {

constexpr std::array<std::string_view, 4> kPlaceNames = {"host", "port", "uds", "fd"};
constexpr std::string_view kDefaultHost = "127.0.0.1";

Error bad_value(const Origin& who, std::string_view value, std::string_view reason) {
  return Error{fmt::format("{}: '{}' is not valid; {}", who.text, printable(value), reason)};
}

bool holds_word(std::string_view words, std::string_view word) noexcept {
  while (!words.empty()) {
    const size_t end = words.find(' ');
    if (iequals(words.substr(0, end), word)) return true;
    words.remove_prefix(end == words.npos ? words.size() : end + 1);
  }
  return false;
}

// True when a file or a variable only says that something which is off here should be off.
bool asks_for_nothing(const Compat& compat, std::string_view value) noexcept {
  if (compat.verdict == Verdict::kMapped) return false;
  if (!compat.takes_value && parse_truth(value) == false) return true;
  return value.empty() || holds_word(compat.harmless, value);
}

std::string host_and_port(std::string_view host, std::string_view port) {
  const bool bare_ipv6 = host.find(':') != host.npos && host.front() != '[';
  return bare_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

}  // namespace

Assignments::Assignments() : origins(settings_table().size()) {}

void Assignments::add_notice(std::string text) {
  if (std::find(notices.begin(), notices.end(), text) == notices.end()) {
    notices.push_back(std::move(text));
  }
}

Origin& Assignments::origin_of(const Setting& setting) {
  return origins[static_cast<size_t>(&setting - settings_table().data())];
}

void Assignments::set_default_port(std::string_view port, const Origin& who) {
  default_port_ = Said{std::string(port), who};
}

Status Assignments::apply(const Option& option, std::string_view value, const Origin& who) {
  if (!is_utf8(value)) return bad_value(who, value, "it is not UTF-8");
  if (option.compat != nullptr) {
    return option.negated ? ok_status() : apply_compat(*option.compat, value, who);
  }
  if (!option.negated) return apply_setting(*option.setting, value, who);
  Settings positive;  // only to read the text as a truth
  std::vector<std::string> ignored;
  if (Status status = set_value(positive, *option.setting, value, ignored); !status) {
    return bad_value(who, value, status.error().message);
  }
  const bool truth = positive.*std::get<bool Settings::*>(option.setting->member);
  return apply_setting(*option.setting, truth ? "false" : "true", who);
}

Status Assignments::apply(std::string_view setting_name, std::string_view value,
                          const Origin& who) {
  const Setting* setting = find_setting(setting_name);
  CPPCORN_CHECK(setting != nullptr);
  return apply_setting(*setting, value, who);
}

Status Assignments::apply_setting(const Setting& setting, std::string_view value,
                                  const Origin& who) {
  Origin& origin = origin_of(setting);
  if (const auto* list = std::get_if<std::vector<std::string> Settings::*>(&setting.member);
      list != nullptr && origin.kind < who.kind) {
    (settings.*(*list)).clear();
  }
  std::vector<std::string> remarks;
  if (Status status = set_value(settings, setting, value, remarks); !status) {
    return bad_value(who, value, status.error().message);
  }
  for (std::string& remark : remarks) add_notice(fmt::format("{}: {}", who.text, remark));
  origin = who;
  return ok_status();
}

Status Assignments::apply_compat(const Compat& compat, std::string_view value, const Origin& who) {
  if (asks_for_nothing(compat, value)) return ok_status();
  switch (compat.verdict) {
    case Verdict::kMapped: return apply_translation(compat, value, who);
    case Verdict::kIgnored:
      add_notice(fmt::format("{} has no effect: {}", who.text, compat.text));
      return ok_status();
    case Verdict::kLater:
      return Error{fmt::format("{} is not available in this release: {}", who.text, compat.text)};
    case Verdict::kNever: break;
  }
  return Error{fmt::format("{} is not supported: {}", who.text, compat.text)};
}

Status Assignments::apply_translation(const Compat& compat, std::string_view value,
                                      const Origin& who) {
  Result<Translation> translation = compat.translate(value);
  if (!translation) return bad_value(who, value, translation.error().message);
  if (!translation->notice.empty()) {
    add_notice(fmt::format("{}: {}", who.text, translation->notice));
  }
  for (const auto& [name, text] : translation->values) {
    const auto* place = std::find(kPlaceNames.begin(), kPlaceNames.end(), name);
    if (place != kPlaceNames.end()) {
      places_[static_cast<size_t>(place - kPlaceNames.begin())] = Said{text, who};
      continue;
    }
    if (translation->only_if_empty && !value_text(settings, *find_setting(name)).empty()) continue;
    if (Status status = apply(name, text, who); !status) return status;
  }
  return ok_status();
}

const Assignments::Said* Assignments::strongest_place() const {
  const Said* strongest = nullptr;
  for (const std::optional<Said>& said : places_) {
    if (said && (strongest == nullptr || said->who.kind > strongest->who.kind)) strongest = &*said;
  }
  return strongest;
}

Status Assignments::check_places(OriginKind kind) const {
  const Said* first = nullptr;
  const auto conflicts = [&](const std::optional<Said>& said) {
    if (!said || said->who.kind != kind) return false;
    if (first != nullptr) return true;
    first = &*said;
    return false;
  };
  const bool port_alone = !places_[kHost] || places_[kHost]->who.kind != kind;
  for (const Place place : {port_alone ? kPort : kHost, kUds, kFd}) {
    if (!conflicts(places_[place])) continue;
    return Error{fmt::format("{} and {} exclude each other; -b takes several addresses",
                             first->who.text, places_[place]->who.text)};
  }
  return ok_status();
}

Status Assignments::check_port(const Said& port) {
  Result<BindAddress> address = parse_bind_address(":" + port.value);
  if (!address) return bad_value(port.who, port.value, address.error().message);
  return ok_status();
}

Result<std::string> Assignments::place_as_bind(const Said& strongest) const {
  for (const Place place : {kUds, kFd}) {
    const std::optional<Said>& said = places_[place];
    if (!said || said->who.kind != strongest.who.kind) continue;
    const std::string text = (place == kUds ? "unix:" : "fd://") + said->value;
    Result<BindAddress> address = parse_bind_address(text);
    if (!address) return bad_value(said->who, said->value, address.error().message);
    return text;
  }
  const std::optional<Said>& host = places_[kHost];
  const std::optional<Said>& port = places_[kPort] ? places_[kPort] : default_port_;
  if (port) {
    if (Status status = check_port(*port); !status) return status.error();
  }
  const std::string text = host_and_port(host ? host->value : kDefaultHost,
                                         port ? port->value : std::to_string(kDefaultPort));
  if (Result<BindAddress> address = parse_bind_address(text); !address) {
    return bad_value(host->who, host->value, "allowed: a host name or an IP address");
  }
  return text;
}

Status Assignments::make_bind() {
  const Setting& bind = *find_setting("bind");
  const Origin said_bind = origin_of(bind);
  const Said* strongest = strongest_place();
  if (strongest == nullptr) {
    if (said_bind.kind != OriginKind::kDefault || !default_port_) return ok_status();
    if (Status status = check_port(*default_port_); !status) return status;
    settings.bind.clear();
    return apply_setting(bind, ":" + default_port_->value, default_port_->who);
  }
  if (strongest->who.kind < said_bind.kind) return ok_status();
  if (strongest->who.kind == said_bind.kind) {
    return Error{fmt::format("{} and {} exclude each other; -b takes several addresses",
                             said_bind.text, strongest->who.text)};
  }
  if (Status status = check_places(strongest->who.kind); !status) return status;
  Result<std::string> text = place_as_bind(*strongest);
  if (!text) return text.error();
  return apply_setting(bind, *text, strongest->who);
}

// gunicorn's rule: sync is for one thread only.
void Assignments::settle_worker_class() {
  if (settings.worker_class != WorkerClass::kSync || settings.threads == 1) return;
  settings.worker_class = WorkerClass::kGthread;
  add_notice(fmt::format("worker class sync with {} threads is gthread", settings.threads));
}

void Assignments::drop_own_header(std::string_view setting_name) {
  const Setting& own = *find_setting(setting_name);
  settings.*std::get<bool Settings::*>(own.member) = false;
  origin_of(own) = origin_of(*find_setting("header"));
}

// A header of the user's own takes the place of the server's, as in uvicorn.
void Assignments::replace_own_headers() {
  for (const std::string& header : settings.header) {
    const std::string_view name = std::string_view(header).substr(0, header.find(':'));
    if (iequals(name, "server")) drop_own_header("server_header");
    if (iequals(name, "date")) drop_own_header("date_header");
  }
}

// What was set and is not read by the kind of worker that was asked for.
void Assignments::note_unread_settings() {
  if (settings.worker_class == WorkerClass::kAuto) return;
  const bool asgi = settings.worker_class == WorkerClass::kAsgi;
  const Settings defaults;
  for (const Setting& setting : settings_table()) {
    const Origin& origin = origin_of(setting);
    const bool unread = setting.rules.reader == (asgi ? Reader::kWsgi : Reader::kAsgi);
    if (!unread || origin.kind == OriginKind::kDefault) continue;
    if (value_text(settings, setting) == value_text(defaults, setting)) continue;
    add_notice(fmt::format("{} has no effect: only {} workers read it", origin.text,
                           asgi ? "WSGI" : "ASGI"));
  }
}

// What is said of the lines of an access log that is none, or is written otherwise.
void Assignments::note_unused_log_settings() {
  const bool no_log = settings.accesslog.empty();
  const Settings defaults;
  for (const std::string_view name : {"access_log_format", "access_log_json"}) {
    const Setting& setting = *find_setting(name);
    if (value_text(settings, setting) == value_text(defaults, setting)) continue;
    const bool overruled = settings.access_log_json && name == "access_log_format";
    if (!no_log && !overruled) continue;
    add_notice(fmt::format(
        "{} has no effect: {}", origin_of(setting).text,
        no_log ? "there is no access log; --access-logfile names one" : "the access log is JSON"));
  }
}

Status Assignments::check_addresses_differ() const {
  for (auto address = settings.bind.begin(); address != settings.bind.end(); ++address) {
    const bool twice = std::find(settings.bind.begin(), address, *address) != address;
    if (twice && !parse_bind_address(*address)->is_any_port()) {
      return Error{fmt::format("the address {} is there twice", *address)};
    }
  }
  return ok_status();
}

Status Assignments::finish() {
  if (Status status = make_bind(); !status) return status;
  if (Status status = check_addresses_differ(); !status) return status;
  settle_worker_class();
  replace_own_headers();
  note_unread_settings();
  note_unused_log_settings();
  return ok_status();
}

}  // namespace cppcorn::config
