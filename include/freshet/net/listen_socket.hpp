// Listening sockets: one for each worker on the same port (SO_REUSEPORT), so that the kernel spreads connections.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace freshet {

struct ListenAddress {
  std::string address;         ///< IP literal without brackets
  std::uint16_t port = 0;      ///< 0: the kernel chooses
  bool defer_accept = false;   ///< connections are there once their first bytes are, or a second later (TCP_DEFER_ACCEPT)
  std::optional<unsigned> processor = {};  ///< whose packets bring the connections that this socket is to have (SO_INCOMING_CPU)
};

/// Opens, binds and listens (SO_REUSEADDR, SO_REUSEPORT, IPV6_V6ONLY, backlog 4096, non-blocking, close-on-exec). On
/// failure the acceptor is closed and `error` says what and where, e.g. "cannot listen on 127.0.0.1:3128: address
/// already in use". `exclusive`: fails when any other socket is bound there, another process's SO_REUSEPORT one
/// included; used for a port's first socket.
boost::asio::ip::tcp::acceptor open_listen_socket(boost::asio::io_context&, const ListenAddress&, bool exclusive,
                                                  std::string& error);

}  // namespace freshet
