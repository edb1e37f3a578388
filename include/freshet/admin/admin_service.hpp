// The admin pages: /metrics, /healthz, /readyz and an index. Read-only; on a listener of their own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "freshet/exchange/service.hpp"

namespace freshet {

struct AdminOptions {
  std::function<std::string()> metrics;  ///< the text of /metrics; called on the worker's thread
  std::function<bool()> ready;           ///< false while draining: /readyz says 503, so that load balancers stop sending
  /// Names that requests may use for us besides IP addresses, "localhost" and names without a dot; without port, in any case.
  /// A web page that makes its own name resolve to our address (DNS rebinding) is refused: 403.
  std::vector<std::string> host_names;
};

/// REQUIRES: both functions are set.
std::unique_ptr<Service> make_admin_service(AdminOptions options);

}  // namespace freshet
