#include "freshet/net/listen_socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>

namespace freshet {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
using DeferAccept = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_DEFER_ACCEPT>;  // seconds
using IncomingCpu = asio::detail::socket_option::integer<SOL_SOCKET, SO_INCOMING_CPU>;
constexpr int kBacklog = 4096;

std::string name_of(const ListenAddress& where) {
  const bool brackets = where.address.find(':') != std::string::npos;
  const std::string host = brackets ? '[' + where.address + ']' : where.address;
  return host + ':' + std::to_string(where.port);
}

std::string words_for(const error_code& error) {
  if (error == asio::error::address_in_use) return "address already in use";
  if (error == asio::error::access_denied) return "permission denied (ports below 1024 need CAP_NET_BIND_SERVICE)";
  if (error.value() == EADDRNOTAVAIL) return "this machine does not have that address";
  return error.message();
}

error_code open_and_bind(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, bool share) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (error) return error;
  ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
  // SO_REUSEADDR lets a restart bind while connections of the former process are in TIME_WAIT.
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && share) acceptor.set_option(ReusePort(true), error);
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  return error;
}

/// SO_REUSEPORT would share a port with another process of the same user without a word; a bind without it tells.
error_code try_alone(asio::io_context& loop, const tcp::endpoint& endpoint) {
  if (endpoint.port() == 0) return {};  // the kernel chooses one that nobody has
  tcp::acceptor probe(loop);
  error_code error = open_and_bind(probe, endpoint, false);
  error_code ignored;
  probe.close(ignored);
  return error;
}

error_code choose_connections(tcp::acceptor& acceptor, const ListenAddress& where) {
  error_code error;
  if (where.defer_accept) acceptor.set_option(DeferAccept(1), error);
  if (!error && where.processor) acceptor.set_option(IncomingCpu(static_cast<int>(*where.processor)), error);
  return error;
}

error_code open_at(tcp::acceptor& acceptor, asio::io_context& loop, const tcp::endpoint& endpoint,
                   const ListenAddress& where, bool exclusive) {
  error_code error;
  if (exclusive) error = try_alone(loop, endpoint);
  if (!error) error = open_and_bind(acceptor, endpoint, true);
  if (!error) error = choose_connections(acceptor, where);
  if (!error) acceptor.listen(kBacklog, error);
  if (!error) acceptor.non_blocking(true, error);
  return error;
}

}  // namespace

tcp::acceptor open_listen_socket(asio::io_context& loop, const ListenAddress& where, bool exclusive,
                                 std::string& error) {
  tcp::acceptor acceptor(loop);
  error_code failure;
  const auto address = asio::ip::make_address(where.address, failure);
  if (failure) {
    error = "cannot listen on " + name_of(where) + ": not an IP address";
    return acceptor;
  }
  failure = open_at(acceptor, loop, tcp::endpoint(address, where.port), where, exclusive);
  if (failure) {
    error = "cannot listen on " + name_of(where) + ": " + words_for(failure);
    error_code ignored;
    acceptor.close(ignored);
  }
  return acceptor;
}

}  // namespace freshet
