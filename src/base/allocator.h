// What a serving process asks of the C library's malloc. Process-wide; for the start, before there
// are threads.
#pragma once

namespace cppcorn {

// Lets malloc keep what is freed for the next request. glibc gives the free end of its heap back
// to the kernel as soon as it holds 128 KiB, and a server frees as much at the end of every burst:
// the next one then pays for each page again (a fault and 4 KiB of zeros), which was two thirds of
// the time of an upload of 64 KiB, and half of that of a response in a hundred pieces. Of what is
// free at the end of a heap, 8 MiB stay. Does nothing where the environment sets a threshold
// (MALLOC_TRIM_THRESHOLD_, MALLOC_MMAP_THRESHOLD_, MALLOC_TOP_PAD_, any glibc.malloc tunable), and
// nothing to another allocator.
void keep_freed_memory() noexcept;

}  // namespace cppcorn
