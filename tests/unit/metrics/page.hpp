// A /metrics page taken apart, for the tests of this folder.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "freshet/metrics/prometheus.hpp"

namespace page {

/// The folder that holds src/, docs/ and docker/.
inline std::filesystem::path source_root() {
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path().parent_path();
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// "name{labels}" -> value, comments left out.
inline std::map<std::string, double> samples(const std::string& text) {
  std::map<std::string, double> result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto space = line.rfind(' ');
    const bool fresh = result.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second;
    if (!fresh) result["DUPLICATE " + line] = 0;
  }
  return result;
}

/// A page of two listeners, two upstreams and three servers, on which nothing was counted yet.
struct Fixture {
  std::vector<std::unique_ptr<freshet::WorkerCounters>> workers;
  freshet::MetricNames names{{"127.0.0.1:8080", "127.0.0.1:3128"}, {"app", "images"}};
  freshet::GaugeReadings readings;

  explicit Fixture(std::size_t count = 2) {
    for (std::size_t i = 0; i < count; ++i) workers.push_back(std::make_unique<freshet::WorkerCounters>(2, 2));
    readings.cache_evictions = {{"size", 0}, {"expired", 0}};
    readings.server_healthy = {{"app", "127.0.0.1:8000", true}, {"images", "127.0.0.1:8001", true}, {"images", "[::1]:8002", false}};
  }
  std::string text() const {
    std::vector<const freshet::WorkerCounters*> all;
    for (const auto& worker : workers) all.push_back(worker.get());
    return freshet::render_metrics(all, names, readings);
  }
  std::map<std::string, double> samples() const { return page::samples(text()); }
};

}  // namespace page
