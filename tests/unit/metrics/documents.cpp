// The documents, the dashboard and the alert rules name metrics: those that exist, with the labels that they have.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <map>
#include <regex>
#include <set>

#include "freshet/metrics/access_log.hpp"
#include "page.hpp"

using namespace freshet;

namespace {

std::string_view kind_word(MetricKind kind) {
  return kind == MetricKind::Counter ? "counter" : kind == MetricKind::Gauge ? "gauge" : "histogram";
}

/// Names of samples, as queries use them, with the labels that they have.
std::map<std::string, std::set<std::string>> sample_names() {
  std::map<std::string, std::set<std::string>> names;
  for (const MetricRow& row : metric_rows()) {
    std::set<std::string> labels = {"job", "instance"};
    std::string list(row.labels);
    for (std::size_t at = 0; at < list.size();) {
      const auto comma = std::min(list.find(',', at), list.size());
      labels.insert(list.substr(at, comma - at));
      at = comma + 1;
    }
    const std::string name(row.name);
    if (row.kind != MetricKind::Histogram) {
      names[name] = labels;
      continue;
    }
    for (const char* suffix : {"_sum", "_count"}) names[name + suffix] = labels;
    labels.insert("le");
    names[name + "_bucket"] = labels;
  }
  return names;
}

/// What is wrong with the queries in `text`: metrics and labels that do not exist.
std::vector<std::string> faults(const std::string& text) {
  static const std::regex kMetric(R"(\b((?:freshet|process)_[a-z0-9_]+)(\{[^}]*\})?)");
  static const std::regex kLabel(R"(([a-z_]+)\s*(?:=~|!~|!=|=))");
  const auto names = sample_names();
  std::vector<std::string> result;
  for (std::sregex_iterator it(text.begin(), text.end(), kMetric), end; it != end; ++it) {
    const auto found = names.find((*it)[1].str());
    if (found == names.end()) {
      result.push_back("no metric " + (*it)[1].str());
      continue;
    }
    const std::string selector = (*it)[2].str();
    for (std::sregex_iterator label(selector.begin(), selector.end(), kLabel); label != end; ++label)
      if (!found->second.contains((*label)[1].str())) result.push_back("no label " + (*label)[1].str() + " of " + found->first);
  }
  return result;
}

/// All strings of members called `key`, at any depth.
void collect(const boost::json::value& value, std::string_view key, std::vector<std::string>& out) {
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      if (member.key() == key && member.value().is_string()) out.emplace_back(member.value().as_string());
      collect(member.value(), key, out);
    }
  } else if (const auto* array = value.if_array()) {
    for (const auto& element : *array) collect(element, key, out);
  }
}

}  // namespace

TEST_CASE("The search for wrong names in queries finds them", "[metrics][documents]") {
  CHECK(faults("rate(freshet_requests_total{code_class=~\"5xx\",job=\"a\"}[5m])").empty());
  CHECK(faults("freshet_request_duration_seconds_bucket{le=\"1\"}").empty());
  CHECK(faults("freshet_requests").size() == 1);
  CHECK(faults("freshet_request_duration_seconds").size() == 1);  // a histogram has no sample of this name
  CHECK(faults("freshet_cache_bytes{le=\"1\",cod!=\"a\"}").size() == 2);
  CHECK(faults("process_cpu_second_total").size() == 1);
}

TEST_CASE("The dashboard asks for metrics and labels that exist", "[metrics][documents]") {
  const auto dashboard = boost::json::parse(page::read_file(page::source_root() / "docker/grafana/dashboards/freshet.json"));
  std::vector<std::string> queries;
  for (const char* key : {"expr", "definition", "query"}) collect(dashboard, key, queries);
  CHECK(queries.size() > 40);
  std::string all;
  for (const std::string& query : queries) {
    INFO(query);
    for (const std::string& fault : faults(query)) CHECK(fault == "");
    all += query + "\n";
  }
  // And it leaves nothing out.
  for (const MetricRow& row : metric_rows()) {
    INFO(row.name);
    CHECK(all.find(std::string(row.name)) != std::string::npos);
  }
}

TEST_CASE("The dashboard can be imported and provisioned", "[metrics][documents]") {
  const auto dashboard = boost::json::parse(page::read_file(page::source_root() / "docker/grafana/dashboards/freshet.json")).as_object();
  CHECK(dashboard.at("uid") == "freshet");
  CHECK(dashboard.at("id").is_null());
  CHECK(dashboard.at("__inputs").as_array().at(0).as_object().at("name") == "DS_PROMETHEUS");
  CHECK(dashboard.at("templating").as_object().at("list").as_array().at(0).as_object().at("name") == "DS_PROMETHEUS");
  std::set<std::int64_t> ids;
  std::vector<std::array<std::int64_t, 4>> places;
  for (const auto& panel : dashboard.at("panels").as_array()) {
    const auto& object = panel.as_object();
    CHECK(ids.insert(object.at("id").as_int64()).second);
    const auto& at = object.at("gridPos").as_object();
    places.push_back({at.at("x").as_int64(), at.at("y").as_int64(), at.at("w").as_int64(), at.at("h").as_int64()});
    CHECK(places.back()[0] + places.back()[2] <= 24);
    if (object.at("type") != "row") CHECK(object.at("datasource").as_object().at("uid") == "${DS_PROMETHEUS}");
  }
  for (std::size_t a = 0; a < places.size(); ++a)
    for (std::size_t b = a + 1; b < places.size(); ++b) {
      const auto [ax, ay, aw, ah] = places[a];
      const auto [bx, by, bw, bh] = places[b];
      const bool overlap = ax < bx + bw && bx < ax + aw && ay < by + bh && by < ay + ah;
      INFO("panels " << a << " and " << b);
      CHECK_FALSE(overlap);
    }
}

TEST_CASE("The alert rules ask for metrics and labels that exist", "[metrics][documents]") {
  const std::string rules = page::read_file(page::source_root() / "docker/prometheus/rules/freshet.yml");
  REQUIRE(rules.find("alert:") != std::string::npos);
  CHECK(faults(rules) == std::vector<std::string>{});
}

TEST_CASE("docs/metrics.md has a row for each metric, and no other", "[metrics][documents]") {
  const std::string document = page::read_file(page::source_root() / "docs/metrics.md");
  std::set<std::string> expected;
  for (const MetricRow& row : metric_rows()) {
    std::string labels = row.labels.empty() ? "-" : "`" + std::regex_replace(std::string(row.labels), std::regex(","), "`, `") + "`";
    expected.insert("| `" + std::string(row.name) + "` | " + std::string(kind_word(row.kind)) + " | " + labels + " | " +
                    std::string(row.help) + " |");
  }
  std::set<std::string> found;
  std::istringstream lines(document);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("| `freshet_") || line.starts_with("| `process_")) CHECK(found.insert(line).second);
  for (const std::string& line : expected) {
    INFO(line);
    CHECK(found.contains(line));
  }
  for (const std::string& line : found) {
    INFO(line);
    CHECK(expected.contains(line));
  }
}

TEST_CASE("docs/metrics.md explains each label value, and its queries are right", "[metrics][documents]") {
  const std::string document = page::read_file(page::source_root() / "docs/metrics.md");
  page::Fixture fixture(1);
  fixture.readings.cache_evictions.clear();
  static const std::regex kValue(R"re((method|code_class|result|state|direction|reason|kind)="([^"]*)")re");
  std::set<std::string> values;
  for (const auto& [series, value] : fixture.samples())
    for (std::sregex_iterator it(series.begin(), series.end(), kValue), end; it != end; ++it) values.insert((*it)[2].str());
  CHECK(values.size() > 50);
  for (const std::string& value : values) {
    INFO(value);
    CHECK(document.find("`" + value + "`") != std::string::npos);
  }
  static const std::regex kFence("```promql\n([^`]*)```");
  std::size_t queries = 0;
  for (std::sregex_iterator it(document.begin(), document.end(), kFence), end; it != end; ++it, ++queries)
    CHECK(faults((*it)[1].str()) == std::vector<std::string>{});
  CHECK(queries > 5);
}

TEST_CASE("docs/logging.md shows lines as they are written", "[metrics][documents]") {
  const std::string document = page::read_file(page::source_root() / "docs/logging.md");
  AccessRecord r;
  r.received = WallTime(Milliseconds(1700000000123));
  r.duration = std::chrono::microseconds(4567);
  r.client = "192.0.2.7";
  r.method = "GET";
  r.scheme = "http";
  r.authority = "example.com";
  r.target = "/a?b=c";
  r.version = "HTTP/1.1";
  r.referer = "http://example.com/";
  r.user_agent = "curl/7.88.1";
  r.status = 200;
  r.response_bytes = 1234;
  r.cache_result = "miss";
  r.reason = "nothing-stored";
  r.cache_status = "freshet; fwd=uri-miss; stored";
  r.upstream_address = "198.51.100.1:80";
  r.upstream_status = 200;
  r.upstream_time = std::chrono::microseconds(2500);
  r.content_type = "text/html; charset=utf-8";
  r.listener = "127.0.0.1:3128";
  for (auto format : {AccessLogFormat::Combined, AccessLogFormat::Json, AccessLogFormat::Squid}) {
    std::string line;
    format_access_record(r, format, line);
    INFO(line);
    CHECK(document.find("\n" + line) != std::string::npos);
  }
  std::string json;
  format_access_record(r, AccessLogFormat::Json, json);
  const auto object = boost::json::parse(json).as_object();
  for (const auto& member : object) CHECK(document.find("| `" + std::string(member.key()) + "` |") != std::string::npos);
}
