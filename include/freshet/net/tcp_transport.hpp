// Transport over a TCP (or Unix) stream socket.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "freshet/net/transport.hpp"

namespace freshet {

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
};

}  // namespace freshet
