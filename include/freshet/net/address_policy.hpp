// Which addresses may be dialled: judged on the address itself, after resolution, so that no name can smuggle one in.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace freshet {

/// An address block, e.g. 10.0.0.0/8 or fd00::/8.
struct Network {
  boost::asio::ip::address address;
  unsigned prefix = 0;
  bool contains(const boost::asio::ip::address&) const noexcept;
};
/// "address/prefix" or a single address; empty when malformed or when host bits are set.
std::optional<Network> parse_network(std::string_view);

/// True for every address that is not globally reachable unicast: loopback, private, link-local, CGNAT, ULA,
/// unspecified, multicast, documentation, benchmarking, reserved, metadata; and for IPv4 inside IPv6 (mapped,
/// compatible, NAT64, 6to4, Teredo) whose inner address is such (IANA special-purpose registries, RFC 6890).
bool is_internal_address(const boost::asio::ip::address&) noexcept;

struct AddressPolicy {
  bool allow_internal = false;
  std::vector<Network> allowed;  ///< exceptions from the denial
  bool allows(const boost::asio::ip::address&) const noexcept;
};

}  // namespace freshet
