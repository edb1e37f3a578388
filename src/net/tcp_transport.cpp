#include "freshet/net/tcp_transport.hpp"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
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

/// `is_empty`: nothing is left then, not even the peer's end. False also when that is not known. Only a socket that
/// says it is asked: with the question, a Unix socket would also take descriptors that its peer hands over.
IoResult receive(int socket, std::span<std::byte> into, bool says_what_is_left, bool& is_empty) noexcept {
  iovec part{into.data(), into.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  for (;;) {
    message.msg_control = says_what_is_left ? control.data() : nullptr;
    message.msg_controllen = says_what_is_left ? control.size() : 0;
    const ssize_t got = ::recvmsg(socket, &message, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    const IoResult result = received(got);
    const cmsghdr* told = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
    int left = 1;
    if (told && told->cmsg_level == SOL_TCP && told->cmsg_type == TCP_CM_INQ)
      std::memcpy(&left, CMSG_DATA(told), sizeof left);
    is_empty = left == 0 || result.state == IoResult::State::WouldBlock;
    return result;
  }
}

/// Gathers up to so many bytes by copying: cheaper than telling the kernel of each piece.
constexpr std::size_t kCopied = 2048;

std::size_t size_of(const msghdr& message) noexcept {
  std::size_t size = 0;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) size += message.msg_iov[i].iov_len;
  return size;
}

/// One piece for several small ones, in `room`.
iovec gather(const msghdr& message, std::span<char, kCopied> room) noexcept {
  char* at = room.data();
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) {
    const iovec& part = message.msg_iov[i];
    std::memcpy(at, part.iov_base, part.iov_len);
    at += part.iov_len;
  }
  return {room.data(), static_cast<std::size_t>(at - room.data())};
}

/// A read that waits for bytes. Not called any more when the transport is closed.
class Receive {
 public:
  Receive(int socket, std::span<std::byte> into, bool says_what_is_left, bool& is_empty) noexcept
      : socket_(socket), says_what_is_left_(says_what_is_left), is_empty_(is_empty), into_(into) {}
  Step operator()() noexcept {
    result_ = receive(socket_, into_, says_what_is_left_, is_empty_);
    if (result_.state == IoResult::State::WouldBlock) return Step::Later;
    return is_empty_ ? Step::Exhausted : Step::Done;
  }
  IoResult result() const noexcept { return result_; }
  IoResult failed() const noexcept { return {}; }

 private:
  int socket_;
  bool says_what_is_left_;
  bool& is_empty_;
  std::span<std::byte> into_;
  IoResult result_;
};

/// std::allocator's form of a WaitPlace.
template <class T>
class PlaceAllocator {
 public:
  using value_type = T;
  explicit PlaceAllocator(WaitPlace& place) noexcept : place_(&place) {}
  template <class U>
  PlaceAllocator(const PlaceAllocator<U>& other) noexcept : place_(other.place_) {}
  T* allocate(std::size_t n) { return static_cast<T*>(place_->take(n * sizeof(T))); }
  void deallocate(T* at, std::size_t) noexcept { place_->give_back(at); }
  template <class U>
  bool operator==(const PlaceAllocator<U>& other) const noexcept {
    return place_ == other.place_;
  }

 private:
  template <class U>
  friend class PlaceAllocator;
  WaitPlace* place_;
};

/// The end of a wait, which is moved out of the place before it is called or let go of: the transport may be gone with
/// it.
class Tell {
 public:
  using allocator_type = PlaceAllocator<std::byte>;
  Tell(Ref<ReadWaiter> waiter, WaitPlace& place) noexcept : waiter_(std::move(waiter)), place_(place) {}
  allocator_type get_allocator() const noexcept { return place_; }
  void operator()(bool ready) { waiter_->on_readable(ready); }

 private:
  Ref<ReadWaiter> waiter_;
  allocator_type place_;
};

}  // namespace

TcpTransport::TcpTransport(tcp::socket socket) noexcept
    : socket_(socket.get_executor().context(), release(socket)),
      says_what_is_left_(set_up(socket_.descriptor())),
      is_untried_(false) {}

TcpTransport::TcpTransport(asio::io_context& loop, int accepted, bool says_what_is_left, bool try_first) noexcept
    : socket_(loop, accepted), says_what_is_left_(says_what_is_left), is_untried_(try_first) {}

TcpTransport::~TcpTransport() = default;

bool TcpTransport::prepare_to_accept(int listening) noexcept { return set_up(listening); }

IoResult TcpTransport::read_now(std::span<std::byte> into) noexcept {
  return receive(descriptor(), into, says_what_is_left_, is_empty_);
}

IoResult TcpTransport::take_now(std::span<std::byte> into) noexcept {
  for (;;) {
    const ssize_t got = ::recv(descriptor(), into.data(), into.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    const IoResult result = received(got);
    is_empty_ = result.state == IoResult::State::WouldBlock;
    return result;
  }
}

IoResult TcpTransport::write_now(std::span<const std::span<const std::byte>> pieces) noexcept {
  std::array<iovec, kMaxGather> parts;
  msghdr message{};
  message.msg_iov = parts.data();
  for (const auto& piece : pieces.first(std::min(pieces.size(), parts.size())))
    parts[message.msg_iovlen++] = {const_cast<std::byte*>(piece.data()), piece.size()};
  const int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (writes_the_last_ ? MSG_MORE : 0);
  std::array<char, kCopied> room;
  const bool is_small = size_of(message) <= room.size();
  const iovec one = message.msg_iovlen == 1 ? parts[0] : is_small ? gather(message, room) : iovec{};
  const bool is_one = message.msg_iovlen == 1 || is_small;
  for (;;) {
    const ssize_t put =
        is_one ? ::send(descriptor(), one.iov_base, one.iov_len, flags) : ::sendmsg(descriptor(), &message, flags);
    if (put >= 0) return {IoResult::State::Done, static_cast<std::size_t>(put)};
    if (errno != EINTR) return failed_now(errno);
  }
}

// A wait that has been told of bytes will not be told of them again, unless it asks.
WatchedSocket::Start TcpTransport::start_of_read() noexcept {
  const bool has_missed = std::exchange(has_told_, false) && !is_empty_;
  return has_missed ? WatchedSocket::Start::Wait : WatchedSocket::Start::Try;
}

Task<IoResult> TcpTransport::read(std::span<std::byte> into) {
  Receive receive(descriptor(), into, says_what_is_left_, is_empty_);
  return socket_.run(WatchedSocket::Direction::Read, start_of_read(), receive);
}

WatchedSocket::Start TcpTransport::start_of_wait() noexcept {
  has_told_ = true;
  return std::exchange(is_empty_, false) ? WatchedSocket::Start::Try : WatchedSocket::Start::Wait;
}

Task<bool> TcpTransport::wait_readable() {
  return socket_.run(WatchedSocket::Direction::Read, start_of_wait(), Notice(Step::Exhausted));
}

void TcpTransport::tell_when_readable(asio::io_context& loop, Ref<ReadWaiter> waiter) {
  Tell tell(std::move(waiter), place_);
  if (std::exchange(is_untried_, false)) {
    asio::post(loop, [tell = std::move(tell)]() mutable { tell(true); });
    return;
  }
  socket_.begin(WatchedSocket::Direction::Read, start_of_wait(), Notice(Step::Exhausted), std::move(tell));
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

bool TcpTransport::is_quiet() noexcept {
  char byte;
  is_empty_ = ::recv(descriptor(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && would_block(errno);
  return is_empty_;
}

// Not what peer() looks at: a connection that both sides have shut down is over, too, and may have unread bytes.
bool TcpTransport::is_reset() noexcept {
  pollfd probe{descriptor(), 0, 0};
  return is_empty_ && ::poll(&probe, 1, 0) == 1 && (probe.revents & POLLERR) != 0;
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
