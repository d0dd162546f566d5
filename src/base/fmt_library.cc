// fmt's own library. The systems' packages have no static one that may go into a shared object, and
// header-only every file that formats a number would compile all of it again: three seconds each.
// It is what fmt's src/format.cc has for char; meson.build looks whether that is still all.
#include <fmt/format-inl.h>

template fmt::detail::thousands_sep_result<char> fmt::detail::thousands_sep_impl<char>(
    fmt::detail::locale_ref);
template char fmt::detail::decimal_point_impl<char>(fmt::detail::locale_ref);
