#include <catch2/catch.hpp>

#include "freshet/config/load.hpp"

using namespace freshet;

namespace {

LoadResult load(std::string_view yaml) {
  return load_text(yaml, "f", [](const std::string&) { return std::optional<std::string>(); });
}

/// All problems, a line each.
std::string problems(std::string_view yaml) {
  std::string lines;
  for (const auto& problem : load(yaml).problems) lines += to_string(problem) + '\n';
  return lines;
}

/// A forward listener with these rules, which stand in line 4 and those that follow.
std::string forward(std::string_view rules) {
  return "listeners:\n- bind: 127.0.0.1:1\n  forward: {auth: {users: u}}\n  access: " + std::string(rules) + "\n";
}

const std::string kRule = "f:4:12: listeners[0].access[0].";

}  // namespace

TEST_CASE("Access rules arrive in order, with canonical values", "[config][access]") {
  const auto yaml = forward(R"(
  - {action: deny, clients: [10.0.0.0/8, "FD00::/8", 192.0.2.1]}
  - action: allow
    users: [alice, "*"]
    methods: [GET, PURR]
    hosts: ["WWW.Example.com.", "*.Example.com", .example.org, "[::1]", "0:0::1", 10.1.2.3, "*"]
    ports: [80, 8000-8999]
    destinations: [10.1.0.0/16, "fd00:1::/32"]
  - {action: allow, clients: any, users: any, methods: any, hosts: any, ports: any, destinations: any}
)");
  REQUIRE(problems(yaml) == "");
  const auto rules = load(yaml).settings.listeners[0].access;
  REQUIRE(rules.size() == 3);
  CHECK(rules[0].action == AccessAction::Deny);
  CHECK(rules[0].clients == std::vector<ClientNetwork>{{"10.0.0.0/8"}, {"fd00::/8"}, {"192.0.2.1/32"}});
  CHECK(rules[0].hosts.empty());
  const auto& second = rules[1];
  CHECK(second.action == AccessAction::Allow);
  CHECK(second.users == std::vector<UserName>{{"alice"}, {"*"}});
  CHECK(second.methods == std::vector<MethodName>{{"GET"}, {"PURR"}});
  CHECK(second.hosts == std::vector<HostPattern>{
                            {"www.example.com"}, {"*.example.com"}, {".example.org"}, {"::1"}, {"::1"}, {"10.1.2.3"}, {"*"}});
  CHECK(second.ports == std::vector<PortNumbers>{{80, 80}, {8000, 8999}});
  CHECK(second.destinations == std::vector<DestinationNetwork>{{"10.1.0.0/16"}, {"fd00:1::/32"}});
  for (const bool empty : {rules[2].clients.empty(), rules[2].users.empty(), rules[2].methods.empty(), rules[2].hosts.empty(),
                           rules[2].ports.empty(), rules[2].destinations.empty()})
    CHECK(empty);
}

TEST_CASE("A listener without access rules has none", "[config][access]") {
  CHECK(load("listeners: [{bind: \"127.0.0.1:1\", forward: {}}]").settings.listeners[0].access.empty());
}

TEST_CASE("Mistakes in access rules are reported with their place and what was expected", "[config][access]") {
  const struct {
    std::string yaml, expected;
  } rows[] = {
      {forward("allow"),
       "f:4:11: listeners[0].access: is 'allow', expected a list of rules such as [{action: allow, clients: [10.0.0.0/8]}]\n"},
      {forward("[]"), "f:4:11: listeners[0].access: is an empty list, expected one rule at least\n"},
      {forward("[allow]"), "f:4:12: listeners[0].access[0]: is 'allow', expected settings (`name: value`)\n"},
      {forward("[{clients: [10.0.0.0/8]}]"), kRule + "action: is missing, expected allow or deny\n"},
      {forward("[{action: permit}]"), "f:4:21: listeners[0].access[0].action: is 'permit', expected allow or deny\n"},
      {forward("[{action: allow, host: [a.test]}]"),
       "f:4:28: listeners[0].access[0].host: is not a known setting, did you mean 'hosts'?\n"},
      {forward("[{action: allow, hosts: a.test}]"),
       "f:4:35: listeners[0].access[0].hosts: is 'a.test', expected a list of hosts such as [example.com, \"*.example.com\"]\n"},
      {forward("[{action: allow, ports: []}]"),
       "f:4:35: listeners[0].access[0].ports: is an empty list, expected a list of ports such as [80, 443, 8000-8999]\n"},
      {forward("[{action: allow, clients: [10.1.0.0/8]}]"),
       "f:4:38: listeners[0].access[0].clients[0]: is '10.1.0.0/8', which has bits set after its prefix (the network is "
       "10.0.0.0/8), expected a network such as 10.0.0.0/8 or \"fd00::/8\"\n"},
      {forward("[{action: allow, destinations: [intranet]}]"),
       "f:4:43: listeners[0].access[0].destinations[0]: is 'intranet', expected a network such as 10.0.0.0/8 or "
       "\"fd00::/8\"\n"},
      {forward("[{action: allow, methods: [get, \"a b\"]}]"),
       "f:4:38: listeners[0].access[0].methods[0]: is 'get', which is another method than GET, expected a method such as GET "
       "or CONNECT\n"
       "f:4:43: listeners[0].access[0].methods[1]: is 'a b', expected a method such as GET or CONNECT\n"},
      {forward("[{action: allow, users: [\"a:b\"]}]"),
       "f:4:36: listeners[0].access[0].users[0]: is 'a:b', expected a user name without colon and control characters, or "
       "\"*\"\n"},
  };
  for (const auto& row : rows) {
    INFO(row.yaml);
    CHECK(problems(row.yaml) == row.expected);
    CHECK_FALSE(load(row.yaml).good());
  }
}

TEST_CASE("A host in an access rule is a name, a pattern or an address", "[config][access]") {
  const std::string expected =
      ", expected a host name without scheme and port, \"*.NAME\", .NAME, an IP address or \"*\"\n";
  for (const std::string odd : {"http://a.test", "a.test:80", "a.*", "**", "*.", ".", "*.*.a", "a b", "a..b", "..a", "127.1",
                                "2130706433", "0x7f.1.1", "*.127.0.0.1", ".10.0.0.1", "[10.0.0.1]", "[::1", "fe80::1%eth0", "*.::1"}) {
    INFO(odd);
    CHECK(problems(forward("[{action: allow, hosts: [\"" + odd + "\"]}]")) ==
          "f:4:36: listeners[0].access[0].hosts[0]: is '" + odd + "'" + expected);
  }
  CHECK(problems(forward("[{action: allow, hosts: [10.0.0.0/8]}]")) ==
        "f:4:36: listeners[0].access[0].hosts[0]: is '10.0.0.0/8', which is a network (those stand under destinations)" + expected);
}

TEST_CASE("A port in an access rule is one or a range", "[config][access]") {
  for (const std::string odd : {"0", "65536", "-1", "80-", "90-80", "0-80", "80-65536", "80-90-100", "http"}) {
    INFO(odd);
    CHECK(problems(forward("[{action: allow, ports: [" + odd + "]}]")) ==
          "f:4:36: listeners[0].access[0].ports[0]: is '" + odd +
              "', expected a port or a range such as 8000-8999, from 1 to 65535\n");
  }
}

TEST_CASE("Rules that nothing reaches, and rules that allow nothing, are mistakes", "[config][access]") {
  CHECK(problems(forward("\n  - {action: allow}\n  - {action: deny, hosts: [a.test]}")) ==
        "f:6:5: listeners[0].access[1]: is never reached, expected it before the rule in line 5, which takes all of its "
        "requests\n");
  CHECK(problems(forward("\n  - {action: allow, hosts: [a.test, b.test], ports: [80]}\n  - {action: deny, hosts: [B.test], ports: "
                         "[80]}")) ==
        "f:6:5: listeners[0].access[1]: is never reached, expected it before the rule in line 5, which takes all of its "
        "requests\n");
  // A rule with a mistake in it matches less than what could be read of it.
  CHECK(problems(forward("\n  - {action: deny, host: [a.test]}\n  - {action: allow, hosts: b.test}\n  - {action: allow}")) ==
        "f:5:20: listeners[0].access[0].host: is not a known setting, did you mean 'hosts'?\n"
        "f:6:28: listeners[0].access[1].hosts: is 'b.test', expected a list of hosts such as [example.com, \"*.example.com\"]\n");
  CHECK(problems(forward("\n  - {action: deny, hosts: [a.test], ports: [80]}\n  - {action: allow, hosts: [a.test]}")) == "");
  CHECK(problems(forward("[{action: deny, hosts: [a.test]}]")) ==
        "f:4:11: listeners[0].access: allows nothing, expected `- {action: allow}` at its end (what no rule allows is denied)\n");
}

TEST_CASE("CONNECT to a port that is shut to it anyway is worth a warning", "[config][access]") {
  const auto with = [](std::string_view rule) { return forward("[{action: allow, " + std::string(rule) + "}]"); };
  CHECK(problems(with("methods: [CONNECT], ports: [8443]")) ==
        "f:4:55: warning: listeners[0].access[0].ports: lets CONNECT go to ports that are not in forward.connect_ports, which "
        "refuses them\n");
  CHECK(problems(with("methods: [CONNECT], ports: [1-65535]")) == "");
  CHECK(problems(with("methods: [GET], ports: [8443]")) == "");
}

TEST_CASE("A reverse listener has rules about clients, methods, hosts and ports", "[config][access]") {
  const auto reverse = [](std::string_view rule) {
    return "upstreams: {a: {servers: [\"http://a\"]}}\nlisteners:\n- bind: 127.0.0.1:1\n  access: [{action: allow, " +
           std::string(rule) + "}]\n  routes: [{upstream: a}]\n";
  };
  CHECK(problems(reverse("clients: [10.0.0.0/8], methods: [GET], hosts: [a.test], ports: [80]")) == "");
  CHECK(problems(reverse("users: [a], destinations: [10.0.0.0/8]")) ==
        "f:4:28: listeners[0].access[0].users: is for forward listeners, expected only beside forward\n"
        "f:4:40: listeners[0].access[0].destinations: is for forward listeners, expected only beside forward\n");
}

TEST_CASE("One listener can have no more than 30 rules with destinations", "[config][access]") {
  std::string rules;
  for (int i = 0; i < 31; ++i) rules += "\n  - {action: allow, destinations: [10." + std::to_string(i) + ".0.0/16]}";
  CHECK(problems(forward(rules)) ==
        "f:5:3: listeners[0].access: has 31 rules with destinations, expected 30 at most (one rule can name many networks)\n");
  CHECK(problems(forward(rules.substr(rules.find('\n', 1)))) == "");
}
