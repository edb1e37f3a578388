// From a host and a port to a connection: look-up, policy, and one address after the other.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string_view>

#include "freshet/async/result.hpp"
#include "freshet/async/task.hpp"
#include "freshet/net/address_policy.hpp"
#include "freshet/net/resolver.hpp"
#include "freshet/net/worker.hpp"
#include "freshet/upstream/dialler.hpp"
#include "freshet/upstream/own_addresses.hpp"
#include "origin_connection.hpp"

namespace freshet {

class Connector {
 public:
  /// `timeout` bounds the dialling of all addresses together; the resolver has its own. REQUIRES: resolver and worker
  /// outlive it.
  Connector(Resolver&, Worker&, std::unique_ptr<Dialler>, OwnAddresses, Milliseconds timeout);

  /// `policy` null: every address is allowed. The address that was judged is the one that is dialled. Failures of the
  /// look-up, of the Dialler, and PrivateAddress (403), Loop (508) when no address is left that may be dialled.
  /// `dialled` becomes the address that was tried last.
  Task<Result<Ref<OriginConnection>>> connect(std::string_view host, std::uint16_t port, const AddressPolicy* policy,
                                              std::size_t server, std::string& dialled);

 private:
  using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  Result<Endpoints> choose(const std::vector<boost::asio::ip::address>&, std::uint16_t port,
                           const AddressPolicy*) const;

  Resolver& resolver_;
  Worker& worker_;
  std::unique_ptr<Dialler> dialler_;
  OwnAddresses own_;
  Milliseconds timeout_;
};

}  // namespace freshet
