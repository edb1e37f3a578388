// The admin pages: /metrics, /healthz, /readyz and an index, and /purge and /purge/groups to write to; on a listener of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/exchange/service.hpp"

namespace freshet {

/// What a purge did.
struct PurgeReport {
  std::size_t named = 0;  ///< URLs, or groups
  std::uint64_t responses = 0;
  std::string refused;  ///< the line, or the origin, that is no URL: nothing was purged; empty: none
};

/// Which groups are meant (RFC 9875), and how.
struct GroupsToPurge {
  std::string_view names;  ///< one a line
  std::string_view origin;  ///< empty: of all origins
  bool soft = false;        ///< what is in them becomes stale; else it is gone
};

struct AdminOptions {
  std::function<std::string()> metrics;  ///< the text of /metrics; called on the worker's thread
  std::function<bool()> ready;           ///< false while draining: /readyz says 503, so that load balancers stop sending
  /// Takes out what is stored for these URLs, one a line; called on the worker's thread.
  std::function<PurgeReport(std::string_view lines)> purge;
  /// The same for groups.
  std::function<PurgeReport(const GroupsToPurge&)> purge_groups;
  /// Names that requests may use for us besides IP addresses and "localhost"; without port, in any case. Names without a dot
  /// are good too where the client is not on this machine: in the network of containers they are all there is. A web page
  /// that makes its own name resolve to our address (DNS rebinding) is refused: 403. Who shows the token, and who comes
  /// through a Unix socket, is no web page and may use any name.
  std::vector<std::string> host_names;
  /// What requests must show (RFC 6750) for everything but /healthz and /readyz; else 401. Empty: nothing is asked for.
  std::string token;
};

/// REQUIRES: all functions are set.
std::unique_ptr<Service> make_admin_service(AdminOptions options);

}  // namespace freshet
