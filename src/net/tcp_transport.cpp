#include "freshet/net/tcp_transport.hpp"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace freshet {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Step = WatchedSocket::Step;

/// The kernel keeps no more than this that is not even on its way: a peer that does not read costs it kilobytes, where
/// its own limit is megabytes (tcp_wmem). Enough for the time until the worker's next turn.
constexpr int kUnsent = 256 * 1024;

bool set(int socket, int option, int value) noexcept {
  return ::setsockopt(socket, IPPROTO_TCP, option, &value, sizeof value) == 0;
}

/// A Unix socket has none of these; a dead one fails at its first use. True when it says what is left (TCP_INQ).
bool set_up(int socket) noexcept {
  set(socket, TCP_NODELAY, 1);
  set(socket, TCP_NOTSENT_LOWAT, kUnsent);
  return set(socket, TCP_INQ, 1);
}

int release(tcp::socket& socket) noexcept {
  error_code ignored;
  socket.native_non_blocking(true, ignored);
  const int descriptor = socket.release(ignored);
  return ignored ? -1 : descriptor;
}

bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

IoResult failed_now(int error) noexcept {
  return {would_block(error) ? IoResult::State::WouldBlock : IoResult::State::Failed, 0};
}

IoResult received(ssize_t got) noexcept {
  if (got > 0) return {IoResult::State::Done, static_cast<std::size_t>(got)};
  return got == 0 ? IoResult{IoResult::State::End, 0} : failed_now(errno);
}

IoResult receive(int socket, std::span<std::byte> into) noexcept {
  for (;;) {
    const ssize_t got = ::recv(socket, into.data(), into.size(), MSG_DONTWAIT);
    if (got >= 0 || errno != EINTR) return received(got);
  }
}

/// The same, and whether nothing is left then, not even the peer's end. False also when that is not known.
IoResult receive(int socket, std::span<std::byte> into, bool& is_empty) noexcept {
  iovec part{into.data(), into.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  for (;;) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(socket, &message, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    const cmsghdr* told = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
    int left = 1;
    if (told && told->cmsg_level == SOL_TCP && told->cmsg_type == TCP_CM_INQ)
      std::memcpy(&left, CMSG_DATA(told), sizeof left);
    is_empty = left == 0;
    return received(got);
  }
}

/// A read that waits for bytes.
class Receive {
 public:
  Receive(int socket, std::span<std::byte> into, bool says_what_is_left) noexcept
      : socket_(socket), says_what_is_left_(says_what_is_left), into_(into) {}
  Step operator()() noexcept {
    bool is_empty = false;
    result_ = says_what_is_left_ ? receive(socket_, into_, is_empty) : receive(socket_, into_);
    if (result_.state == IoResult::State::WouldBlock) return Step::Later;
    return is_empty ? Step::Exhausted : Step::Done;
  }
  IoResult result() const noexcept { return result_; }
  IoResult failed() const noexcept { return {}; }

 private:
  int socket_;
  bool says_what_is_left_;
  std::span<std::byte> into_;
  IoResult result_;
};

/// A wait for news. The bytes of a read stay, and are news to the next wait; of a socket that could be written to the
/// next one will hear again when it was full in between.
class Notice {
 public:
  explicit Notice(Step step) noexcept : step_(step) {}
  Step operator()() const noexcept { return step_; }
  bool result() const noexcept { return true; }
  bool failed() const noexcept { return false; }

 private:
  Step step_;
};

Task<bool> at_once() { co_return true; }

}  // namespace

TcpTransport::TcpTransport(tcp::socket socket) noexcept
    : socket_(socket.get_executor().context(), release(socket)),
      says_what_is_left_(set_up(socket_.descriptor())),
      is_untried_(false) {}

TcpTransport::TcpTransport(asio::io_context& loop, int accepted, bool says_what_is_left) noexcept
    : socket_(loop, accepted), says_what_is_left_(says_what_is_left), is_untried_(true) {}

TcpTransport::~TcpTransport() = default;

bool TcpTransport::prepare_to_accept(int listening) noexcept { return set_up(listening); }

IoResult TcpTransport::read_now(std::span<std::byte> into) noexcept { return receive(descriptor(), into); }

IoResult TcpTransport::write_now(std::span<const std::span<const std::byte>> pieces) noexcept {
  std::array<iovec, kMaxGather> parts;
  msghdr message{};
  message.msg_iov = parts.data();
  for (const auto& piece : pieces.first(std::min(pieces.size(), parts.size())))
    parts[message.msg_iovlen++] = {const_cast<std::byte*>(piece.data()), piece.size()};
  const int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (writes_the_last_ ? MSG_MORE : 0);
  for (;;) {
    const ssize_t put = ::sendmsg(descriptor(), &message, flags);
    if (put >= 0) return {IoResult::State::Done, static_cast<std::size_t>(put)};
    if (errno != EINTR) return failed_now(errno);
  }
}

Task<IoResult> TcpTransport::read(std::span<std::byte> into) {
  is_untried_ = false;
  Receive receive(descriptor(), into, says_what_is_left_);
  return socket_.run(WatchedSocket::Direction::Read, WatchedSocket::Start::Try, receive);
}

Task<bool> TcpTransport::wait_readable() {
  if (std::exchange(is_untried_, false)) return at_once();
  return socket_.run(WatchedSocket::Direction::Read, WatchedSocket::Start::Wait, Notice(Step::Done));
}

Task<bool> TcpTransport::wait_writable() {
  return socket_.run(WatchedSocket::Direction::Write, WatchedSocket::Start::Try, Notice(Step::Exhausted));
}

Transport::Peer TcpTransport::peer() noexcept {
  if (descriptor() < 0) return Peer::Gone;
  pollfd probe{descriptor(), POLLRDHUP, 0};
  if (::poll(&probe, 1, 0) != 1) return Peer::There;
  if ((probe.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return Peer::Gone;
  return (probe.revents & POLLRDHUP) != 0 ? Peer::Finished : Peer::There;
}

std::size_t TcpTransport::unacknowledged() const noexcept {
  int bytes = 0;
  return ::ioctl(descriptor(), SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

void TcpTransport::shutdown_write() noexcept { ::shutdown(descriptor(), SHUT_WR); }

void TcpTransport::cancel() noexcept { socket_.cancel(); }

void TcpTransport::close() noexcept { socket_.close(); }

void TcpTransport::abort() noexcept {
  const linger reset{1, 0};
  ::setsockopt(descriptor(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close();
}

}  // namespace freshet
