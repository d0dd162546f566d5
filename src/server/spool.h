// Spool: the bytes of one message body, kept until somebody has read them: in memory while they are
// few, then in an unlinked temporary file. SpoolStore is what all spools of a worker share: how
// much they may hold together, and where the files lie.
//
// A spool is filled by one thread and read by another, never by both at a time. It belongs to
// whoever holds the body; its file is gone when it dies, or the process does. The store outlives
// its spools.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "src/base/byte_buffer.h"
#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace cppcorn::server {

// A file without a name in that directory, open for reading and writing. It takes disk space until
// its last descriptor is closed. The error says which directory would not do, and why.
Result<UniqueFd> open_temporary_file(const std::string& directory);
// The directory for such files: what was asked for, else $TMPDIR, else /tmp.
std::string temporary_directory(std::string_view asked);

// An amount that threads reserve from and give back to.
class Budget {
 public:
  explicit Budget(uint64_t max) noexcept : max_(max) {}  // 0: no limit
  // False, and nothing reserved, when less than that is left.
  [[nodiscard]] bool reserve(uint64_t bytes) noexcept;
  void give_back(uint64_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

 private:
  const uint64_t max_;
  std::atomic<uint64_t> used_{0};
};

struct SpoolStore {
  // Memory of all spools of a worker; beyond it, even a small body goes to its file.
  static constexpr uint64_t kMemoryMax = 64 << 20;

  SpoolStore(std::string in_directory, uint64_t memory_bytes_per_spool, uint64_t disk_bytes_max)
      : directory(std::move(in_directory)),
        memory_per_spool(memory_bytes_per_spool),
        memory(kMemoryMax),
        disk(disk_bytes_max) {}

  const std::string directory;
  const uint64_t memory_per_spool;  // one body; what is longer goes to a file
  Budget memory;
  Budget disk;
};

enum class SpoolError : uint8_t {
  kNone,
  kBudget,  // the worker's spools are full
  kDisk,    // the file could not be made or written: see Spool::error_number()
};

class Spool {
 public:
  explicit Spool(SpoolStore& store) noexcept : store_(&store) {}
  Spool(Spool&& other) noexcept;
  Spool& operator=(Spool&& other) noexcept;
  ~Spool() { clear(); }

  // A hint: so many bytes will come. Saves copying while they do.
  void expect(uint64_t bytes) noexcept { expected_ = bytes; }
  // Adds bytes at the end. After an error the spool is useless.
  [[nodiscard]] SpoolError append(std::string_view bytes);
  // Forgets everything and gives memory and file back.
  void clear() noexcept;

  uint64_t size() const noexcept { return file_bytes_ + tail_.size(); }
  bool in_memory() const noexcept { return !file_.valid(); }
  // The whole body, where it is in memory.
  std::string_view view() const noexcept { return tail_.view(); }
  // Copies up to count bytes from an offset; fewer only at the end. False when the file cannot be
  // read. May wait for a disk.
  [[nodiscard]] bool read(uint64_t offset, char* to, size_t count, size_t* got) const noexcept;
  // Of the operation that failed.
  int error_number() const noexcept { return error_number_; }

 private:
  SpoolError grow_memory(size_t bytes);
  SpoolError move_to_file();
  SpoolError flush_tail();
  SpoolError write(std::string_view bytes);

  SpoolStore* store_;
  // All bytes, or, once there is a file, those behind its end: so that many small pieces make few
  // writes.
  ByteBuffer tail_;
  uint64_t memory_reserved_ = 0;
  uint64_t expected_ = 0;
  uint64_t file_bytes_ = 0;
  UniqueFd file_;
  mutable int error_number_ = 0;
};

}  // namespace cppcorn::server
