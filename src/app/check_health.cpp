#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ostream>
#include <string_view>
#include <system_error>

#include "freshet/app/commands.hpp"

namespace freshet {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

std::string reason_of(int error) { return std::generic_category().message(error); }

/// Waits for the socket; false when the deadline comes first.
bool wait_for(int socket, short events, Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd watched{socket, events, 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

/// A socket, closed at the end.
class Socket {
 public:
  explicit Socket(int family) : number_(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const noexcept { return number_; }

 private:
  int number_;
};

/// Where to connect to, as the system takes it.
class Address {
 public:
  explicit Address(const AdminBind& to) {
    const std::string& host = to.endpoint.address;
    const bool is_v6 = host.find(':') != std::string::npos;
    v4_.sin_port = v6_.sin6_port = htons(to.endpoint.port);
    if (!to.path.empty()) {
      unix_.sun_family = AF_UNIX;
      std::memcpy(unix_.sun_path, to.path.data(), std::min(to.path.size(), sizeof unix_.sun_path - 1));
      address_ = reinterpret_cast<const sockaddr*>(&unix_);
      size_ = sizeof unix_;
    } else if (is_v6 && inet_pton(AF_INET6, host.c_str(), &v6_.sin6_addr) == 1) {
      v6_.sin6_family = AF_INET6;
      address_ = reinterpret_cast<const sockaddr*>(&v6_);
      size_ = sizeof v6_;
    } else if (inet_pton(AF_INET, host.c_str(), &v4_.sin_addr) == 1) {
      v4_.sin_family = AF_INET;
      address_ = reinterpret_cast<const sockaddr*>(&v4_);
      size_ = sizeof v4_;
    }
  }
  Address(const Address&) = delete;
  Address& operator=(const Address&) = delete;
  /// Null when the text is no address.
  const sockaddr* get() const noexcept { return address_; }
  socklen_t size() const noexcept { return size_; }
  int family() const noexcept { return address_ ? address_->sa_family : AF_INET; }

 private:
  sockaddr_un unix_{};
  sockaddr_in v4_{};
  sockaddr_in6 v6_{};
  const sockaddr* address_ = nullptr;
  socklen_t size_ = 0;
};

/// Opens the connection; what went wrong, or nothing.
std::string connect_to(int socket, const Address& to, Deadline deadline) {
  if (!to.get()) return "no IP address";
  if (::connect(socket, to.get(), to.size()) == 0) return {};
  if (errno == EAGAIN) return "it takes no more connections";  // of a Unix socket whose backlog is full
  if (errno != EINPROGRESS) return reason_of(errno);
  if (!wait_for(socket, POLLOUT, deadline)) return "no connection in time";
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length);
  return error ? reason_of(error) : std::string{};
}

/// Sends the request and reads until the status line is there; what went wrong, or nothing.
std::string ask(int socket, const std::string& host, Deadline deadline, std::string& status_line) {
  const std::string request =
      "GET /healthz HTTP/1.0\r\nHost: " + host + "\r\nUser-Agent: freshet-healthcheck\r\n\r\n";
  // So short a request fits the empty buffer of a new socket as a whole.
  if (::send(socket, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return reason_of(errno);
  constexpr std::size_t kLongest = 1024;
  std::array<char, 512> piece{};
  while (status_line.find('\n') == std::string::npos && status_line.size() < kLongest) {
    if (!wait_for(socket, POLLIN, deadline)) return "no answer in time";
    const auto n = ::recv(socket, piece.data(), piece.size(), 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return reason_of(errno);
    if (n == 0) return "no answer";
    status_line.append(piece.data(), static_cast<std::size_t>(n));
  }
  status_line.resize(std::min(status_line.size(), status_line.find_first_of("\r\n")));
  return {};
}

}  // namespace

int check_health(const AdminBind& admin, Milliseconds patience, std::ostream& out, std::ostream& err) {
  const Deadline deadline = std::chrono::steady_clock::now() + patience;
  const auto name = to_string(admin);
  const Address address(admin);
  const Socket socket(address.family());
  std::string status_line;
  auto problem = socket.number() < 0 ? reason_of(errno) : connect_to(socket.number(), address, deadline);
  if (problem.empty())
    problem = ask(socket.number(), admin.path.empty() ? name : "localhost", deadline, status_line);
  if (problem.empty() && (!status_line.starts_with("HTTP/1.") || status_line.find(" 200", 8) != 8))
    problem = "answered '" + status_line.substr(0, 60) + "'";
  if (!problem.empty()) {
    err << "freshet: " << name << " is not healthy: " << problem << '\n';
    return 1;
  }
  out << name << " is healthy\n";
  return 0;
}

}  // namespace freshet
