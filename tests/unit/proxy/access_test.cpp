#include "freshet/proxy/access.hpp"

#include <catch2/catch.hpp>
#include <initializer_list>

using namespace freshet;

namespace {

AccessRule allow() {
  AccessRule rule;
  rule.allow = true;
  return rule;
}
AccessRule deny() { return {}; }

AccessRule for_clients(AccessRule rule, std::initializer_list<const char*> networks) {
  for (const char* each : networks) rule.clients.push_back(*parse_ip_network(each));
  return rule;
}
AccessRule for_users(AccessRule rule, std::vector<std::string> users) {
  rule.users = std::move(users);
  return rule;
}
AccessRule for_methods(AccessRule rule, std::vector<std::string> methods) {
  rule.methods = std::move(methods);
  return rule;
}
AccessRule for_hosts(AccessRule rule, const std::vector<std::string>& hosts) {
  rule.hosts = HostSet(hosts);
  return rule;
}
AccessRule for_ports(AccessRule rule, std::vector<PortRange> ports) {
  rule.ports = std::move(ports);
  return rule;
}
/// Decided by the address: bit `bit`, and the next one for clients without a name.
AccessRule by_address(AccessRule rule, unsigned bit) {
  rule.by_address = 1u << bit;
  if (!rule.users.empty()) rule.by_address_unknown = 2u << bit;
  return rule;
}

AccessFacts facts(const char* client = "192.0.2.7", const char* host = "www.example.com", std::uint16_t port = 80,
                  const char* method = "GET", const char* user = "") {
  return {client, user, method, host, port};
}

constexpr Reason kDenied = Reason::AccessDenied;
constexpr Reason kAsk = Reason::AuthenticationRequired;

Reason decide(const AccessFacts& asked, const std::vector<AccessRule>& rules) {
  const AccessVerdict verdict = decide_access(asked, rules);
  CHECK(verdict.address_rules == 0);
  CHECK(verdict.otherwise == Reason::None);
  return verdict.error;
}

}  // namespace

TEST_CASE("without rules everything is allowed, with rules only what one of them allows", "[proxy][access]") {
  CHECK(decide(facts(), {}) == Reason::None);
  CHECK(decide(facts(), {allow()}) == Reason::None);
  CHECK(decide(facts(), {deny()}) == kDenied);
  CHECK(decide(facts(), {for_ports(allow(), {{443, 443}})}) == kDenied);
  CHECK(decide(facts(), {for_ports(deny(), {{443, 443}})}) == kDenied);
}

TEST_CASE("the first rule that matches decides", "[proxy][access]") {
  const auto mine = for_hosts(allow(), {"www.example.com"});
  const auto others = for_hosts(deny(), {".example.com"});
  CHECK(decide(facts(), {mine, others, allow()}) == Reason::None);
  CHECK(decide(facts(), {others, mine, allow()}) == kDenied);
  CHECK(decide(facts("192.0.2.7", "b.example.com"), {mine, others, allow()}) == kDenied);
  CHECK(decide(facts("192.0.2.7", "elsewhere.test"), {mine, others, allow()}) == Reason::None);
}

TEST_CASE("every criterion counts, and all of a rule have to match", "[proxy][access]") {
  AccessRule rule = for_clients(allow(), {"192.0.2.0/24", "2001:db8::/32"});
  rule = for_methods(std::move(rule), {"GET", "PURR"});
  rule = for_hosts(std::move(rule), {"*.example.com"});
  rule = for_ports(std::move(rule), {{80, 80}, {8000, 8999}});
  struct Row {
    AccessFacts asked;
    bool allowed;
  };
  const Row rows[] = {
      {facts(), true},
      {facts("192.0.3.7"), false},
      {facts("::ffff:192.0.2.7"), true},
      {facts("2001:db8:1::1"), true},
      {facts("2001:db9::1"), false},
      {facts(""), false},
      {facts("192.0.2.7", "example.com"), false},
      {facts("192.0.2.7", "www.example.com", 8000), true},
      {facts("192.0.2.7", "www.example.com", 8999), true},
      {facts("192.0.2.7", "www.example.com", 9000), false},
      {facts("192.0.2.7", "www.example.com", 0), false},
      {facts("192.0.2.7", "www.example.com", 80, "HEAD"), false},
      {facts("192.0.2.7", "www.example.com", 80, "get"), false},
      {facts("192.0.2.7", "www.example.com", 80, "PURR"), true},
  };
  for (const Row& row : rows) {
    INFO(row.asked.client << " " << row.asked.method_name << " " << row.asked.host << ":" << row.asked.port);
    CHECK(decide(row.asked, {rule}) == (row.allowed ? Reason::None : kDenied));
  }
}

TEST_CASE("host patterns: a name, what is below it, both, an address", "[proxy][access]") {
  struct Row {
    const char *pattern, *host;
    bool matches;
  };
  const Row rows[] = {
      {"example.com", "example.com", true},        {"example.com", "www.example.com", false},
      {"*.example.com", "www.example.com", true},  {"*.example.com", "a.b.example.com", true},
      {"*.example.com", "example.com", false},     {"*.example.com", "badexample.com", false},
      {".example.com", "example.com", true},       {".example.com", "a.b.example.com", true},
      {".example.com", "badexample.com", false},   {".example.com", "example.com.evil.test", false},
      {"com", "example.com", false},               {"*.com", "example.com", true},
      {"*", "example.com", true},                  {"*", "127.0.0.1", true},
      {"127.0.0.1", "127.0.0.1", true},            {"127.0.0.1", "127.0.0.2", false},
      {"::1", "[::1]", true},                      {"[::1]", "[0:0::1]", true},
      {"10.1.2.3", "[::ffff:10.1.2.3]", true},     {"::ffff:10.1.2.3", "10.1.2.3", true},
      {"::1", "[::2]", false},                     {"1.2.3.4", "1.2.3.4.example", false},
  };
  for (const Row& row : rows) {
    INFO(row.pattern << " for " << row.host);
    CHECK(HostSet({row.pattern}).contains(row.host, ip_of_host(row.host)) == row.matches);
  }
  const HostSet several({"b.test", "a.test", "*.c.test", "192.0.2.1"});
  for (const char* host : {"a.test", "b.test", "x.c.test", "192.0.2.1"}) CHECK(several.contains(host, ip_of_host(host)));
  CHECK_FALSE(several.contains("c.test", {}));
  CHECK(HostSet().empty());
  CHECK_FALSE(HostSet({"*"}).empty());
}

TEST_CASE("P19: an address is that address in every spelling", "[proxy][access][P19]") {
  const std::vector<AccessRule> rules = {for_hosts(deny(), {"127.0.0.1", "::1"}), allow()};
  for (const char* host : {"127.0.0.1", "127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "[::ffff:127.0.0.1]", "[::1]",
                           "[0:0:0:0:0:0:0:1]"}) {
    INFO(host);
    CHECK(decide(facts("192.0.2.7", host), rules) == kDenied);
  }
  CHECK(decide(facts("192.0.2.7", "127.0.0.2"), rules) == Reason::None);
}

TEST_CASE("a rule with users asks who is there, and others are for everybody", "[proxy][access]") {
  const auto as = [](const char* user) { return facts("192.0.2.7", "www.example.com", 80, "GET", user); };
  const auto alice = for_users(allow(), {"alice", "bob"});
  CHECK(decide(as("alice"), {alice}) == Reason::None);
  CHECK(decide(as("bob"), {alice}) == Reason::None);
  CHECK(decide(as("carol"), {alice}) == kDenied);
  CHECK(decide(as("Alice"), {alice}) == kDenied);
  CHECK(decide(as(""), {alice}) == kAsk);
  CHECK(decide(as("carol"), {for_users(allow(), {"*"})}) == Reason::None);
  CHECK(decide(as(""), {for_users(allow(), {"*"})}) == kAsk);
  // Saying nothing is no way around a denial.
  CHECK(decide(as(""), {for_users(deny(), {"bob"}), allow()}) == kAsk);
  CHECK(decide(as("bob"), {for_users(deny(), {"bob"}), allow()}) == kDenied);
  CHECK(decide(as("alice"), {for_users(deny(), {"bob"}), allow()}) == Reason::None);
  // Only where the rest of the rule matches, and nothing before it has decided.
  CHECK(decide(as(""), {for_hosts(alice, {"other.test"}), allow()}) == Reason::None);
  CHECK(decide(as(""), {for_hosts(allow(), {"www.example.com"}), alice}) == Reason::None);
  CHECK(decide(as(""), {for_hosts(deny(), {"www.example.com"}), alice}) == kDenied);
}

TEST_CASE("rules with destinations are left to the address, with what comes after them", "[proxy][access]") {
  const auto in = by_address(allow(), 0);
  const auto out = by_address(deny(), 1);
  AccessVerdict verdict = decide_access(facts(), {in});
  CHECK(verdict.error == Reason::None);
  CHECK(verdict.address_rules == 1);
  CHECK(verdict.otherwise == Reason::AddressDenied);
  verdict = decide_access(facts(), {out, in, allow(), deny()});
  CHECK(verdict.address_rules == 3);
  CHECK(verdict.otherwise == Reason::None);
  // What comes after a rule that decides is never asked.
  verdict = decide_access(facts(), {in, deny(), out});
  CHECK(verdict.address_rules == 1);
  CHECK(verdict.otherwise == Reason::AddressDenied);
  // What does not match otherwise is not left to the address.
  CHECK(decide(facts(), {for_ports(in, {{443, 443}}), allow()}) == Reason::None);
  CHECK(decide(facts(), {allow(), out}) == Reason::None);
}

TEST_CASE("no name is looked up for a client that no address would be allowed to", "[proxy][access]") {
  CHECK(decide(facts(), {by_address(deny(), 0)}) == kDenied);
  CHECK(decide(facts(), {by_address(deny(), 0), for_users(allow(), {"*"})}) == kAsk);
  CHECK(decide(facts(), {by_address(for_ports(allow(), {{443, 443}}), 0), by_address(deny(), 1)}) == kDenied);
}

TEST_CASE("users and destinations in one rule: who is unknown is asked only when the address is one of them", "[proxy][access]") {
  const auto inner = by_address(for_users(allow(), {"alice"}), 2);
  AccessFacts asked = facts();
  AccessVerdict verdict = decide_access(asked, {inner, allow()});
  CHECK(verdict.address_rules == 8);
  CHECK(verdict.otherwise == Reason::None);
  verdict = decide_access(asked, {inner});
  CHECK(verdict.error == Reason::None);
  CHECK(verdict.address_rules == 8);
  CHECK(verdict.otherwise == Reason::AddressDenied);
  asked.user = "alice";
  CHECK(decide_access(asked, {inner}).address_rules == 4);
  asked.user = "bob";
  CHECK(decide_access(asked, {inner}).error == kDenied);
  asked.user = "";
  verdict = decide_access(asked, {by_address(allow(), 0), for_users(allow(), {"*"})});
  CHECK(verdict.address_rules == 1);
  CHECK(verdict.otherwise == kAsk);
}
