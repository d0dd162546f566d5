// Request target and Host on any text. Input: the method's letter, then the target. The invariants:
// the parts lie within the target, put together they are the target again, and no host can move
// another part of a URL.
#include "protocols/http/request_target.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocols/http/host.h"
#include "protocols/http/token.h"
#include "src/base/assert.h"

namespace {

using namespace cppcorn;

bool lies_within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_authority(std::string_view text) {
  CPPCORN_CHECK(!text.empty());
  CPPCORN_CHECK(text.find_first_of(std::string_view("/?#@\\, \t\r\n\"'<>\0", 16)) ==
                std::string_view::npos);
  // A colon outside of brackets begins the port, of which there is one.
  const size_t behind_brackets = text.front() == '[' ? text.find(']') : 0;
  CPPCORN_CHECK(behind_brackets != std::string_view::npos);
  const size_t colon = text.find(':', behind_brackets);
  CPPCORN_CHECK(colon == std::string_view::npos ||
                text.find(':', colon + 1) == std::string_view::npos);
}

void check_target(std::string_view method, std::string_view target) {
  http::RequestTarget parts;
  if (http::parse_request_target(method, target, &parts) != nullptr) return;
  CPPCORN_CHECK(http::consists_of(target, http::character::kTarget));
  CPPCORN_CHECK(lies_within(parts.authority, target) && lies_within(parts.path, target));
  CPPCORN_CHECK(lies_within(parts.query, target));
  CPPCORN_CHECK(parts.path.find('?') == std::string_view::npos);
  const std::string query =
      target.find('?') == std::string_view::npos ? "" : "?" + std::string(parts.query);
  switch (parts.form) {
    case http::TargetForm::kOrigin:
      CPPCORN_CHECK(parts.path.starts_with('/') && parts.authority.empty());
      CPPCORN_CHECK(std::string(parts.path) + query == target);
      break;
    case http::TargetForm::kAbsolute: {
      check_authority(parts.authority);
      const std::string rest = std::string(parts.authority) + std::string(parts.path) + query;
      const std::string without_path = std::string(parts.authority) + query;
      CPPCORN_CHECK(target.ends_with("://" + rest) ||
                    (parts.path == "/" && target.ends_with("://" + without_path)));
      break;
    }
    case http::TargetForm::kAuthority:
      CPPCORN_CHECK(method == "CONNECT" && parts.authority == target);
      check_authority(parts.authority);
      break;
    case http::TargetForm::kAsterisk: CPPCORN_CHECK(method == "OPTIONS" && target == "*"); break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_target(data[0] == 'C' ? "CONNECT" : data[0] == 'O' ? "OPTIONS" : "GET", text);
  if (http::is_valid_authority(text)) check_authority(text);
  return 0;
}
