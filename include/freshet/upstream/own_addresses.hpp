// Does an address lead back to one of our own listeners? Then dialling it would be a loop.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <vector>

#include "freshet/upstream/origin_pool.hpp"

namespace freshet {

class OwnAddresses {
 public:
  /// `listeners`: IP literals with their ports; what is no IP literal or has port 0 is passed over. `local`: the
  /// addresses of this machine's interfaces, by which a wildcard listener (0.0.0.0, ::) is reached besides the loopback
  /// ones.
  OwnAddresses(const std::vector<OriginServer>& listeners, std::vector<boost::asio::ip::address> local);
  bool contains(const boost::asio::ip::tcp::endpoint&) const noexcept;

 private:
  bool is_local(const boost::asio::ip::address&) const noexcept;
  std::vector<boost::asio::ip::tcp::endpoint> listeners_;
  std::vector<boost::asio::ip::address> local_;
};

}  // namespace freshet
