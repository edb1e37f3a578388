// /metrics: the sum of all workers' counters in the Prometheus text format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/base/clock.hpp"
#include "freshet/metrics/counters.hpp"

namespace freshet {

/// What is measured elsewhere and only passed through at a scrape.
struct GaugeReadings {
  std::uint64_t cache_objects = 0, cache_bytes = 0, cache_limit_bytes = 0;
  std::vector<std::pair<std::string_view, std::uint64_t>> cache_evictions;  ///< reason, count
  std::vector<std::pair<std::string, bool>> server_healthy;                 ///< "upstream\0server" pairs are made by the caller as upstream|server
  std::uint64_t access_log_dropped = 0;
  WallTime started;
};

/// The names that label values come from: fixed when the process starts, so that no client can make new series (pitfall P21).
struct MetricNames {
  std::vector<std::string> listeners;
  std::vector<std::string> upstreams;  ///< without the forward one, which is called "forward"
};

/// Serialises with prometheus-cpp's text serialiser. `workers` stay alive during the call; any thread.
std::string render_metrics(const std::vector<const WorkerCounters*>& workers, const MetricNames&, const GaugeReadings&);

}  // namespace freshet
