// Three strengths of assertion.
//   CPPCORN_CHECK   always on: a broken invariant that would corrupt memory or lose a request.
//   CPPCORN_DCHECK  debug builds only: an invariant worth checking, on a path too hot to pay for
//   it
//
//   CPPCORN_UNREACHABLE  a branch that no input can reach
// None of them may be reached by what a client or an app does: those are errors, not bugs.
#pragma once

namespace cppcorn {

// Prints "file:line: check failed: condition" to standard error and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace cppcorn

#define CPPCORN_CHECK(condition)                \
  (__builtin_expect(!!(condition), 1) ? (void)0 \
                                      : ::cppcorn::check_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define CPPCORN_DCHECK(condition) ((void)sizeof(!!(condition)))
#else
#define CPPCORN_DCHECK(condition) CPPCORN_CHECK(condition)
#endif

#define CPPCORN_UNREACHABLE() ::cppcorn::check_failed("unreachable", __FILE__, __LINE__)
