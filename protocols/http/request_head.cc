#include "protocols/http/request_head.h"

namespace cppcorn::http {

std::string_view RequestHead::find(std::string_view lower_case_name) const noexcept {
  for (const FieldSpan& span : fields_) {
    if (at(span.name) == lower_case_name) return at(span.value);
  }
  return {};
}

void RequestHead::clear() noexcept {
  bytes_.clear();
  fields_.clear();
  method_ = target_ = path_ = query_ = authority_ = {};
  content_length_ = 0;
  target_form_ = TargetForm::kOrigin;
  version_minor_ = 1;
  has_content_length_ = chunked_ = keep_alive_ = false;
  expects_continue_ = accepts_trailers_ = wants_upgrade_ = false;
}

uint32_t RequestHead::append(std::string_view bytes) {
  const uint32_t begin = arena_size();
  bytes_.append(bytes);
  return begin;
}

}  // namespace cppcorn::http
