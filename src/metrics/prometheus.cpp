#include "freshet/metrics/prometheus.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <initializer_list>
#include <set>

#include "freshet/base/check.hpp"
#include "freshet/base/reason.hpp"
#include "process_stats.hpp"

namespace freshet {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

enum class Family : std::size_t {
#define METRIC(id, name, kind, labels, help) id,
#include "families.def"
#undef METRIC
};

constexpr auto kRows = std::to_array<MetricRow>({
#define METRIC(id, name, kind, labels, help) {name, MetricKind::kind, labels, help},
#include "families.def"
#undef METRIC
});

constexpr auto kReasons = std::to_array<Reason>({
#define REASON(id, word, text) Reason::id,
#include "freshet/base/reasons.def"
#undef REASON
});
static_assert(kReasons.size() <= std::tuple_size_v<decltype(WorkerCounters::denied)>);
static_assert(kReasons.size() <= std::tuple_size_v<decltype(WorkerCounters::protocol_errors)>);

/// The rows of http's Method.
constexpr std::array<std::string_view, kMethods> kMethodNames = {"GET",     "HEAD",  "POST",  "PUT",   "DELETE", "CONNECT",
                                                                 "OPTIONS", "TRACE", "PATCH", "QUERY", "other"};
constexpr std::array<std::string_view, kCodeClasses> kCodeClassNames = {"1xx", "2xx", "3xx", "4xx", "5xx", "other"};
/// The rows of exchange's CacheResult; the first one means that the cache had no part in it, and is not shown.
constexpr std::array<std::string_view, kCacheResultRows> kResultNames = {
    "", "hit", "stale", "revalidated", "miss", "expired", "bypass", "uncacheable", "collapsed", "error"};

/// The rows of auth's AuthResult.
constexpr std::array<std::string_view, kAuthResultRows> kAuthResultNames = {"ok",       "missing",           "bad", "stale",
                                                                            "replayed", "too-many-attempts", "busy"};

/// The kinds that are shown from the start; any other appears when it has been counted.
constexpr auto kProtocolErrors = std::to_array<Reason>(
    {Reason::BadRequestLine,   Reason::BadMethod,       Reason::BadTarget,           Reason::TargetTooLong,
     Reason::BadVersion,       Reason::BadField,        Reason::FieldsTooLarge,      Reason::TooManyFields,
     Reason::BareLineEnd,      Reason::ObsoleteFold,    Reason::BadHost,             Reason::HostMismatch,
     Reason::BadContentLength, Reason::LengthConflict,  Reason::BadTransferEncoding, Reason::BadChunk,
     Reason::BadTrailer,       Reason::BadExpectation,  Reason::BodyTooLarge,        Reason::RequestTimeout,
     Reason::SendsTooSlowly,   Reason::ReadsTooSlowly,  Reason::TunnelIdle,
     Reason::BadResponse,      Reason::ResponseCutShort, Reason::ResponseFieldsTooLarge});

/// The sum over all workers of what `number` picks out of each.
template <typename Number>
double total(const std::vector<const WorkerCounters*>& workers, Number number) {
  std::uint64_t sum = 0;
  for (const WorkerCounters* worker : workers) sum += number(*worker);
  return static_cast<double>(sum);
}

/// The page while it is put together: one family for each row, in order.
class Page {
 public:
  Page() {
    for (const MetricRow& row : kRows) {
      MetricFamily family;
      family.name = row.name;
      family.help = row.help;
      family.type = row.kind == MetricKind::Counter   ? prometheus::MetricType::Counter
                    : row.kind == MetricKind::Gauge   ? prometheus::MetricType::Gauge
                                                      : prometheus::MetricType::Histogram;
      families_.push_back(std::move(family));
    }
  }

  /// `values`: of the row's labels, in their order.
  void add(Family id, std::initializer_list<std::string_view> values, double value) {
    ClientMetric metric = labelled(id, values);
    (kRows[static_cast<std::size_t>(id)].kind == MetricKind::Counter ? metric.counter.value : metric.gauge.value) = value;
    family(id).metric.push_back(std::move(metric));
  }
  void add(Family id, double value) { add(id, {}, value); }

  /// The sum of all workers' histograms that `pick` chooses.
  template <typename Pick>
  void add_histogram(Family id, std::string_view label, const std::vector<const WorkerCounters*>& workers, Pick pick) {
    ClientMetric metric = labelled(id, {label});
    std::uint64_t count = 0, nanoseconds = 0;
    for (std::size_t i = 0; i <= DurationHistogram::kBounds.size(); ++i) {
      for (const WorkerCounters* worker : workers) count += pick(*worker).bucket(i);
      if (i < DurationHistogram::kBounds.size()) metric.histogram.bucket.push_back({count, DurationHistogram::kBounds[i]});
    }
    for (const WorkerCounters* worker : workers) nanoseconds += pick(*worker).sum_nanoseconds();
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = static_cast<double>(nanoseconds) / 1e9;
    family(id).metric.push_back(std::move(metric));
  }

  std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  MetricFamily& family(Family id) { return families_[static_cast<std::size_t>(id)]; }

  static ClientMetric labelled(Family id, std::initializer_list<std::string_view> values) {
    ClientMetric metric;
    std::string_view names = kRows[static_cast<std::size_t>(id)].labels;
    for (std::string_view value : values) {
      const auto comma = std::min(names.find(','), names.size());
      ENSURE(comma > 0);
      metric.label.push_back({std::string(names.substr(0, comma)), std::string(value)});
      names.remove_prefix(std::min(comma + 1, names.size()));
    }
    ENSURE(names.empty());
    return metric;
  }

  std::vector<MetricFamily> families_;
};

/// Two listeners or upstreams of one name would make one series twice, which no scraper accepts.
std::vector<std::string> distinct(std::vector<std::string> names) {
  std::set<std::string> taken;
  for (std::string& name : names) {
    const std::string given = name;
    for (int i = 2; !taken.insert(name).second; ++i) name = given + "#" + std::to_string(i);
  }
  return names;
}

using Workers = std::vector<const WorkerCounters*>;

void add_listener(Page& page, const Workers& workers, std::size_t i, const std::string& name) {
  const auto sum = [&](auto number) {
    return total(workers, [&](const WorkerCounters& w) { return number(w.listener[i]).get(); });
  };
  const double idle = sum([](auto& l) -> auto& { return l.connections_idle; });
  const double open = sum([](auto& l) -> auto& { return l.connections_open; });
  // The two are read one after the other while their worker goes on: never show less than none.
  page.add(Family::DownstreamConnections, {name, "active"}, std::max(open - idle, 0.0));
  page.add(Family::DownstreamConnections, {name, "idle"}, idle);
  page.add(Family::DownstreamAccepted, {name}, sum([](auto& l) -> auto& { return l.connections_accepted; }));
  for (std::size_t method = 0; method < kMethods; ++method)
    for (std::size_t code = 0; code < kCodeClasses; ++code)
      page.add(Family::Requests, {name, kMethodNames[method], kCodeClassNames[code]},
               sum([&](auto& l) -> auto& { return l.requests[method][code]; }));
  page.add_histogram(Family::RequestDuration, name, workers, [i](auto& w) -> auto& { return w.listener[i].duration; });
  page.add(Family::RequestBytes, {name}, sum([](auto& l) -> auto& { return l.request_bytes; }));
  page.add(Family::ResponseBytes, {name}, sum([](auto& l) -> auto& { return l.response_bytes; }));
}

void add_upstream(Page& page, const Workers& workers, std::size_t i, const std::string& name) {
  const auto sum = [&](auto number) {
    return total(workers, [&](const WorkerCounters& w) { return number(w.upstream[i]).get(); });
  };
  for (std::size_t code = 0; code < kCodeClasses; ++code)
    page.add(Family::UpstreamRequests, {name, kCodeClassNames[code]}, sum([&](auto& u) -> auto& { return u.requests[code]; }));
  page.add(Family::UpstreamFailures, {name}, sum([](auto& u) -> auto& { return u.failures; }));
  page.add_histogram(Family::UpstreamDuration, name, workers, [i](auto& w) -> auto& { return w.upstream[i].duration; });
  page.add(Family::UpstreamConnections, {name, "active"}, sum([](auto& u) -> auto& { return u.connections_active; }));
  page.add(Family::UpstreamQueued, {name}, sum([](auto& u) -> auto& { return u.queued; }));
  page.add(Family::UpstreamConnections, {name, "idle"}, sum([](auto& u) -> auto& { return u.connections_idle; }));
  page.add(Family::UpstreamOpened, {name}, sum([](auto& u) -> auto& { return u.connections_opened; }));
  page.add(Family::UpstreamReused, {name}, sum([](auto& u) -> auto& { return u.connections_reused; }));
  page.add(Family::UpstreamRetries, {name}, sum([](auto& u) -> auto& { return u.retries; }));
}

void add_server_health(Page& page, const std::vector<ServerHealth>& servers) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const ServerHealth& server : servers) {
    if (!seen.emplace(server.upstream, server.server).second) continue;
    page.add(Family::UpstreamHealthy, {server.upstream, server.server}, server.healthy ? 1 : 0);
  }
}

/// A counter by Reason: those of `shown` always, others when they are not zero.
template <std::size_t N, typename Pick>
void add_reasons(Page& page, Family id, const std::array<Reason, N>& shown, const Workers& workers, Pick pick) {
  for (Reason reason : kReasons) {
    const double count =
        total(workers, [&](const WorkerCounters& w) { return pick(w)[static_cast<std::size_t>(reason)].get(); });
    if (count > 0 || std::find(shown.begin(), shown.end(), reason) != shown.end()) page.add(id, {word(reason)}, count);
  }
}

void add_cache(Page& page, const Workers& workers, const GaugeReadings& readings) {
  for (std::size_t result = 1; result < kCacheResultRows; ++result)
    page.add(Family::CacheRequests, {kResultNames[result]},
             total(workers, [&](const WorkerCounters& w) { return w.cache_requests[result].get(); }));
  page.add(Family::CacheObjects, static_cast<double>(readings.cache_objects));
  page.add(Family::CacheBytes, static_cast<double>(readings.cache_bytes));
  page.add(Family::CacheLimit, static_cast<double>(readings.cache_limit_bytes));
  for (const auto& [reason, count] : readings.cache_evictions)
    page.add(Family::CacheEvictions, {reason}, static_cast<double>(count));
  page.add(Family::CacheFills, total(workers, [](auto& w) { return w.fills_in_flight.get(); }));
  page.add(Family::CacheFillsRefused, total(workers, [](auto& w) { return w.fills_refused.get(); }));
  page.add(Family::CacheFillsAbandoned, total(workers, [](auto& w) { return w.fills_abandoned.get(); }));
}

void add_tunnels(Page& page, const Workers& workers) {
  page.add(Family::TunnelsActive, total(workers, [](auto& w) { return w.tunnels_active.get(); }));
  page.add(Family::TunnelBytes, {"in"}, total(workers, [](auto& w) { return w.tunnel_bytes_in.get(); }));
  page.add(Family::TunnelBytes, {"out"}, total(workers, [](auto& w) { return w.tunnel_bytes_out.get(); }));
}

void add_proxy_auth(Page& page, const Workers& workers) {
  for (std::size_t result = 0; result < kAuthResultRows; ++result)
    page.add(Family::ProxyAuth, {kAuthResultNames[result]},
             total(workers, [&](const WorkerCounters& w) { return w.proxy_auth[result].get(); }));
  page.add(Family::ProxyAuthDelays, total(workers, [](auto& w) { return w.proxy_auth_delays.get(); }));
}

void add_process(Page& page) {
  const ProcessStats stats = read_process_stats();
  page.add(Family::ProcessCpu, stats.cpu_seconds);
  page.add(Family::ProcessOpenFds, static_cast<double>(stats.open_fds));
  page.add(Family::ProcessMaxFds, static_cast<double>(stats.max_fds));
  page.add(Family::ProcessVirtual, static_cast<double>(stats.virtual_bytes));
  page.add(Family::ProcessResident, static_cast<double>(stats.resident_bytes));
  page.add(Family::ProcessStart, stats.start_time_seconds);
}

}  // namespace

std::span<const MetricRow> metric_rows() noexcept { return kRows; }

std::string render_metrics(const std::vector<const WorkerCounters*>& workers, const MetricNames& names,
                           const GaugeReadings& readings) {
  for (const WorkerCounters* worker : workers)
    ENSURE(worker->listener.size() == names.listeners.size() && worker->upstream.size() == names.upstreams.size() + 1);

  Page page;
  page.add(Family::BuildInfo, {FRESHET_VERSION}, 1);
  page.add(Family::StartTime, static_cast<double>(readings.started.time_since_epoch().count()) / 1000);
  page.add(Family::Workers, static_cast<double>(workers.size()));
  page.add(Family::Bugs, static_cast<double>(bugs_found()));
  page.add(Family::AcceptPauses, total(workers, [](auto& w) { return w.accept_pauses.get(); }));

  const std::vector<std::string> listeners = distinct(names.listeners);
  for (std::size_t i = 0; i < listeners.size(); ++i) add_listener(page, workers, i, listeners[i]);
  add_cache(page, workers, readings);

  std::vector<std::string> upstreams = names.upstreams;
  upstreams.emplace_back("forward");
  upstreams = distinct(std::move(upstreams));
  for (std::size_t i = 0; i < upstreams.size(); ++i) add_upstream(page, workers, i, upstreams[i]);
  add_server_health(page, readings.server_healthy);

  page.add(Family::DnsLookUps, {"running"}, static_cast<double>(readings.dns_running));
  page.add(Family::DnsLookUps, {"waiting"}, static_cast<double>(readings.dns_waiting));
  add_tunnels(page, workers);
  add_reasons(page, Family::Denied, kDenials, workers, [](auto& w) -> auto& { return w.denied; });
  add_proxy_auth(page, workers);
  add_reasons(page, Family::ProtocolErrors, kProtocolErrors, workers, [](auto& w) -> auto& { return w.protocol_errors; });
  page.add(Family::LogDropped, static_cast<double>(readings.access_log_dropped));
  add_process(page);
  return page.text();
}

}  // namespace freshet
