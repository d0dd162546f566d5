#include "src/master/listening_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "src/base/log.h"
#include "src/net/socket_address.h"

namespace cppcorn::master {

using config::BindAddress;
using net::SocketAddress;

namespace {

using Bound = Result<ListeningSocket, ListenError>;

std::string reason_of(const BindAddress& address, int error) {
  const bool low_port = address.kind == BindAddress::Kind::kTcp && address.port < 1024;
  switch (error) {
    case EADDRINUSE: return "the address is in use already";
    case EADDRNOTAVAIL: return "this machine has no such address";
    case EACCES:
      if (low_port) return "permission denied (ports below 1024 may need privileges)";
      [[fallthrough]];
    default: return std::strerror(error);
  }
}

ListenError failure(const BindAddress& address, const std::string& reason, bool may_pass = false) {
  return {fmt::format("cannot listen at {}: {}", address.to_string(), reason), may_pass};
}
ListenError failure(const BindAddress& address, int error) {
  return failure(address, reason_of(address, error), error == EADDRINUSE);
}

int set_option(int fd, int level, int option) noexcept {
  const int on = 1;
  return setsockopt(fd, level, option, &on, sizeof on);
}

UniqueFd new_socket(int family) noexcept {
  return UniqueFd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

std::string url_of(int fd) { return "http://" + SocketAddress::local_of(fd).to_string(); }

}  // namespace

// What may set a ListeningSocket's own file.
struct SocketMaker {
  static Bound tcp(const BindAddress& address, int backlog, bool v6_only);
  static Bound bind_tcp(const BindAddress& address, const addrinfo& where, int backlog,
                        bool v6_only);
  static Bound unix_path(const BindAddress& address, int backlog);
  static Bound inherited(const BindAddress& address);
};

namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// The addresses of the host, IPv4 first, as a name like "localhost" means it to most clients.
AddressList resolve(const BindAddress& address, int* error) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  *error = getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(),
                       std::to_string(address.port).c_str(), &hints, &found);
  return {found, freeaddrinfo};
}

}  // namespace

Bound SocketMaker::tcp(const BindAddress& address, int backlog, bool v6_only) {
  int error = 0;
  const AddressList found = resolve(address, &error);
  if (error == EAI_SYSTEM) return failure(address, errno);
  if (error != 0) return failure(address, gai_strerror(error));
  const addrinfo* chosen = found.get();
  for (const addrinfo* one = found.get(); one != nullptr; one = one->ai_next) {
    if (one->ai_family == AF_INET) {
      chosen = one;
      break;
    }
  }
  return bind_tcp(address, *chosen, backlog, v6_only);
}

Bound SocketMaker::bind_tcp(const BindAddress& address, const addrinfo& where, int backlog,
                            bool v6_only) {
  UniqueFd fd = new_socket(where.ai_family);
  // SO_REUSEADDR: connections of a predecessor in TIME_WAIT must not keep the port.
  if (!fd.valid() || set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR) != 0 ||
      (v6_only && set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY) != 0) ||
      bind(fd.get(), where.ai_addr, where.ai_addrlen) != 0 || listen(fd.get(), backlog) != 0) {
    return failure(address, errno);
  }
  std::string url = url_of(fd.get());
  return ListeningSocket(std::move(fd), std::move(url));
}

namespace {

// kRemains: a socket file that was left behind, for it refuses connections. kUnknown: errno says
// why.
enum class Occupant { kNobody, kRemains, kServer, kOther, kUnknown };

// Who is at this path.
Occupant occupant_of(const sockaddr_un& address) {
  struct stat about {};
  if (lstat(address.sun_path, &about) != 0) {
    return errno == ENOENT ? Occupant::kNobody : Occupant::kUnknown;
  }
  if (!S_ISSOCK(about.st_mode)) return Occupant::kOther;
  const UniqueFd probe = new_socket(AF_UNIX);
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return Occupant::kServer;
  }
  if (errno == ECONNREFUSED) return Occupant::kRemains;
  return errno == EAGAIN ? Occupant::kServer : Occupant::kUnknown;
}

int bind_with_mode_0777(int fd, const sockaddr_un& address) noexcept {
  const mode_t previous = umask(0);
  const int status = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  umask(previous);
  errno = error;
  return status;
}

}  // namespace

Bound SocketMaker::unix_path(const BindAddress& address, int backlog) {
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  if (address.path.size() >= sizeof where.sun_path) {
    return failure(address, fmt::format("a path of a unix socket has at most {} bytes",
                                        sizeof where.sun_path - 1));
  }
  address.path.copy(where.sun_path, address.path.size());
  switch (occupant_of(where)) {
    case Occupant::kNobody: break;
    case Occupant::kRemains:
      if (unlink(where.sun_path) == 0 || errno == ENOENT) break;
      return failure(address, fmt::format("a socket file that nobody listens at is in the way, and "
                                          "cannot be removed: {}",
                                          std::strerror(errno)));
    case Occupant::kServer: return failure(address, EADDRINUSE);
    case Occupant::kOther: return failure(address, "there is a file, and it is no socket");
    case Occupant::kUnknown: return failure(address, errno);
  }
  UniqueFd fd = new_socket(AF_UNIX);
  struct stat about {};
  if (!fd.valid() || bind_with_mode_0777(fd.get(), where) != 0 ||
      stat(where.sun_path, &about) != 0) {
    return failure(address, errno);
  }
  ListeningSocket made(std::move(fd), address.to_string());
  made.file_ = {std::filesystem::absolute(address.path), about.st_dev, about.st_ino, getpid()};
  if (listen(made.fd(), backlog) != 0) return failure(address, errno);  // and the file goes
  return made;
}

namespace {

int option_of(int fd, int option) noexcept {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

std::string unix_url_of(int fd) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "unix:";
  // A path that fills the field has no NUL behind it.
  const size_t length = strnlen(address.sun_path, sizeof address.sun_path);
  return fmt::format("unix:{}", std::string_view(address.sun_path, length));
}

}  // namespace

Bound SocketMaker::inherited(const BindAddress& address) {
  const int fd = address.descriptor;
  if (fcntl(fd, F_GETFD) < 0) return failure(address, "no such descriptor was inherited");
  const int family = option_of(fd, SO_DOMAIN);
  if (option_of(fd, SO_TYPE) != SOCK_STREAM || option_of(fd, SO_ACCEPTCONN) != 1 ||
      (family != AF_INET && family != AF_INET6 && family != AF_UNIX)) {
    return failure(address, "it is no listening TCP or unix stream socket");
  }
  // Workers share it: whoever comes second to a connection must not block in accept.
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
      fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
    return failure(address, errno);
  }
  return ListeningSocket(UniqueFd(fd), family == AF_UNIX ? unix_url_of(fd) : url_of(fd));
}

ListeningSocket::~ListeningSocket() {
  if (!socket_.valid() || file_.path.empty() || file_.maker != getpid()) return;
  struct stat about {};
  if (lstat(file_.path.c_str(), &about) != 0) return;
  if (about.st_dev != file_.device || about.st_ino != file_.inode) return;
  unlink(file_.path.c_str());
}

Result<ListeningSocket, ListenError> listen_at(const BindAddress& address, uint32_t backlog,
                                               bool v6_only) {
  const int queue = static_cast<int>(std::min<uint32_t>(backlog, INT32_MAX));
  switch (address.kind) {
    case BindAddress::Kind::kTcp: return SocketMaker::tcp(address, queue, v6_only);
    case BindAddress::Kind::kUnix: return SocketMaker::unix_path(address, queue);
    case BindAddress::Kind::kDescriptor: return SocketMaker::inherited(address);
  }
  CPPCORN_UNREACHABLE();
}

namespace {

bool is_ipv6(const BindAddress& address) { return address.host.find(':') != std::string::npos; }

// Two sockets of one port, one of them IPv4, can only be when the other takes nothing but IPv6.
bool shares_port_with_ipv4(const BindAddress& address, const std::vector<BindAddress>& all) {
  if (address.kind != BindAddress::Kind::kTcp || !is_ipv6(address) || address.port == 0)
    return false;
  return std::any_of(all.begin(), all.end(), [&](const BindAddress& other) {
    return other.kind == BindAddress::Kind::kTcp && !is_ipv6(other) && other.port == address.port;
  });
}

Bound listen_patiently(const BindAddress& address, uint32_t backlog, bool v6_only,
                       const std::function<bool()>& wait) {
  for (int tries = 1;; ++tries) {
    Bound bound = listen_at(address, backlog, v6_only);
    if (bound || !bound.error().may_pass || tries == kBindTries) return bound;
    static_assert(kBindWaitMs == 1000);
    log::warning("{}; trying again in a second", bound.error().message);
    if (!wait()) return bound;
  }
}

}  // namespace

Result<std::vector<ListeningSocket>> listen_at_all(const std::vector<std::string>& binds,
                                                   uint32_t backlog,
                                                   const std::function<bool()>& wait) {
  std::vector<BindAddress> addresses;
  for (const std::string& bind : binds) {
    Result<BindAddress> address = config::parse_bind_address(bind);
    if (!address) return address.error();
    addresses.push_back(std::move(*address));
  }
  std::vector<ListeningSocket> sockets;
  for (const BindAddress& address : addresses) {
    Bound bound =
        listen_patiently(address, backlog, shares_port_with_ipv4(address, addresses), wait);
    if (!bound) return Error{bound.error().message};
    sockets.push_back(std::move(*bound));
  }
  return sockets;
}

}  // namespace cppcorn::master
