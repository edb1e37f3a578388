// Asks origins: the Service at the end of the pipeline, with pooled keep-alive connections. One per worker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "freshet/exchange/service.hpp"
#include "freshet/metrics/counters.hpp"
#include "freshet/net/address_policy.hpp"
#include "freshet/net/resolver.hpp"
#include "freshet/net/worker.hpp"

namespace freshet {

struct OriginTimeouts {
  Milliseconds connect{5000};
  Milliseconds first_byte{60000};     ///< from the end of the request to the first byte of a head; and again to its end
  Milliseconds between_bytes{60000};  ///< reading and writing
  Milliseconds idle{60000};           ///< of a pooled connection
  Milliseconds tunnel_idle{600000};
  Milliseconds queue{5000};           ///< how long a request waits for its turn
  Milliseconds expect_continue{1000}; ///< how long to wait for a 100 before sending the body anyway (RFC 9110 10.1.1)
};

struct OriginLimits {
  std::size_t head_bytes = 64 * 1024;
  std::size_t head_fields = 256;
  std::size_t requests_per_upstream = 1000;         ///< in flight: of one worker, for one upstream or forward origin
  std::size_t queue_per_upstream = 128;             ///< that wait for their turn, likewise; 0: none, 503 UpstreamBusy at once
  std::size_t idle_connections_per_upstream = 64;   ///< of one worker, for one upstream or one forward origin
  std::size_t idle_connections = 1024;              ///< of one worker in total; the oldest is closed
};

struct OriginServer {
  std::string host;  ///< name or IP literal
  std::uint16_t port = 80;
};

struct OriginUpstream {
  std::string name;
  std::vector<OriginServer> servers;     ///< round robin
  std::size_t requests = 0;              ///< of one worker in flight; 0: OriginLimits::requests_per_upstream
  std::optional<std::string> host_field; ///< sent instead of the client's Host
  Milliseconds set_aside{10000};         ///< how long a failed server is left out; never the last one
};

struct OriginPoolOptions {
  std::vector<OriginUpstream> upstreams;  ///< indexed by Destination::upstream
  /// For Destination::kForward, judged on the address that is dialled, and again when a kept connection is taken: indexed by
  /// Request::listener, since each forward listener has rules of its own. A listener beyond the end allows nothing internal.
  std::vector<AddressPolicy> forward_policies;
  OriginTimeouts timeouts;
  OriginLimits limits;
  std::vector<OriginServer> own_addresses;  ///< our listeners: a forward request that leads to one of them ends with 508 Loop
};

/// serve(): sends the request as it is (head, Host, body; framing and connection fields are the codec's) and replies with the
/// origin's head and a source for its body. CONNECT dials request.head.authority and replies 200 with `tunnel`. Failures come back as
/// error replies (502, 503, 504, 403, 508) whose outcome.reason is set and whose outcome.origin_status is 0.
///
/// A request that finds too many others in flight waits in a queue, first come, first served; it leaves it with 503 after
/// OriginTimeouts::queue, or when its turn comes and its client has gone.
///
/// request.body is taken over only when its bytes may be needed: it stays where it is when the origin's final answer comes
/// before the 100 that an Expect waits for, and when an Upgrade is not granted.
class OriginPool : public Service {
 public:
  /// False while the server is set aside. REQUIRES: both are indexes into the options. Any thread.
  virtual bool server_healthy(std::size_t upstream, std::size_t server) const noexcept = 0;
  /// Connections that wait for a request.
  virtual std::size_t idle() const noexcept = 0;
  /// Closes the idle connections, now and whenever one becomes idle: for shutdown.
  virtual void close_idle() noexcept = 0;
};

/// REQUIRES: worker, resolver and counters outlive the pool and everything that its replies hold.
std::unique_ptr<OriginPool> make_origin_pool(OriginPoolOptions, Worker&, Resolver&, WorkerCounters&, std::string pseudonym);

}  // namespace freshet
