// Stream: a connected socket on the loop: bytes in by upcalls, bytes out through a queue. Owned by
// its connection. The plain implementation (SocketStream) sits on uv_poll with our own
// recv/sendmsg/sendfile: the descriptor stays watched for reading while a response runs, and one
// response is one write. TLS will be a Stream over a Stream.
//
// Rules: upcalls are made from the loop only, never from inside a call of the owner's; an upcall is
// the last thing the stream does with itself, so that the owner may close it there. After close()
// no upcall is made.
#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string_view>

#include "src/base/buffer_chain.h"
#include "src/base/unique_fd.h"
#include "src/net/event_loop.h"

namespace cppcorn::net {

class Stream {
 public:
  // on_error's error when a file is shorter than the range that was queued. close() then resets,
  // like abort().
  static constexpr int kFileTruncated = -ENODATA;

  class Listener {
   public:
    // Bytes have come. The view is into the loop's read buffer and dies with the call.
    virtual void on_data(std::string_view bytes) = 0;
    // The peer sent FIN. Writing is still possible.
    virtual void on_eof() = 0;
    // Reset, or a write failed: nothing more can be read or written. error is a negative errno.
    virtual void on_error(int error) = 0;
    // Called after a write attempt that sent something and left less than it found,
    // `progress_bytes` of it; also when the queue has become empty.
    virtual void on_sent(uint64_t progress_bytes) = 0;

   protected:
    ~Listener() = default;
  };

  virtual ~Stream() = default;

  virtual void set_listener(Listener* listener) noexcept = 0;
  // Reading is off at first. Both are idempotent and cheap. While reading is off the kernel's
  // buffer fills: that is the back-pressure. A reset is still noticed when reading is off.
  virtual void start_reading() noexcept = 0;
  virtual void stop_reading() noexcept = 0;
  virtual bool reading() const noexcept = 0;

  // What waits to be sent: append to it, then flush().
  virtual BufferChain& output() noexcept = 0;
  // Sends what the socket takes now and watches for the rest. Returns false after a write error
  // (on_error follows from the loop). Calls on_sent only from the loop, never from inside flush.
  virtual bool flush() noexcept = 0;

  // How many bytes the peer has taken so far: those sent less those that still wait in the kernel.
  // Several megabytes of a response may stand there, so only this shows whether a slow reader
  // reads. Costs a system call.
  virtual uint64_t taken_bytes() const noexcept = 0;

  // Sends FIN once the output is empty; reading goes on (lingering close).
  virtual void shutdown_write() noexcept = 0;
  // Closes the socket now; queued bytes are dropped. abort: with a reset, so that the peer sees
  // that it is incomplete.
  virtual void close() noexcept = 0;
  virtual void abort() noexcept = 0;
  virtual bool closed() const noexcept = 0;
};

// Adopts a connected, non-blocking socket. sendfile may be switched off (--no-sendfile): files are
// then read and sent.
std::unique_ptr<Stream> make_socket_stream(EventLoop& loop, UniqueFd socket, bool use_sendfile);

}  // namespace cppcorn::net
