#include "freshet/net/tcp_transport.hpp"

#include <fcntl.h>
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
/// A stream out of pipes comes in larger portions.
constexpr int kUnsentOfStream = 1024 * 1024;

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

/// What is written in one piece up to this size costs less than in several: the kernel need not walk a list.
constexpr std::size_t kJoined = 2048;

/// To a fast peer on the same machine one call goes on for as long as there are bytes, half a second for a GiB.
constexpr std::size_t kAtOnce = 128 * 1024;

/// 0 when they do not fit.
std::size_t join(std::span<const std::span<const std::byte>> pieces, std::span<std::byte> room) noexcept {
  std::size_t size = 0;
  for (const auto& piece : pieces) size += piece.size();
  if (size > room.size()) return 0;
  std::byte* at = room.data();
  for (const auto& piece : pieces) {
    std::memcpy(at, piece.data(), piece.size());
    at += piece.size();
  }
  return size;
}

IoResult send_joined(int socket, std::span<const std::byte> bytes, int flags) noexcept {
  for (;;) {
    const ssize_t put = ::send(socket, bytes.data(), bytes.size(), flags);
    if (put >= 0) return {IoResult::State::Done, static_cast<std::size_t>(put)};
    if (errno != EINTR) return failed_now(errno);
  }
}

IoResult send_gathered(int socket, std::span<const std::span<const std::byte>> pieces, int flags) noexcept {
  std::array<iovec, Transport::kMaxGather> parts;
  msghdr message{};
  message.msg_iov = parts.data();
  std::size_t room = kAtOnce;
  for (const auto& piece : pieces) {
    const std::size_t size = std::min(piece.size(), room);
    if (size == 0) break;
    parts[message.msg_iovlen++] = {const_cast<std::byte*>(piece.data()), size};
    room -= size;
  }
  for (;;) {
    const ssize_t put = ::sendmsg(socket, &message, flags);
    if (put >= 0) return {IoResult::State::Done, static_cast<std::size_t>(put)};
    if (errno != EINTR) return failed_now(errno);
  }
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

/// What the socket has without a pipe's help. A splice(2) stops before an urgent byte, and says EAGAIN there, or the end
/// when the peer has finished, although more is behind it: only a read gets past.
IoResult after_splice(int socket) noexcept {
  std::byte first{};
  for (;;) {
    const IoResult there = received(::recv(socket, &first, 1, MSG_PEEK | MSG_DONTWAIT));
    if (there.state == IoResult::State::Done) return {IoResult::State::Unable, 0};
    if (there.state != IoResult::State::Failed || errno != EINTR) return there;
  }
}

IoResult splice_from(int socket, PipeLease& into) noexcept {
  if (!into.obtain()) return {IoResult::State::Unable, 0};
  for (;;) {
    const ssize_t got =
        ::splice(socket, nullptr, into.write_end(), nullptr, PipePool::kWanted, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (got < 0 && errno == EINTR) continue;
    if (got > 0) {
      into.filled(static_cast<std::size_t>(got));
      return {IoResult::State::Done, static_cast<std::size_t>(got)};
    }
    const bool impossible = got < 0 && (errno == EINVAL || errno == ENOSYS || errno == EPERM || errno == ENOMEM);
    const bool unclear = got == 0 || would_block(errno);
    into.give_back();
    if (impossible) return {IoResult::State::Unable, 0};
    return unclear ? after_splice(socket) : IoResult{};
  }
}

/// A Receive into a pipe.
class ReceivePiped {
 public:
  ReceivePiped(int socket, PipeLease& into, bool& is_empty) noexcept
      : socket_(socket), into_(into), is_empty_(is_empty) {}
  Step operator()() noexcept {
    result_ = splice_from(socket_, into_);
    is_empty_ = result_.state == IoResult::State::WouldBlock;
    return is_empty_ ? Step::Later : Step::Done;
  }
  IoResult result() const noexcept { return result_; }
  IoResult failed() const noexcept { return {}; }

 private:
  int socket_;
  PipeLease& into_;
  bool& is_empty_;
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

// The plain call costs a fiftieth less of a whole hit than the one that says what is left.
IoResult TcpTransport::read_now(std::span<std::byte> into) noexcept {
  if (says_what_is_left_ && socket_.saw_only_bytes()) {
    const IoResult got = take_now(into);
    if (got.state == IoResult::State::Done) is_empty_ = got.size < into.size();
    return got;
  }
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
  pieces = pieces.first(std::min(pieces.size(), kMaxGather));
  const int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (writes_the_last_ ? MSG_MORE : 0);
  std::array<std::byte, kJoined> joined;
  const std::size_t size = join(pieces, joined);
  return size > 0 ? send_joined(descriptor(), std::span(joined).first(size), flags)
                  : send_gathered(descriptor(), pieces, flags);
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

Task<IoResult> TcpTransport::pipe_in(PipeLease& into) {
  ReceivePiped receive(descriptor(), into, is_empty_);
  return socket_.run(WatchedSocket::Direction::Read, start_of_read(), receive);
}

IoResult TcpTransport::pipe_out_now(PipeLease& from) noexcept {
  if (!std::exchange(writes_stream_, true)) set(descriptor(), TCP_NOTSENT_LOWAT, kUnsentOfStream);
  const unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (writes_the_last_ ? SPLICE_F_MORE : 0);
  for (;;) {
    const ssize_t put = ::splice(from.read_end(), nullptr, descriptor(), nullptr, from.held(), flags);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failed_now(errno);
    from.emptied(static_cast<std::size_t>(put));
    return {put > 0 ? IoResult::State::Done : IoResult::State::Failed, static_cast<std::size_t>(put)};
  }
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
  if (says_what_is_left_) socket_.listen_for_end();  // not a connection's first wait, which is often the last one
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
