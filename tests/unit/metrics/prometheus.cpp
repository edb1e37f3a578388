#include "freshet/metrics/prometheus.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <set>

#include "freshet/exchange/outcome.hpp"
#include "freshet/http/message.hpp"
#include "page.hpp"

using namespace freshet;
using namespace std::chrono_literals;

TEST_CASE("What all workers counted is added up", "[metrics]") {
  page::Fixture fixture(3);
  for (std::uint64_t i = 0; i < 3; ++i) {
    WorkerCounters& w = *fixture.workers[i];
    w.listener[1].requests[0][code_class(200)].add(10 + i);
    w.listener[1].response_bytes.add(1000);
    w.listener[0].connections_open.add(5);
    w.listener[0].connections_idle.add(2);
    w.upstream[1].requests[code_class(502)].add();
    w.forward().failures.add(4);
    w.cache_requests[static_cast<std::size_t>(CacheResult::Hit)].add(7);
    w.tunnel_bytes_in.add(100);
    w.tunnel_bytes_out.add(200);
    w.denied[static_cast<std::size_t>(Reason::PrivateAddress)].add(2);
    w.protocol_errors[static_cast<std::size_t>(Reason::BadChunk)].add(3);
    w.accept_pauses.add();
  }
  fixture.readings.cache_bytes = 123456789;
  fixture.readings.cache_evictions = {{"size", 17}};
  fixture.readings.access_log_dropped = 9;
  fixture.readings.started = WallTime(1700000000500ms);
  auto samples = fixture.samples();
  const std::map<std::string, double> expected = {
      {R"(freshet_requests_total{listener="127.0.0.1:3128",method="GET",code_class="2xx"})", 33},
      {R"(freshet_response_bytes_total{listener="127.0.0.1:3128"})", 3000},
      {R"(freshet_downstream_connections{listener="127.0.0.1:8080",state="active"})", 9},
      {R"(freshet_downstream_connections{listener="127.0.0.1:8080",state="idle"})", 6},
      {R"(freshet_upstream_requests_total{upstream="images",code_class="5xx"})", 3},
      {R"(freshet_upstream_failures_total{upstream="forward"})", 12},
      {R"(freshet_cache_requests_total{result="hit"})", 21},
      {R"(freshet_tunnel_bytes_total{direction="in"})", 300},
      {R"(freshet_tunnel_bytes_total{direction="out"})", 600},
      {R"(freshet_denied_total{reason="private-address"})", 6},
      {R"(freshet_protocol_errors_total{kind="bad-chunk"})", 9},
      {"freshet_accept_pauses_total", 3},
      {"freshet_cache_bytes", 123456789},
      {R"(freshet_cache_evictions_total{reason="size"})", 17},
      {"freshet_access_log_dropped_lines_total", 9},
      {"freshet_start_time_seconds", 1700000000.5},
      {"freshet_workers", 3},
      {R"(freshet_upstream_healthy{upstream="app",server="127.0.0.1:8000"})", 1},
      {R"(freshet_upstream_healthy{upstream="images",server="[::1]:8002"})", 0},
      {R"(freshet_build_info{version=")" FRESHET_VERSION R"("})", 1},
  };
  for (const auto& [series, value] : expected) {
    INFO(series);
    REQUIRE(samples.contains(series));
    CHECK(samples[series] == value);
  }
}

TEST_CASE("Each counter of a listener and of an upstream has a series of its own", "[metrics]") {
  page::Fixture fixture(1);
  ListenerCounters& l = fixture.workers[0]->listener[0];
  UpstreamCounters& u = fixture.workers[0]->upstream[0];
  l.connections_accepted.add(101);
  l.request_bytes.add(102);
  l.response_bytes.add(103);
  u.failures.add(104);
  u.connections_active.add(105);
  u.connections_idle.add(106);
  u.connections_opened.add(107);
  u.connections_reused.add(108);
  u.retries.add(109);
  fixture.workers[0]->fills_in_flight.add(110);
  fixture.workers[0]->tunnels_active.add(111);
  fixture.workers[0]->fills_refused.add(112);
  u.queued.add(113);
  auto samples = fixture.samples();
  CHECK(samples[R"(freshet_downstream_connections_accepted_total{listener="127.0.0.1:8080"})"] == 101);
  CHECK(samples[R"(freshet_request_bytes_total{listener="127.0.0.1:8080"})"] == 102);
  CHECK(samples[R"(freshet_response_bytes_total{listener="127.0.0.1:8080"})"] == 103);
  CHECK(samples[R"(freshet_upstream_failures_total{upstream="app"})"] == 104);
  CHECK(samples[R"(freshet_upstream_connections{upstream="app",state="active"})"] == 105);
  CHECK(samples[R"(freshet_upstream_connections{upstream="app",state="idle"})"] == 106);
  CHECK(samples[R"(freshet_upstream_connections_opened_total{upstream="app"})"] == 107);
  CHECK(samples[R"(freshet_upstream_connection_reuse_total{upstream="app"})"] == 108);
  CHECK(samples[R"(freshet_upstream_retries_total{upstream="app"})"] == 109);
  CHECK(samples["freshet_cache_fills_in_flight"] == 110);
  CHECK(samples["freshet_tunnels_active"] == 111);
  CHECK(samples["freshet_cache_fills_refused_total"] == 112);
  CHECK(samples[R"(freshet_upstream_queued{upstream="app"})"] == 113);
}

TEST_CASE("Histograms are cumulative, in seconds, and end with all", "[metrics]") {
  page::Fixture fixture(2);
  fixture.workers[0]->listener[0].duration.observe(300us);
  fixture.workers[0]->listener[0].duration.observe(40ms);
  fixture.workers[1]->listener[0].duration.observe(40ms);
  fixture.workers[1]->listener[0].duration.observe(1min);
  auto samples = fixture.samples();
  const auto bucket = [&](const std::string& bound) {
    const std::string series = R"(freshet_request_duration_seconds_bucket{listener="127.0.0.1:8080",le=")" + bound + R"("})";
    INFO(series);
    REQUIRE(samples.contains(series));
    return samples[series];
  };
  CHECK(bucket("0.0005") == 1);
  CHECK(bucket("0.025") == 1);
  CHECK(bucket("0.05") == 3);
  CHECK(bucket("30") == 3);
  CHECK(bucket("+Inf") == 4);
  CHECK(samples[R"(freshet_request_duration_seconds_count{listener="127.0.0.1:8080"})"] == 4);
  CHECK(samples[R"(freshet_request_duration_seconds_sum{listener="127.0.0.1:8080"})"] == Approx(60.0803));
}

TEST_CASE("All series are there from the start, with zeros, and requests make no new ones", "[metrics]") {
  page::Fixture fixture(2);
  const auto before = fixture.samples();
  for (auto& worker : fixture.workers) {
    for (auto& l : worker->listener)
      for (auto& method : l.requests)
        for (auto& count : method) count.add();
    for (auto& count : worker->cache_requests) count.add();
    worker->listener[0].duration.observe(1s);
    worker->denied[static_cast<std::size_t>(Reason::Loop)].add();
    worker->protocol_errors[static_cast<std::size_t>(Reason::BadMethod)].add();
  }
  const auto after = fixture.samples();
  CHECK(before.size() == after.size());
  for (const auto& [series, value] : before) {
    INFO(series);
    CHECK(after.contains(series));
    CHECK(series.find("DUPLICATE") == std::string::npos);
    if (series.starts_with("freshet_") && series.find("_total") != std::string::npos) CHECK(value == 0);
  }
  for (const char* result : {"hit", "stale", "revalidated", "miss", "expired", "bypass", "uncacheable", "collapsed", "error"})
    CHECK(before.contains("freshet_cache_requests_total{result=\"" + std::string(result) + "\"}"));
}

TEST_CASE("A reason that was not expected is still shown once it was counted", "[metrics]") {
  page::Fixture fixture(1);
  const std::string series = R"(freshet_denied_total{reason="too-large"})";
  CHECK_FALSE(fixture.samples().contains(series));
  fixture.workers[0]->denied[static_cast<std::size_t>(Reason::TooLarge)].add();
  CHECK(fixture.samples()[series] == 1);
}

TEST_CASE("Label values are the words that the other modules use", "[metrics]") {
  const auto samples = page::Fixture(1).samples();
  for (std::size_t i = 1; i < kCacheResults; ++i) {
    const std::string result(name(static_cast<CacheResult>(i)));
    CHECK(samples.contains("freshet_cache_requests_total{result=\"" + result + "\"}"));
  }
  static_assert(kCacheResults == kCacheResultRows);
  static_assert(static_cast<std::size_t>(Method::Other) + 1 == kMethods);
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"}) {
    page::Fixture fixture(1);
    fixture.workers[0]->listener[0].requests[static_cast<std::size_t>(parse_method(method))][1].add();
    const std::string label = std::string("method=\"") + method + "\",code_class=\"2xx\"";
    CHECK(fixture.samples()["freshet_requests_total{listener=\"127.0.0.1:8080\"," + label + "}"] == 1);
  }
}

TEST_CASE("Names that occur twice, and an upstream called forward, make no series twice", "[metrics]") {
  page::Fixture fixture(1);
  fixture.names = {{"a", "a"}, {"forward", "forward"}};
  fixture.readings.server_healthy = {{"x", "h:1", true}, {"x", "h:1", true}};
  for (const auto& [series, value] : fixture.samples()) CHECK(series.find("DUPLICATE") == std::string::npos);
}

TEST_CASE("A worker that is read between two changes never shows a negative number of connections", "[metrics]") {
  page::Fixture fixture(1);
  fixture.workers[0]->listener[0].connections_idle.add();
  CHECK(fixture.samples()[R"(freshet_downstream_connections{listener="127.0.0.1:8080",state="active"})"] == 0);
}

TEST_CASE("The process is described with the usual names", "[metrics]") {
  auto samples = page::Fixture(1).samples();
  CHECK(samples["process_resident_memory_bytes"] > 1e6);
  CHECK(samples["process_virtual_memory_bytes"] >= samples["process_resident_memory_bytes"]);
  CHECK(samples["process_open_fds"] >= 3);
  CHECK(samples["process_max_fds"] >= samples["process_open_fds"]);
  CHECK(samples.contains("process_cpu_seconds_total"));
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  CHECK(samples["process_start_time_seconds"] <= now + 2);
  CHECK(samples["process_start_time_seconds"] > now - 3600);
  const double fds = samples["process_open_fds"];
  const int extra = ::dup(0);
  REQUIRE(extra >= 0);
  CHECK(page::Fixture(1).samples()["process_open_fds"] == fds + 1);
  ::close(extra);
}

TEST_CASE("Odd characters in configured names are escaped", "[metrics]") {
  page::Fixture fixture(1);
  fixture.names.upstreams = {"a\"b\\c\nd", "images"};
  CHECK(fixture.text().find(R"(freshet_upstream_retries_total{upstream="a\"b\\c\nd"} 0)") != std::string::npos);
}

TEST_CASE("promtool check metrics finds nothing to complain about", "[metrics]") {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
    WARN("promtool (Debian package prometheus) is not installed: not checked");
    return;
  }
  page::Fixture fixture(2);
  fixture.workers[0]->listener[0].duration.observe(1s);
  const auto path = std::filesystem::temp_directory_path() / ("freshet-metrics-" + std::to_string(::getpid()));
  std::ofstream(path) << fixture.text();
  CHECK(std::system(("promtool check metrics < '" + path.string() + "'").c_str()) == 0);
  // The check itself can fail: a counter without _total.
  std::ofstream(path) << "# HELP x_seconds Wrong.\n# TYPE x_seconds counter\nx_seconds 1\n";
  CHECK(std::system(("promtool check metrics < '" + path.string() + "' >/dev/null 2>&1").c_str()) != 0);
  std::filesystem::remove(path);
}
