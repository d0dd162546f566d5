#include "protocols/http/date.h"

#include <cstring>
#include <ctime>

namespace cppcorn::http {
namespace {

char* put(char* to, std::string_view text) noexcept {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

char* put_two_digits(char* to, int number) noexcept {
  to[0] = static_cast<char>('0' + number / 10 % 10);
  to[1] = static_cast<char>('0' + number % 10);
  return to + 2;
}

}  // namespace

std::string_view DateLine::at(int64_t realtime_s) noexcept {
  constexpr size_t kSize = 37;
  static_assert(sizeof line_ >= kSize);
  if (realtime_s == made_for_) return {line_, kSize};
  // Not strftime: the names are English in every locale.
  static constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  std::tm time{};
  const auto seconds = static_cast<time_t>(realtime_s);
  gmtime_r(&seconds, &time);
  char* to = put(line_, "date: ");
  to = put(to, kDays.substr(static_cast<size_t>(time.tm_wday) * 3, 3));
  to = put_two_digits(put(to, ", "), time.tm_mday);
  to = put(put(to, " "), kMonths.substr(static_cast<size_t>(time.tm_mon) * 3, 3));
  const int year = time.tm_year + 1900;
  to = put_two_digits(put_two_digits(put(to, " "), year / 100), year);
  to = put_two_digits(put(to, " "), time.tm_hour);
  to = put_two_digits(put(to, ":"), time.tm_min);
  to = put_two_digits(put(to, ":"), time.tm_sec);
  put(to, " GMT\r\n");
  made_for_ = realtime_s;
  return {line_, kSize};
}

}  // namespace cppcorn::http
