// The examples in docs/access.md do what the tables below them say.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "../../../src/app/translate.hpp"
#include "freshet/config/load.hpp"

using namespace freshet;

namespace {

struct Row {
  std::string client, method, url, address, outcome;
};
struct Example {
  std::string yaml;
  std::vector<Row> rows;
};

std::string cell(std::istringstream& line) {
  std::string text;
  std::getline(line, text, '|');
  const auto first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

Row read_row(const std::string& text) {
  std::istringstream line(text);
  Row row;
  cell(line);
  row.client = cell(line);
  const std::string asks = cell(line);
  row.method = asks.substr(0, asks.find(' '));
  row.url = asks.substr(asks.find(' ') + 1);
  row.address = cell(line);
  row.outcome = cell(line);
  return row;
}

std::vector<Example> read_examples() {
  std::ifstream file(std::filesystem::path(__FILE__).parent_path() / "../../../docs/access.md");
  std::vector<Example> examples;
  enum { Text, Yaml, Table } in = Text;
  for (std::string line; std::getline(file, line);) {
    if (line == "```yaml") {
      in = Yaml;
      examples.emplace_back();
    } else if (line == "```") {
      in = Text;
    } else if (in == Yaml) {
      examples.back().yaml += line + '\n';
    } else if (line == "| client | asks for | address | outcome |") {
      in = Table;
    } else if (in == Table && line.starts_with("| ")) {
      examples.back().rows.push_back(read_row(line));
    } else if (line.empty()) {
      in = Text;
    }
  }
  return examples;
}

class NoInterim final : public Interim {
 public:
  Task<void> send(ResponseHead) override { co_return; }
};

std::string outcome(const Settings& settings, const Row& row) {
  Arena arena;
  Peer peer;
  peer.address = row.client;
  NoInterim interim;
  Request request(arena, peer, interim);
  RequestHead& head = request.head;
  head.method_name = row.method;
  head.method = parse_method(row.method);
  head.scheme = "http";
  const bool tunnel = head.method == Method::Connect;
  const auto begin = tunnel ? 0 : row.url.find("://") + 3;
  head.authority = std::string_view(row.url).substr(begin, row.url.find('/', begin) - begin);
  head.target = tunnel ? head.authority : "/";
  request.absolute_form = !tunnel;
  const ProxyOptions proxy = proxy_options(settings, "freshet-test");
  const RouteVerdict verdict = decide_route(request, proxy.listeners.at(0));
  if (verdict.error != Reason::None) return std::string(word(verdict.error));
  const OriginPoolOptions pool = origin_pool_options(settings, 0, 1);
  const AddressJudge judge(pool.forward_policies.at(0), verdict.address_rules, verdict.otherwise);
  const Reason why_not = judge.why_not(boost::asio::ip::make_address(row.address));
  return why_not == Reason::None ? "allowed" : std::string(word(why_not));
}

}  // namespace

TEST_CASE("the examples in docs/access.md do what their tables say", "[app][access][documents]") {
  const auto examples = read_examples();
  REQUIRE(examples.size() >= 4);
  for (const Example& example : examples) {
    INFO(example.yaml);
    const LoadResult loaded = load_text(example.yaml, "docs/access.md", process_environment);
    for (const Problem& problem : loaded.problems) FAIL_CHECK(to_string(problem));
    REQUIRE(example.rows.size() >= 3);
    for (const Row& row : example.rows) {
      INFO(row.client << " " << row.method << " " << row.url << " at " << row.address);
      CHECK(outcome(loaded.settings, row) == row.outcome);
    }
  }
}

TEST_CASE("listeners with the same rules about addresses share their partitions, others do not", "[app][access][partition]") {
  const auto rules = [](const char* destination, AccessAction action, bool users) {
    AccessRuleSettings rule;
    rule.action = action;
    rule.destinations = {{destination}};
    if (users) rule.users = {{"alice"}};
    return rule;
  };
  Settings settings = forward_settings({"127.0.0.1", 1}, false);
  settings.listeners.resize(6, settings.listeners[0]);
  settings.listeners[1].access = settings.listeners[2].access = {rules("10.0.0.0/8", AccessAction::Allow, false)};
  settings.listeners[2].access[0].clients = {{"192.0.2.0/24"}};  // decided before: no matter for the store
  settings.listeners[3].access = {rules("10.0.0.0/8", AccessAction::Deny, false)};
  settings.listeners[4].access = {rules("10.0.0.0/8", AccessAction::Allow, true)};
  settings.listeners[5].access = {rules("11.0.0.0/8", AccessAction::Allow, false)};
  const ProxyOptions options = proxy_options(settings, "freshet-test");
  const auto& made = options.listeners;
  CHECK_FALSE(made[0].address_classes);
  CHECK(made[1].address_classes);
  CHECK(made[1].address_classes == made[2].address_classes);
  for (std::size_t i = 1; i < made.size(); ++i) {
    CHECK(made[i].partition == made[0].partition);
    CHECK(made[i].address_partition.find(' ') == std::string::npos);
    for (std::size_t j = 1; j < i; ++j)
      CHECK((made[i].address_partition == made[j].address_partition) == (i == 2 && j == 1));
  }
  // A rule with users has two bits, and the rule at each bit is what the address is judged by.
  const AccessRule& with_users = made[4].access[0];
  CHECK(with_users.by_address == 1);
  CHECK(with_users.by_address_unknown == 2);
  const auto policies = origin_pool_options(settings, 0, 1).forward_policies;
  REQUIRE(policies[4].rules.size() == 2);
  CHECK(policies[4].rules[0].verdict == Reason::None);
  CHECK(policies[4].rules[1].verdict == Reason::AuthenticationRequired);
}
