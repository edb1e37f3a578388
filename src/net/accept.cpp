#include "freshet/net/accept.hpp"

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

}  // namespace freshet
