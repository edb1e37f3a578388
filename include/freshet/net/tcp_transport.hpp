// Transport over a TCP (or Unix) stream socket.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <new>

#include "freshet/net/transport.hpp"
#include "freshet/net/watched_socket.hpp"

namespace freshet {

/// Where what the loop keeps of one wait lies: part of the transport, because an idle connection has nothing else to
/// wait with. One wait at a time; a second one gets memory from the heap.
class WaitPlace {
 public:
  void* take(std::size_t size) {
    if (taken_ || size > sizeof bytes_) return ::operator new(size);
    taken_ = true;
    return bytes_;
  }
  void give_back(void* place) noexcept {
    if (place != bytes_) return ::operator delete(place);
    taken_ = false;
  }

 private:
  alignas(std::max_align_t) std::byte bytes_[112];
  bool taken_ = false;
};

class TcpTransport final : public Transport {
 public:
  /// Takes a connected socket; makes it non-blocking, with TCP_NODELAY and little room for bytes that are not on
  /// their way yet (TCP_NOTSENT_LOWAT).
  explicit TcpTransport(boost::asio::ip::tcp::socket socket) noexcept;
  /// Takes over what accept4(2) gave, non-blocking, from a listening socket that prepare_to_accept() has seen.
  /// `says_what_is_left`: what prepare_to_accept() returned. `try_first`: a request has probably come, and the first
  /// tell_when_readable() is over on the loop's next turn; the loop need not watch a connection that is over with it.
  TcpTransport(boost::asio::io_context& loop, int accepted, bool says_what_is_left, bool try_first) noexcept;
  ~TcpTransport() override;

  /// Sets on a listening socket what the sockets that it accepts inherit, so that no call is spent on each. True when
  /// they will say, with what was read, whether more is there: TCP's do, Unix sockets do not.
  static bool prepare_to_accept(int listening) noexcept;

  IoResult read_now(std::span<std::byte> into) noexcept override;
  IoResult take_now(std::span<std::byte> into) noexcept override;
  IoResult write_now(std::span<const std::span<const std::byte>> pieces) noexcept override;
  Task<IoResult> read(std::span<std::byte> into) override;
  Task<bool> wait_readable() override;
  /// Takes nothing from the heap, but for the first wait with `try_first`.
  void tell_when_readable(boost::asio::io_context& loop, Ref<ReadWaiter> waiter) override;
  Task<bool> wait_writable() override;
  bool can_pipe() const noexcept override { return true; }
  Task<IoResult> pipe_in(PipeLease& into) override;
  IoResult pipe_out_now(PipeLease& from) noexcept override;
  Peer peer() noexcept override;
  bool is_quiet() noexcept override;
  bool is_reset() noexcept override;
  std::size_t unacknowledged() const noexcept override;
  void announce_end() noexcept override { writes_the_last_ = true; }
  void shutdown_write() noexcept override;
  void cancel() noexcept override;
  void close() noexcept override;
  void abort() noexcept override;

  int descriptor() const noexcept { return socket_.descriptor(); }

 private:
  WatchedSocket::Start start_of_read() noexcept;
  WatchedSocket::Start start_of_wait() noexcept;
  WatchedSocket socket_;
  WaitPlace place_;
  bool says_what_is_left_;
  bool is_untried_;
  bool is_empty_ = false;  // the last read has left nothing, not even the end, but for what there will be an event for
  bool has_told_ = false;  // somebody, of what no read has asked for since
  bool writes_the_last_ = false;
  bool writes_stream_ = false;  // it has been given more room
};

}  // namespace freshet
