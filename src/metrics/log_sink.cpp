#include "log_sink.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace freshet {

const long LogSink::kWouldBlock = -EAGAIN;
const int LogSink::kTimedOut = ETIMEDOUT;

LogSink::~LogSink() {
  if (fd_ > STDERR_FILENO) ::close(fd_);
}

int LogSink::open() noexcept {
  int fd = STDOUT_FILENO;
  if (path_ != "stdout") {
    // O_NONBLOCK: a FIFO that nobody reads must not stop the start; regular files do not care.
    fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fd < 0) return errno;
  }
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    const int error = errno;
    if (fd != STDOUT_FILENO) ::close(fd);
    return error;
  }
  can_block_ = !S_ISREG(status.st_mode);
  const int old = std::exchange(fd_, fd);
  if (old > STDERR_FILENO) ::close(old);
  return 0;
}

long LogSink::write_some(std::string_view text) noexcept {
  // The descriptor of stdout is shared with other processes, so it stays as blocking as it came: ask before each write, and write no
  // more than a pipe takes at once (PIPE_BUF).
  constexpr std::size_t kPipeBytes = 4096;
  if (can_block_) {
    pollfd writable{fd_, POLLOUT, 0};
    if (::poll(&writable, 1, 0) == 0) return kWouldBlock;
    text = text.substr(0, kPipeBytes);
  }
  ssize_t n;
  do n = ::write(fd_, text.data(), text.size());
  while (n < 0 && errno == EINTR);
  return n >= 0 ? static_cast<long>(n) : -static_cast<long>(errno);
}

void LogSink::wait_until_writable() noexcept {
  pollfd writable{fd_, POLLOUT, 0};
  (void)::poll(&writable, 1, static_cast<int>(kStep.count()));
}

}  // namespace freshet
