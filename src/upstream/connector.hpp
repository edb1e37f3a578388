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

  /// The address that was judged is the one that is dialled. Failures of the look-up, of the Dialler, and, when no
  /// address is left that may be dialled, Loop (508) or what `judge` says (403; AuthenticationRequired: 407).
  /// `client`: whose request it is for; see Resolver. `dialled` becomes the address that was tried last. REQUIRES:
  /// `judge` and `dialled` live until it has returned.
  Task<Result<Ref<OriginConnection>>> connect(std::string_view host, std::uint16_t port, std::string_view client,
                                              const AddressJudge& judge, std::size_t server, std::string& dialled);

 private:
  using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  Result<Endpoints> choose(const std::vector<boost::asio::ip::address>&, std::uint16_t port,
                           const AddressJudge&) const;

  Resolver& resolver_;
  Worker& worker_;
  std::unique_ptr<Dialler> dialler_;
  OwnAddresses own_;
  Milliseconds timeout_;
};

}  // namespace freshet
