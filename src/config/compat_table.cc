#include "src/config/compat_table.h"

namespace cppcorn::config {
namespace {

template <const char* kName>
Result<Translation> place(std::string_view value) {
  return Translation{{{kName, std::string(value)}}, ""};
}

constexpr char kHost[] = "host";
constexpr char kPort[] = "port";
constexpr char kUds[] = "uds";
constexpr char kFd[] = "fd";

constexpr Compat kTable[] = {
    {"--host", true, Verdict::kMapped, "", "", place<kHost>},
    {"--port", true, Verdict::kMapped, "", "", place<kPort>},
    {"--uds", true, Verdict::kMapped, "", "", place<kUds>},
    {"--fd", true, Verdict::kMapped, "", "", place<kFd>},
};

}  // namespace

std::span<const Compat> compat_table() noexcept { return kTable; }

}  // namespace cppcorn::config
