// Which destination answers for a request on a listener, and what a listener lets through.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/base/reason.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/http/forwarding.hpp"
#include "freshet/proxy/access.hpp"
#include "freshet/proxy/address_classes.hpp"
#include "freshet/proxy/rate_limit.hpp"

namespace freshet {

/// One route of a reverse listener; the first that matches wins.
struct Route {
  std::string host;         ///< lower case; empty: every host; "*.example.com": every name below it
  std::string path_prefix;  ///< of the target's bytes as they came; empty: every path
  std::uint16_t upstream = 0;
  std::optional<RateLimit> rate = {};  ///< empty: none
};

/// What one listener is for.
struct ListenerRules {
  bool forward = false;
  std::vector<Route> routes;                    ///< reverse
  std::optional<std::uint16_t> realm;           ///< forward: whose credentials clients show (ProxyOptions::authentication); empty: nobody asks
  bool credentials_required = true;             ///< with `realm`: of every request; false: only where something else asks for a user
  std::vector<std::uint16_t> connect_ports;     ///< forward: ports that CONNECT may name
  std::optional<RateLimit> rate;                ///< forward; empty: none
  ForwardedOptions forwarded;                   ///< reverse: fields about the client
  std::string partition;                        ///< forward: which listeners share stored responses (the same rules, the same text)
  std::vector<AccessRule> access;               ///< empty: everybody may ask for everything
  /// Forward, when rules have destinations: in place of `partition` for requests that these rules are left to decide. The listeners that
  /// have the same text share the classes too.
  std::string address_partition;
  std::shared_ptr<AddressClasses> address_classes;
};

/// Where a request goes, or why it goes nowhere.
struct RouteVerdict {
  Reason error = Reason::None;
  int status = 0;
  std::uint16_t upstream = Destination::kForward;
  std::uint64_t address_rules = 0;   ///< as in Destination
  Reason otherwise = Reason::None;
  const RateLimit* rate = nullptr;  ///< what the request counts for, also when it goes nowhere; part of the rules
};

/// Pure: the route, and what the access rules say. Where a route looks at the path, one with dot segments (also %2e, %2f) is refused: an
/// origin could climb out of the prefix that has matched. `request.absolute_form` matters on forward listeners: a request without it was
/// not meant for a proxy, unless it is about the proxy itself (OPTIONS *).
RouteVerdict decide_route(const Request& request, const ListenerRules&) noexcept;

}  // namespace freshet
