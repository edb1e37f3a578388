// /metrics: the sum of all workers' counters in the Prometheus text format.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "freshet/base/clock.hpp"
#include "freshet/metrics/counters.hpp"

namespace freshet {

/// One server of an upstream as the balancer sees it.
struct ServerHealth {
  std::string upstream, server;  ///< server: "host:port", as configured
  bool healthy = true;           ///< false: set aside after a failure, on at least one worker
};

/// What is measured elsewhere and only passed through at a scrape.
struct GaugeReadings {
  std::uint64_t cache_objects = 0, cache_bytes = 0, cache_limit_bytes = 0;
  std::vector<std::pair<std::string_view, std::uint64_t>> cache_evictions;  ///< reason, count; every reason, also with zero
  std::vector<ServerHealth> server_healthy;                                 ///< every configured server
  std::uint64_t access_log_dropped = 0;
  std::uint64_t dns_running = 0, dns_waiting = 0;                           ///< names that are being looked up, and that wait for it
  WallTime started;
};

/// The names that label values come from: fixed when the process starts, so that no client can make new series.
struct MetricNames {
  std::vector<std::string> listeners;
  std::vector<std::string> upstreams;  ///< without the forward one, which is called "forward"
};

enum class MetricKind : std::uint8_t { Counter, Gauge, Histogram };

/// One metric family of /metrics: a row of src/metrics/families.def.
struct MetricRow {
  std::string_view name;
  MetricKind kind;
  std::string_view labels;  ///< names, separated by commas
  std::string_view help;
};
/// All families, in the order in which they are rendered.
std::span<const MetricRow> metric_rows() noexcept;

/// The Content-Type of what render_metrics() gives.
inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/// Serialises with prometheus-cpp's text serialiser, with the process_* families and build_info. `workers` stay alive during the
/// call and were made for as many listeners and upstreams as `names` has; any thread.
std::string render_metrics(const std::vector<const WorkerCounters*>& workers, const MetricNames& names, const GaugeReadings&);

}  // namespace freshet
