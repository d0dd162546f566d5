#include "src/master/listening_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>

#include "src/net/socket_address.h"
#include "tests/unit/src/master/folder.h"

// What the world outside sees is in tests/functional/test_master_sockets.py; here is what it does
// not.
namespace cppcorn::master {
namespace {

using testing::Folder;

Result<ListeningSocket, ListenError> listen(const std::string& text, bool v6_only = false) {
  return listen_at(*config::parse_bind_address(text), 128, v6_only);
}

int flag(int fd, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(fd, level, option, &value, &size), 0);
  return value;
}

TEST(ListeningSocket, IsReadyForWorkers) {
  const auto socket = listen("127.0.0.1:0");
  ASSERT_TRUE(socket) << socket.error().message;
  EXPECT_TRUE(fcntl(socket->fd(), F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(fcntl(socket->fd(), F_GETFD) & FD_CLOEXEC);
  EXPECT_EQ(flag(socket->fd(), SOL_SOCKET, SO_ACCEPTCONN), 1);
  EXPECT_EQ(flag(socket->fd(), SOL_SOCKET, SO_REUSEADDR), 1);
  EXPECT_EQ(socket->url(), "http://" + net::SocketAddress::local_of(socket->fd()).to_string());
}

TEST(ListeningSocket, OnlyAnAddressInUseMayPass) {
  const auto first = listen("127.0.0.1:0");
  ASSERT_TRUE(first);
  const auto second = listen(first->url().substr(7));
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().may_pass);
  EXPECT_FALSE(listen("192.0.2.1:0").error().may_pass);
  EXPECT_FALSE(listen("unix:/nowhere/x").error().may_pass);
}

TEST(ListeningSocket, AnInheritedOneIsMadeFit) {
  const int plain = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::listen(plain, 1), -1);
  const Folder folder;
  auto original = listen("unix:" + (folder / "a").string());
  ASSERT_TRUE(original);
  const int fd = dup(original->fd());
  ASSERT_EQ(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK), 0);
  {
    const auto inherited = listen("fd://" + std::to_string(fd));
    ASSERT_TRUE(inherited) << inherited.error().message;
    EXPECT_EQ(inherited->url(), original->url());
    EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
    EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "a")) << "it is not ours to remove";
  EXPECT_FALSE(listen("fd://" + std::to_string(plain)));
  close(plain);
}

TEST(ListeningSocket, AForkedChildRemovesNothing) {
  const Folder folder;
  {
    auto socket = listen("unix:" + (folder / "a").string());
    ASSERT_TRUE(socket);
    EXPECT_EXIT(
        {
          { const ListeningSocket child = std::move(*socket); }
          _exit(0);
        },
        ::testing::ExitedWithCode(0), "");
    EXPECT_TRUE(std::filesystem::exists(folder / "a"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "a"));
}

// Ends the process with what listening there says, for whoever may do little.
[[noreturn]] void say_as_nobody(const std::string& address) {
  constexpr uid_t kNobody = 65534;
  if (geteuid() == 0 && seteuid(kNobody) != 0) _exit(2);
  const auto socket = listen(address);
  if (!socket) std::fputs(socket.error().message.c_str(), stderr);
  _exit(socket ? 1 : 0);
}

TEST(ListeningSocket, PermissionsOfAFolderAreNotAboutPorts) {
  const Folder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::none);
  EXPECT_EXIT(say_as_nobody("unix:" + (folder / "a").string()), ::testing::ExitedWithCode(0),
              "/a: Permission denied$");
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
}

TEST(ListeningSocket, AFileThatWasLeftBehindAndCannotBeRemovedIsSaid) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make a file that is another user's";
  const Folder folder;
  const std::string path = folder / "a";
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    const UniqueFd left_behind(socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(bind(left_behind.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ASSERT_EQ(chmod(path.c_str(), 0777), 0);
  ASSERT_EQ(chmod(folder.path().c_str(), 01777), 0);
  EXPECT_EXIT(say_as_nobody("unix:" + path), ::testing::ExitedWithCode(0),
              "a socket file that nobody listens at is in the way, and cannot be removed: ");
}

TEST(ListeningSocket, MovingKeepsTheFile) {
  const Folder folder;
  std::vector<ListeningSocket> sockets;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    auto socket = listen("unix:" + (folder / name).string());
    ASSERT_TRUE(socket);
    sockets.push_back(std::move(*socket));
  }
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / name));
  }
  sockets.clear();
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// Without a NUL behind it: as long as the field that holds it.
TEST(ListeningSocket, ThePathOfAnInheritedOneMayBeAsLongAsThereIsRoom) {
  const Folder folder;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = folder / "";
  path.resize(sizeof address.sun_path, 'p');
  path.copy(address.sun_path, path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  const auto inherited = listen("fd://" + std::to_string(fd));
  ASSERT_TRUE(inherited) << inherited.error().message;
  EXPECT_EQ(inherited->url(), "unix:" + path);
}

TEST(ListenAtAll, TheFirstErrorLeavesNothingBehind) {
  const Folder folder;
  const auto never = [] { return true; };
  EXPECT_FALSE(listen_at_all({"unix:" + (folder / "a").string(), "192.0.2.1:1"}, 1, never));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ListenAtAll, AnAddressInUseIsTriedAgainWhileTheWaitSaysSo) {
  const Folder folder;
  const auto taken = listen("127.0.0.1:0");
  ASSERT_TRUE(taken);
  int waits = 0, waits_max = 2;
  const auto wait = [&] { return ++waits < waits_max; };
  const std::vector<std::string> binds = {"unix:" + (folder / "a").string(),
                                          taken->url().substr(7)};
  EXPECT_FALSE(listen_at_all(binds, 1, wait));
  EXPECT_EQ(waits, 2);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  waits = 0;
  waits_max = 100;
  EXPECT_FALSE(listen_at_all(binds, 1, wait));
  EXPECT_EQ(waits, kBindTries - 1);
}

}  // namespace
}  // namespace cppcorn::master
