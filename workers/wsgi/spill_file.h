// SpillFile: the unlinked temporary file that a response's bytes go through when the client is
// slow. It only grows at its end; what has been sent is given back to the file system from its
// beginning. Bytes are never overwritten: sendfile(2) lets the network read them from the page
// cache long after it returned.
//
// Owned by a response buffer; written by the thread that the app runs on, while another sends
// ranges of it.
#pragma once

#include <cstdint>
#include <memory>

#include "src/base/buffer_chain.h"
#include "src/server/spool.h"

namespace cppcorn::wsgi {

class SpillFile {
 public:
  explicit SpillFile(server::SpoolStore& store) noexcept : store_(store) {}
  ~SpillFile() { close(); }
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  bool is_open() const noexcept { return file_ != nullptr; }
  Status open();
  // Forgets everything. Ranges that are still to be sent keep the file alive for themselves.
  void close() noexcept;

  // Moves memory from the front of bytes to the end of the file, up to max bytes; returns how many.
  // The error says why it was none.
  Result<uint64_t> append(BufferChain& bytes, uint64_t max);
  // Everything before this position has been sent. Gives disk space back once it is worth a call.
  void sent_before(uint64_t position) noexcept;
  FileRange range(uint64_t offset, uint64_t size) const { return {file_, offset, size}; }

  // Space is given back in steps of this, or the file system's block.
  static constexpr uint64_t kFreeBytes = 1 << 20;

 private:
  server::SpoolStore& store_;
  std::shared_ptr<UniqueFd> file_;
  uint64_t end_ = 0;
  uint64_t freed_ = 0;  // from the beginning
  bool frees_ = true;   // the file system can
};

}  // namespace cppcorn::wsgi
