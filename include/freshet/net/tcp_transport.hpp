// Transport over a TCP (or Unix) stream socket.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <new>

#include "freshet/net/transport.hpp"

namespace freshet {

/// Where what Asio keeps of one wait lies: part of the transport, because an idle connection has nothing else to wait
/// with. One wait at a time; a second one gets memory from the heap.
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
  alignas(std::max_align_t) std::byte bytes_[160];
  bool taken_ = false;
};

class TcpTransport final : public Transport {
 public:
  /// Takes a connected socket; makes it non-blocking, with TCP_NODELAY and little room for bytes that are not on
  /// their way yet (TCP_NOTSENT_LOWAT).
  explicit TcpTransport(boost::asio::ip::tcp::socket socket) noexcept;
  ~TcpTransport() override;

  IoResult read_now(std::span<std::byte> into) noexcept override;
  IoResult write_now(std::span<const std::span<const std::byte>> pieces) noexcept override;
  Task<IoResult> read(std::span<std::byte> into) override;
  Task<bool> wait_readable() override;
  /// Takes nothing from the heap.
  void tell_when_readable(boost::asio::io_context& loop, Ref<ReadWaiter> waiter) override;
  Task<bool> wait_writable() override;
  Peer peer() noexcept override;
  std::size_t unacknowledged() const noexcept override;
  void shutdown_write() noexcept override;
  void cancel() noexcept override;
  void close() noexcept override;
  void abort() noexcept override;

  boost::asio::ip::tcp::socket& socket() noexcept { return socket_; }

 private:
  boost::asio::ip::tcp::socket socket_;
  WaitPlace place_;
};

}  // namespace freshet
