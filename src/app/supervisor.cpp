#include "supervisor.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "freshet/base/ascii.hpp"

namespace freshet {
namespace {

std::string_view variable(const char* name) noexcept {
  const char* value = std::getenv(name);
  return value ? value : std::string_view{};
}

}  // namespace

Supervisor::Supervisor() {
  const std::string_view socket = variable("NOTIFY_SOCKET");
  const bool usable = socket.starts_with('/') || (socket.starts_with('@') && socket.size() > 1);
  if (!usable || socket.size() >= sizeof(sockaddr_un::sun_path)) return;
  socket_ = socket;
  const auto interval = ascii::parse_decimal(variable("WATCHDOG_USEC"));
  const auto process = variable("WATCHDOG_PID");
  const bool ours = process.empty() || ascii::parse_decimal(process) == static_cast<std::uint64_t>(::getpid());
  watches_ = interval.value_or(0) > 0 && ours;
}

void Supervisor::tell(std::string_view lines) const noexcept {
  if (socket_.empty()) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, socket_.data(), socket_.size());
  if (socket_.front() == '@') to.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const int out = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (out < 0) return;
  (void)!::sendto(out, lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), size);
  ::close(out);
}

bool Pulse::felt() {
  if (silent_->load() != 0) return false;
  silent_->store(workers_.size());
  for (Worker* worker : workers_) worker->post([silent = silent_] { silent->fetch_sub(1); });
  return true;
}

}  // namespace freshet
