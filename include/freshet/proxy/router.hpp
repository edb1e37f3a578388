// Which destination answers for a request on a listener, and what a listener lets through.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/base/reason.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/http/forwarding.hpp"

namespace freshet {

/// One route of a reverse listener; the first that matches wins.
struct Route {
  std::string host;         ///< lower case; empty: every host; "*.example.com": every name below it
  std::string path_prefix;  ///< of the target's bytes as they came; empty: every path
  std::uint16_t upstream = 0;
};

/// What one listener is for.
struct ListenerRules {
  bool forward = false;
  std::vector<Route> routes;                    ///< reverse
  std::vector<std::uint16_t> connect_ports;     ///< forward: ports that CONNECT may name
  ForwardedOptions forwarded;                   ///< reverse: fields about the client
  std::string partition;                        ///< forward: which listeners share stored responses (the same rules, the same text)
};

/// Where a request goes, or why it goes nowhere.
struct RouteVerdict {
  Reason error = Reason::None;
  int status = 0;
  std::uint16_t upstream = Destination::kForward;
};

/// Pure. Where a route looks at the path, one with dot segments (also %2e, %2f) is refused: an origin could climb out of
/// the prefix that has matched. `request.absolute_form` matters on forward listeners: a request without it was not meant for a proxy.
RouteVerdict decide_route(const Request& request, const ListenerRules&) noexcept;

}  // namespace freshet
