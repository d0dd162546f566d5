// ListeningSocket: one place that the server listens at, bound and listening. Made by the master at
// start, inherited by every worker; owned by the master until it closes its copy, which also
// removes the file of a unix socket.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "src/config/bind_address.h"

namespace cppcorn::master {

class ListeningSocket {
 public:
  ListeningSocket(UniqueFd socket, std::string url)
      : socket_(std::move(socket)), url_(std::move(url)) {}
  // Removes the file of a unix socket, if it is still this socket's.
  ~ListeningSocket();
  ListeningSocket(ListeningSocket&&) noexcept = default;
  ListeningSocket& operator=(ListeningSocket&&) = delete;

  int fd() const noexcept { return socket_.get(); }
  // "http://127.0.0.1:43567" with the actual port, "http://[::1]:8000", "unix:/run/app.sock".
  const std::string& url() const noexcept { return url_; }

 private:
  friend struct SocketMaker;
  // Of a file that this process made.
  struct OwnFile {
    std::string path;  // absolute: the directory may change before the end
    dev_t device = 0;
    ino_t inode = 0;
    pid_t maker = 0;
  };

  UniqueFd socket_;
  std::string url_;
  OwnFile file_;
};

struct ListenError {
  std::string message;    // one line
  bool may_pass = false;  // EADDRINUSE: whoever holds the address may be about to leave it
};

// IPv6 sockets also take IPv4 where the system says so (net.ipv6.bindv6only), but not with v6_only:
// when an IPv4 socket has the same port. A unix socket gets mode 0777, as in gunicorn: who may
// connect is the directory's affair. A file that no server listens at any more is replaced.
Result<ListeningSocket, ListenError> listen_at(const config::BindAddress& address, uint32_t backlog,
                                               bool v6_only);

// All of them, or the first error. Addresses in use are tried kBindTries times in all, as in
// gunicorn: a predecessor may be about to end. wait is called between two tries, and should take
// kBindWaitMs; when it returns false there is no further try.
constexpr int kBindTries = 6;
constexpr uint64_t kBindWaitMs = 1000;
Result<std::vector<ListeningSocket>> listen_at_all(const std::vector<std::string>& binds,
                                                   uint32_t backlog,
                                                   const std::function<bool()>& wait);

}  // namespace cppcorn::master
