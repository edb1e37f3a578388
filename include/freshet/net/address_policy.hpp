// Which addresses may be dialled: judged on the address itself, after resolution, so that no name can smuggle one in.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/base/reason.hpp"

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

/// True when the network has nothing but such addresses in it.
bool is_internal_network(const Network&) noexcept;

/// An access rule that only the address can decide.
struct AddressRule {
  Reason verdict = Reason::None;  ///< on the addresses in `networks`; None: they may be dialled
  std::vector<Network> networks;
};

struct AddressPolicy {
  bool allow_internal = false;
  std::vector<Network> allowed;    ///< exceptions from the denial
  std::vector<AddressRule> rules;  ///< in order, the first that matches decides; up to 64
  /// By `allow_internal` and `allowed` alone.
  bool allows(const boost::asio::ip::address&) const noexcept;
};

/// What may be dialled for one request. The policy outlives it.
class AddressJudge {
 public:
  /// Everything: for the servers of an upstream, which the operator has chosen.
  AddressJudge() noexcept = default;
  /// Bit i of `rules` is set when rule i of the policy is one of the request's; `otherwise` is the verdict on addresses
  /// that none of those names.
  AddressJudge(const AddressPolicy& policy, std::uint64_t rules, Reason otherwise) noexcept
      : policy_(&policy), rules_(rules), otherwise_(otherwise) {}

  /// Why `address` must not be dialled; None when it may. An internal address is PrivateAddress even where a rule
  /// allows it, unless the rule names a network that is internal altogether: who writes 10.0.0.0/8 means it, who writes
  /// 0.0.0.0/0 means the Internet. A rule that denies 10.0.0.0/8 also denies the IPv6 addresses that lead there (NAT64,
  /// 6to4, Teredo); one that allows it does not allow those.
  Reason why_not(const boost::asio::ip::address& address) const noexcept;

 private:
  const AddressPolicy* policy_ = nullptr;
  std::uint64_t rules_ = 0;
  Reason otherwise_ = Reason::None;
};

}  // namespace freshet
