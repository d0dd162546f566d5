#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "src/net/handle.h"
#include "src/net/stream.h"

namespace cppcorn::net {
namespace {

// So many system calls one connection may make for one event, so that a fast peer does not starve
// the others.
constexpr int kReadsPerEvent = 4;
constexpr int kWritesPerEvent = 16;
constexpr size_t kIovecMax = 64;
constexpr size_t kSendfileBytesMax = 1 << 20;
constexpr size_t kFilePieceBytes = 65536;

// sendfile has no MSG_NOSIGNAL, and an app may have set SIGPIPE back to its default, which would
// end the process.
ssize_t sendfile_without_signal(int socket, int file, off_t* offset, size_t count) noexcept {
  sigset_t sigpipe;
  sigset_t previous;
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &sigpipe, &previous);
  const ssize_t sent = sendfile(socket, file, offset, count);
  const int error = errno;
  if (sent < 0 && error == EPIPE && sigismember(&previous, SIGPIPE) == 0) {
    const timespec now{};
    while (sigtimedwait(&sigpipe, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  errno = error;
  return sent;
}

}  // namespace

// What is watched follows what is wanted lazily: when an event comes that is not wanted, it is
// dropped from the set. libuv changes a set by removing and adding the descriptor (two system
// calls), and most changes are soon undone: reading is paused and goes on, the peer's FIN is
// followed by close(). Where nothing is wanted, UV_PRIORITIZED stands in: then only a reset (or a
// hang-up, which is looked at once) is told.
class SocketStream final : public Stream,
                           private TurnEndTask,
                           private Handle<SocketStream, uv_poll_t> {
 public:
  SocketStream(EventLoop& loop, UniqueFd socket, bool use_sendfile) noexcept;
  // The memory lives until libuv's close callback; that runs the destructor.
  static void operator delete(SocketStream* stream, std::destroying_delete_t) noexcept;
  static void destroy(SocketStream* stream) noexcept;

  void set_listener(Listener* listener) noexcept override;
  void start_reading() noexcept override;
  void stop_reading() noexcept override { reading_ = false; }
  bool reading() const noexcept override { return reading_; }
  BufferChain& output() noexcept override { return output_; }
  bool flush() noexcept override;
  uint64_t taken_bytes() const noexcept override;
  void shutdown_write() noexcept override;
  void close() noexcept override;
  void abort() noexcept override;
  bool closed() const noexcept override { return !socket_.valid(); }

 private:
  friend class Handle<SocketStream, uv_poll_t>;
  using Base = Handle<SocketStream, uv_poll_t>;

  ~SocketStream() override = default;
  static void on_poll(uv_poll_t* uv, int status, int events) noexcept;
  void on_turn_end() noexcept override;

  int wanted_events() const noexcept;
  void watch(int events) noexcept;
  void on_hang_up() noexcept;
  void read_some() noexcept;
  uint64_t write_some() noexcept;
  ssize_t send_front(size_t* asked) noexcept;
  ssize_t send_memory(size_t* asked) noexcept;
  ssize_t send_file(const FileRange& range, size_t* asked) noexcept;
  ssize_t send_file_piece(const FileRange& range, size_t* asked) noexcept;
  void send_fin() noexcept;
  void set_error(int error) noexcept;
  void report_error() noexcept;
  int socket_error() const noexcept;

  BufferChain output_;
  Listener* listener_ = nullptr;
  uint64_t sent_bytes_ = 0;
  uint64_t unreported_bytes_ = 0;  // sent by flush(), for on_sent
  UniqueFd socket_;
  int error_ = 0;  // negative errno; nothing is read or written any more
  uint8_t watched_events_ = 0;
  bool reading_ : 1 = false;
  bool eof_ : 1 = false;      // the peer's FIN has been read
  bool parked_ : 1 = false;   // hung up in both directions: nothing to watch for
  bool blocked_ : 1 = false;  // the socket takes no more: waits to be writable
  bool fin_wanted_ : 1 = false;
  bool fin_sent_ : 1 = false;
  bool use_sendfile_ : 1;
};

// uv_poll_t is 160 bytes. An idle connection is to take 1 KiB, so this stays small.
static_assert(sizeof(SocketStream) <= 312);

SocketStream::SocketStream(EventLoop& loop, UniqueFd socket, bool use_sendfile) noexcept
    : socket_(std::move(socket)), use_sendfile_(use_sendfile) {
  uv_.loop = loop.uv();
  const int error = uv_poll_init(loop.uv(), &uv_, socket_.get());
  if (error == 0) {
    opened();
  } else {
    error_ = error;
  }
  // What is to be watched is known when the owner has had its say.
  loop.at_turn_end(*this);
}

void SocketStream::operator delete(SocketStream* stream, std::destroying_delete_t) noexcept {
  stream->close();
  stream->let_go();
}

void SocketStream::destroy(SocketStream* stream) noexcept {
  stream->~SocketStream();
  ::operator delete(stream);
}

void SocketStream::set_listener(Listener* listener) noexcept {
  listener_ = listener;
  if (reading_ && (watched_events_ & UV_READABLE) == 0) watch(wanted_events());
}

void SocketStream::start_reading() noexcept {
  if (reading_) return;
  reading_ = true;
  parked_ = false;
  if ((watched_events_ & UV_READABLE) == 0) watch(wanted_events());
}

int SocketStream::wanted_events() const noexcept {
  int events = 0;
  if (reading_ && !eof_ && listener_ != nullptr) events |= UV_READABLE;
  if (blocked_) events |= UV_WRITABLE;
  if (events == 0 && !parked_) events = UV_PRIORITIZED;
  return events;
}

void SocketStream::watch(int events) noexcept {
  if (events == watched_events_ || !is_open() || error_ != 0) return;
  watched_events_ = static_cast<uint8_t>(events);
  if (events == 0) {
    uv_poll_stop(&uv_);
  } else {
    uv_poll_start(&uv_, events, on_poll);
  }
}

void SocketStream::on_poll(uv_poll_t* uv, int status, int events) noexcept {
  SocketStream& stream = *from(uv);
  if (status < 0) {  // EPOLLERR; libuv has stopped watching
    stream.watched_events_ = 0;
    const int error = stream.socket_error();
    stream.set_error(error != 0 ? error : -ECONNRESET);
    return stream.report_error();
  }
  if ((events & UV_PRIORITIZED) != 0) return stream.on_hang_up();
  if ((events & ~stream.wanted_events()) != 0) stream.watch(stream.wanted_events());
  if ((events & UV_WRITABLE) != 0 && stream.blocked_) {
    stream.blocked_ = false;
    stream.unreported_bytes_ += stream.write_some();
    stream.on_turn_end();
  }
  if ((events & UV_READABLE) != 0) stream.read_some();
}

// Both directions have ended, which epoll tells for ever. (Or urgent data came, which HTTP does not
// have.)
void SocketStream::on_hang_up() noexcept {
  const int error = socket_error();
  if (error != 0) {
    set_error(error);
    return report_error();
  }
  parked_ = true;
  watch(wanted_events());
}

void SocketStream::read_some() noexcept {
  const std::span<char> buffer = event_loop().read_buffer();
  for (int reads = 0; reads < kReadsPerEvent; ++reads) {
    // An upcall may have changed any of these.
    if (!reading_ || eof_ || error_ != 0 || !is_open() || listener_ == nullptr) return;
    const ssize_t count = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count > 0) {
      const auto size = static_cast<size_t>(count);
      listener_->on_data({buffer.data(), size});
      if (size < buffer.size()) return;
    } else if (count == 0) {
      eof_ = true;
      return listener_->on_eof();
    } else if (errno != EINTR) {
      if (errno == EAGAIN) return;
      set_error(-errno);
      return report_error();
    }
  }
}

bool SocketStream::flush() noexcept {
  if (!is_open() || error_ != 0) return false;
  if (blocked_ || output_.empty()) return true;
  unreported_bytes_ += write_some();
  if (unreported_bytes_ > 0 || error_ != 0) event_loop().at_turn_end(*this);
  return error_ == 0;
}

void SocketStream::on_turn_end() noexcept {
  if (error_ != 0) return report_error();
  if (!is_open()) return;
  if (watched_events_ == 0) watch(wanted_events());
  const uint64_t progress = std::exchange(unreported_bytes_, 0);
  if (progress > 0 && listener_ != nullptr) listener_->on_sent(progress);
}

// Sends until the output is empty or the socket full, and says how much. Makes no upcall.
uint64_t SocketStream::write_some() noexcept {
  uint64_t total = 0;
  for (int writes = 0; writes < kWritesPerEvent && !output_.empty(); ++writes) {
    size_t asked = 0;
    const ssize_t sent = send_front(&asked);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) {
      set_error(-errno);
      return total;
    }
    output_.consume(static_cast<uint64_t>(sent));
    sent_bytes_ += static_cast<uint64_t>(sent);
    total += static_cast<uint64_t>(sent);
    if (static_cast<size_t>(sent) < asked) break;
  }
  if (!output_.empty()) {
    blocked_ = true;
    watch(wanted_events());
  } else if (fin_wanted_) {
    send_fin();
  }
  return total;
}

// One system call's worth from the front of the output: the bytes sent, or -1 and errno.
ssize_t SocketStream::send_front(size_t* asked) noexcept {
  const FileRange* range = output_.front_file();
  if (range == nullptr) return send_memory(asked);
  const ssize_t sent = use_sendfile_ ? send_file(*range, asked) : send_file_piece(*range, asked);
  if (sent != 0) return sent;
  errno = -kFileTruncated;
  return -1;
}

ssize_t SocketStream::send_memory(size_t* asked) noexcept {
  std::array<iovec, kIovecMax> entries;
  msghdr message{};
  message.msg_iov = entries.data();
  message.msg_iovlen = output_.gather(entries.data(), entries.size());
  for (size_t i = 0; i < message.msg_iovlen; ++i) *asked += entries[i].iov_len;
  // With more to follow at once (a file behind its response head) the kernel fills its segments.
  const int more = *asked < output_.bytes() ? MSG_MORE : 0;
  if (message.msg_iovlen == 1) {  // the kernel has less to look at
    return send(socket_.get(), entries[0].iov_base, entries[0].iov_len, MSG_NOSIGNAL | more);
  }
  return sendmsg(socket_.get(), &message, MSG_NOSIGNAL | more);
}

ssize_t SocketStream::send_file(const FileRange& range, size_t* asked) noexcept {
  auto offset = static_cast<off_t>(range.offset);
  *asked = std::min<uint64_t>(range.size, kSendfileBytesMax);
  const ssize_t sent = sendfile_without_signal(socket_.get(), range.file->get(), &offset, *asked);
  // Not every file system can do it.
  if (sent >= 0 || (errno != EINVAL && errno != ENOSYS)) return sent;
  use_sendfile_ = false;
  return send_file_piece(range, asked);
}

ssize_t SocketStream::send_file_piece(const FileRange& range, size_t* asked) noexcept {
  // Not the loop's read buffer: flush() may be called from on_data, whose bytes are there.
  const auto piece = std::make_unique_for_overwrite<char[]>(kFilePieceBytes);
  const size_t wanted = std::min<uint64_t>(range.size, kFilePieceBytes);
  const ssize_t count =
      pread(range.file->get(), piece.get(), wanted, static_cast<off_t>(range.offset));
  if (count <= 0) return count;
  *asked = static_cast<size_t>(count);
  const int more = *asked < output_.bytes() ? MSG_MORE : 0;
  return send(socket_.get(), piece.get(), *asked, MSG_NOSIGNAL | more);
}

// The kernel may count more than was written (overhead on Unix sockets).
uint64_t SocketStream::taken_bytes() const noexcept {
  int waiting = 0;
  if (closed() || ioctl(socket_.get(), SIOCOUTQ, &waiting) != 0 || waiting < 0) waiting = 0;
  return sent_bytes_ - std::min(sent_bytes_, static_cast<uint64_t>(waiting));
}

void SocketStream::shutdown_write() noexcept {
  fin_wanted_ = true;
  if (output_.empty()) send_fin();
}

void SocketStream::send_fin() noexcept {
  if (fin_sent_ || !is_open()) return;
  fin_sent_ = true;
  shutdown(socket_.get(), SHUT_WR);  // fails after a reset only, which the loop tells
}

// Bytes that are queued can not be sent any more.
void SocketStream::set_error(int error) noexcept {
  error_ = error;
  if (is_open()) uv_poll_stop(&uv_);
  watched_events_ = 0;
  output_.clear();
}

void SocketStream::report_error() noexcept {
  unlink();  // flush() may have queued a report too
  if (!closed() && listener_ != nullptr) listener_->on_error(error_);
}

int SocketStream::socket_error() const noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return -error;
}

void SocketStream::close() noexcept {
  if (closed()) return;
  // The peer must not take a cut-off file for the whole.
  if (error_ == kFileTruncated) return abort();
  listener_ = nullptr;
  unlink();
  Base::close();  // before the descriptor, whose number may come back at once
  socket_.reset();
  output_.clear();
}

void SocketStream::abort() noexcept {
  if (closed()) return;
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  error_ = 0;
  close();
}

std::unique_ptr<Stream> make_socket_stream(EventLoop& loop, UniqueFd socket, bool use_sendfile) {
  return std::unique_ptr<Stream>(new SocketStream(loop, std::move(socket), use_sendfile));
}

}  // namespace cppcorn::net
