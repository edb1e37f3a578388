#include "freshet/net/tcp_transport.hpp"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

namespace freshet {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr asio::as_tuple_t<asio::use_awaitable_t<>> kAwait(asio::use_awaitable);

/// The kernel keeps no more than this that is not even on its way: a peer that does not read costs it kilobytes, where
/// its own limit is megabytes (tcp_wmem). Enough for the time until the worker's next turn.
constexpr int kUnsent = 256 * 1024;

IoResult failed_now(int error) noexcept {
  if (error == EAGAIN || error == EWOULDBLOCK) return {IoResult::State::WouldBlock, 0};
  return {IoResult::State::Failed, 0};
}

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

/// The end of a wait. Asio moves it out of the place before it calls it, or lets go of it: the transport may be gone
/// with it.
class Tell {
 public:
  using allocator_type = PlaceAllocator<std::byte>;
  Tell(Ref<ReadWaiter> waiter, WaitPlace& place) noexcept : waiter_(std::move(waiter)), place_(place) {}
  allocator_type get_allocator() const noexcept { return place_; }
  void operator()(const error_code& error) { waiter_->on_readable(!error); }

 private:
  Ref<ReadWaiter> waiter_;
  allocator_type place_;
};

}  // namespace

TcpTransport::TcpTransport(tcp::socket socket) noexcept : socket_(std::move(socket)) {
  error_code ignored;  // a Unix socket has no TCP_NODELAY; a dead one fails at its first use
  socket_.native_non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsent, sizeof kUnsent);
}

TcpTransport::~TcpTransport() { close(); }

IoResult TcpTransport::read_now(std::span<std::byte> into) noexcept {
  for (;;) {
    const ssize_t got = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) return {IoResult::State::Done, static_cast<std::size_t>(got)};
    if (got == 0) return {IoResult::State::End, 0};
    if (errno != EINTR) return failed_now(errno);
  }
}

IoResult TcpTransport::write_now(std::span<const std::span<const std::byte>> pieces) noexcept {
  std::array<iovec, kMaxGather> parts;
  msghdr message{};
  message.msg_iov = parts.data();
  for (const auto& piece : pieces.first(std::min(pieces.size(), parts.size())))
    parts[message.msg_iovlen++] = {const_cast<std::byte*>(piece.data()), piece.size()};
  for (;;) {
    const ssize_t put = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put >= 0) return {IoResult::State::Done, static_cast<std::size_t>(put)};
    if (errno != EINTR) return failed_now(errno);
  }
}

Task<IoResult> TcpTransport::read(std::span<std::byte> into) {
  const asio::mutable_buffer buffer(into.data(), into.size());
  const auto [error, size] = co_await socket_.async_read_some(buffer, kAwait);
  // From here on the transport may be gone.
  if (!error) co_return IoResult{IoResult::State::Done, size};
  co_return IoResult{error == asio::error::eof ? IoResult::State::End : IoResult::State::Failed, 0};
}

Task<bool> TcpTransport::wait_readable() {
  const auto [error] = co_await socket_.async_wait(tcp::socket::wait_read, kAwait);
  co_return !error;
}

void TcpTransport::tell_when_readable(asio::io_context&, Ref<ReadWaiter> waiter) {
  socket_.async_wait(tcp::socket::wait_read, Tell(std::move(waiter), place_));
}

Task<bool> TcpTransport::wait_writable() {
  const auto [error] = co_await socket_.async_wait(tcp::socket::wait_write, kAwait);
  co_return !error;
}

Transport::Peer TcpTransport::peer() noexcept {
  if (!socket_.is_open()) return Peer::Gone;
  pollfd probe{socket_.native_handle(), POLLRDHUP, 0};
  if (::poll(&probe, 1, 0) != 1) return Peer::There;
  if ((probe.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return Peer::Gone;
  return (probe.revents & POLLRDHUP) != 0 ? Peer::Finished : Peer::There;
}

std::size_t TcpTransport::unacknowledged() const noexcept {
  int bytes = 0;  // the native handle is not const in Asio
  const int socket = const_cast<tcp::socket&>(socket_).native_handle();
  return ::ioctl(socket, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

void TcpTransport::shutdown_write() noexcept {
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void TcpTransport::cancel() noexcept {
  error_code ignored;
  socket_.cancel(ignored);
}

void TcpTransport::close() noexcept {
  error_code ignored;
  socket_.close(ignored);
}

void TcpTransport::abort() noexcept {
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

}  // namespace freshet
