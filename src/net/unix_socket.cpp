#include "freshet/net/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace freshet {
namespace {

using Acceptor = boost::asio::ip::tcp::acceptor;
constexpr mode_t kMode = 0660;
constexpr int kBacklog = 128;

sockaddr_un address_of(const std::string& path) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  return address;
}

/// Numbers are given again as soon as a file is gone; nobody changes when a socket was made.
bool is_same(const struct stat& a, const struct stat& b) noexcept {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

int open_socket() noexcept { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

/// True when the path is free, or has been made so; else `why`.
bool make_room(const std::string& path, std::string& why) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return true;  // bind() knows what else is wrong
  if (!S_ISSOCK(status.st_mode)) {
    why = "a file that is no socket is there";
    return false;
  }
  const int probe = open_socket();
  if (probe < 0) return true;
  const sockaddr_un address = address_of(path);
  const bool refused =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  if (!refused) {
    why = "another process listens there";
    return false;
  }
  ::unlink(path.c_str());
  return true;
}

int open_and_listen(const std::string& path, std::string& why) {
  const int made = open_socket();
  const sockaddr_un address = address_of(path);
  // The mode of the file is that of the socket, less the umask: never more than this, not even for a moment.
  const bool good = made >= 0 && ::fchmod(made, kMode) == 0 &&
                    ::bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                    ::chmod(path.c_str(), kMode) == 0 && ::listen(made, kBacklog) == 0;
  if (good) return made;
  why = std::generic_category().message(errno);
  if (made >= 0) ::close(made);
  return -1;
}

}  // namespace

Acceptor UnixSocketFile::listen(boost::asio::io_context& loop, const std::string& path, std::string& error) {
  Acceptor acceptor(loop);
  std::string why;
  const int made = make_room(path, why) ? open_and_listen(path, why) : -1;
  if (made < 0) {
    error = "cannot listen on unix:" + path + ": " + why;
    return acceptor;
  }
  if (::lstat(path.c_str(), &made_) == 0) path_ = path;
  boost::system::error_code failure;
  acceptor.assign(boost::asio::ip::tcp::v4(), made, failure);
  if (!failure) acceptor.non_blocking(true, failure);
  if (!failure) return acceptor;
  error = "cannot listen on unix:" + path + ": " + failure.message();
  if (!acceptor.is_open()) ::close(made);
  acceptor.close(failure);
  return acceptor;
}

void UnixSocketFile::remove() noexcept {
  if (path_.empty()) return;
  struct stat status {};
  if (::lstat(path_.c_str(), &status) == 0 && is_same(status, made_)) ::unlink(path_.c_str());
  path_.clear();
}

bool is_unix_socket(int socket) noexcept {
  int family = 0;
  socklen_t size = sizeof family;
  return ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_UNIX;
}

}  // namespace freshet
