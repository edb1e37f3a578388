#include "freshet/net/accept.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace freshet {

Accepted accept_now(int listening) noexcept {
  Accepted accepted;
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  accepted.socket = ::accept4(listening, reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (accepted.socket < 0) accepted.error = errno;
  if (accepted.socket < 0 || (from.ss_family != AF_INET && from.ss_family != AF_INET6)) return accepted;
  std::memcpy(accepted.from.data(), &from, from.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
  return accepted;
}

bool has_waiting(int listening) noexcept {
  pollfd asked{listening, POLLIN, 0};
  return ::poll(&asked, 1, 0) != 0;  // after a failure, accept_now() tells which
}

}  // namespace freshet
