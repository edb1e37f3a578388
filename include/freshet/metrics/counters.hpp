// What every worker counts: plain integers that only their worker changes and the scrape adds up.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/base/clock.hpp"
#include "freshet/base/reason.hpp"

namespace freshet {

/// A number with one writing thread and any number of readers: no locked instruction, no torn read.
class Count {
 public:
  void add(std::uint64_t n = 1) noexcept { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void subtract(std::uint64_t n = 1) noexcept { value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed); }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Durations in fixed buckets, in seconds: .0005 .001 .0025 .005 .01 .025 .05 .1 .25 .5 1 2.5 5 10 30 +Inf.
class DurationHistogram {
 public:
  static constexpr std::array<double, 15> kBounds = {.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30};
  void observe(std::chrono::nanoseconds) noexcept;
  std::uint64_t bucket(std::size_t i) const noexcept { return buckets_[i].get(); }  ///< not cumulative; [kBounds.size()] is +Inf
  std::uint64_t sum_nanoseconds() const noexcept { return sum_.get(); }

 private:
  std::array<Count, kBounds.size() + 1> buckets_;
  Count sum_;
};

/// Index of a status code's class: 1xx..5xx -> 0..4, anything else 5 ("other").
constexpr std::size_t code_class(int status) noexcept {
  return status >= 100 && status < 600 ? static_cast<std::size_t>(status / 100 - 1) : 5;
}
inline constexpr std::size_t kCodeClasses = 6;
/// The rows of http's Method, by its numeric value; the names come from metrics/prometheus.
inline constexpr std::size_t kMethods = 11;
/// The rows of exchange's CacheResult, by its numeric value.
inline constexpr std::size_t kCacheResultRows = 10;
/// The rows of auth's AuthResult that a finished check can have, by its numeric value.
inline constexpr std::size_t kAuthResultRows = 7;

/// What freshet_denied_total counts: refusals by policy, whoever finds them.
inline constexpr std::array kDenials = {Reason::ConnectRefused, Reason::PortRefused,       Reason::PrivateAddress,  Reason::Loop,
                                        Reason::NoRoute,        Reason::UnsupportedScheme, Reason::NotProxyRequest, Reason::TooManyConnections,
                                        Reason::AuthenticationRequired, Reason::BadCredentials, Reason::ReplayedCredentials,
                                        Reason::TooManyAttempts, Reason::TooManyFromClient, Reason::TooManyTunnels,
                                        Reason::AccessDenied, Reason::AddressDenied,
                                        Reason::RateLimited,    Reason::UpstreamBusy,      Reason::QueueFull,       Reason::QueueTimeout,
                                        Reason::DnsBusy};
/// Faults of origins that freshet_protocol_errors_total counts beside those of clients.
inline constexpr std::array kOriginFaults = {Reason::BadResponse, Reason::ResponseCutShort, Reason::ResponseFieldsTooLarge,
                                             Reason::TooManyInterim, Reason::UnexpectedNotModified};
/// What clients do too slowly, counted there too when it has ended a request.
inline constexpr std::array kSlowness = {Reason::ReadsTooSlowly, Reason::TunnelIdle};

struct alignas(64) ListenerCounters {
  Count connections_accepted, connections_open, connections_idle;  ///< idle: waiting for the first byte of a request
  std::array<std::array<Count, kCodeClasses>, kMethods> requests;
  Count response_bytes, request_bytes;
  DurationHistogram duration;
};

struct alignas(64) UpstreamCounters {
  std::array<Count, kCodeClasses> requests;
  Count failures;                        ///< asked, and no valid head came back
  Count connections_active, connections_idle;
  Count queued;                          ///< requests that wait for a slot
  Count connections_opened, connections_reused, retries;
  DurationHistogram duration;            ///< until the head
};

/// All counters of one worker. The lists are sized once, before the workers start: one element for each configured listener;
/// one for each configured upstream and a last one for forward requests.
struct WorkerCounters {
  WorkerCounters(std::size_t listeners, std::size_t upstreams) : listener(listeners), upstream(upstreams + 1) {}
  std::vector<ListenerCounters> listener;
  std::vector<UpstreamCounters> upstream;
  std::array<Count, kCacheResultRows> cache_requests;
  std::array<Count, 128> denied;           ///< by Reason
  std::array<Count, 128> protocol_errors;  ///< by Reason
  Count fills_in_flight, tunnels_active, tunnel_bytes_in, tunnel_bytes_out;  ///< in: from the client
  Count fills_refused;    ///< too many were under way already
  Count fills_abandoned;  ///< nobody read along any more, and too much was missing
  Count accept_pauses;
  std::array<Count, kAuthResultRows> proxy_auth;
  Count proxy_auth_delays;
  UpstreamCounters& forward() noexcept { return upstream.back(); }
};

}  // namespace freshet
