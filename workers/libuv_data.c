// libuv's static library, as Debian builds it, is made for programs (-fPIE), not for shared
// objects: it takes for granted that libc's data lies in its own program. In a shared object each
// such reference would be a text relocation, which hardened systems refuse to load. So the
// extension brings that data itself, under libc's names but seen by nobody else. The names are
// given to the assembler only, since libc's headers declare the real ones.
#include <dlfcn.h>
#include <stdio.h>

#define HIDDEN __attribute__((visibility("hidden")))

// Read by uv_spawn() only, which the extension never calls.
HIDDEN char** cppcorn_libuv_environ __asm__("environ");
HIDDEN const unsigned char cppcorn_libuv_in6addr_any[16] __asm__("in6addr_any");

// Everything in the extension that writes to stderr uses this one; it points to libc's stream
// before any of it runs.
HIDDEN FILE* cppcorn_libuv_stderr __asm__("stderr");
__attribute__((constructor(101))) static void find_stderr(void) {
  FILE** const real = (FILE**)dlsym(RTLD_DEFAULT, "stderr");
  if (real != NULL) cppcorn_libuv_stderr = *real;
}
