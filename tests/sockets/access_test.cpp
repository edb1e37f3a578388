// Access rules in the whole program, with the system's own resolver.
#include <catch2/catch.hpp>

#include "support/live_proxy.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

AccessRuleSettings rule(AccessAction action) {
  AccessRuleSettings made;
  made.action = action;
  return made;
}

AccessRuleSettings to(AccessAction action, const char* network) {
  AccessRuleSettings made = rule(action);
  made.destinations = {{network}};
  return made;
}

Settings with_rules(const LiveOrigin& origin, std::vector<AccessRuleSettings> rules, bool allow_private) {
  Settings settings = forward_to(origin.port(), allow_private);
  settings.listeners[0].access = std::move(rules);
  return settings;
}

LiveOrigin::Answer secret() {
  return [](const Message&) { return make_response("secret", "Cache-Control: max-age=60\r\n"); };
}

std::string get(const std::string& authority) {
  return "GET http://" + authority + "/x HTTP/1.1\r\nHost: " + authority + "\r\n\r\n";
}
std::string connect_to(const std::string& authority) {
  return "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n\r\n";
}

/// The last of them may be counted a moment after its answer has come.
bool are_denied(const LiveProxy& proxy, Reason reason, std::size_t times) {
  return comes_true([&] {
    return proxy.sum([reason](const WorkerCounters& c) { return c.denied[static_cast<std::size_t>(reason)].get(); }) == times;
  });
}

/// 127.0.0.1 in all the ways that getaddrinfo(3) reads, and some more.
const std::vector<std::string> kLoopback = {"127.0.0.1",    "127.1",       "127.0.1",          "2130706433",          "0x7f.1",
                                            "0x7f000001",   "0177.0.0.1",  "017700000001",     "0x7F.0.0.0X1",        "127.0.0.1.",
                                            "localhost",    "LOCALHOST.",  "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"};

}  // namespace

TEST_CASE("P19: no spelling of an internal address gets past the default denial", "[sockets][forward][P19]") {
  LiveOrigin origin{secret()};
  const std::string port = ':' + std::to_string(origin.port());
  LiveProxy proxy(forward_to(origin.port(), false));
  for (const std::string& host : kLoopback) {
    INFO(host);
    Client client(proxy.port());
    const Message got = client.ask(get(host + port));
    CHECK(got.status() == 403);
    CHECK(got.field("Proxy-Status").find("destination_ip_prohibited") != std::string::npos);
    Client tunnel(proxy.port());
    CHECK(tunnel.ask(connect_to(host + port)).status() == 403);
    CHECK(tunnel.wire().ended());
  }
  // What is no address and no name either goes nowhere: scope identifiers, encoded names, user information.
  for (const std::string host : {"[::1%25lo]", "[::1%lo]", "%6cocalhost", "user@127.0.0.1", "[127.0.0.1]"}) {
    INFO(host);
    Client client(proxy.port());
    CHECK(client.ask(get(host + port)).status() == 400);
  }
  CHECK(origin.connections() == 0);
  CHECK(are_denied(proxy, Reason::PrivateAddress, 2 * kLoopback.size()));
}

TEST_CASE("P19: a denied destination is denied in every spelling, where private networks are open", "[sockets][forward][access][P19]") {
  LiveOrigin origin{secret()};
  const std::string port = ':' + std::to_string(origin.port());
  AccessRuleSettings by_name = rule(AccessAction::Deny);
  by_name.hosts = {{"127.0.0.1"}, {"localhost"}};
  for (const bool name : {false, true}) {
    LiveProxy proxy(with_rules(origin, {name ? by_name : to(AccessAction::Deny, "127.0.0.0/8"), rule(AccessAction::Allow)}, true));
    for (const std::string& host : kLoopback) {
      INFO(host);
      Client client(proxy.port());
      CHECK(client.ask(get(host + port)).status() == 403);
    }
    CHECK(are_denied(proxy, name ? Reason::AccessDenied : Reason::AddressDenied, kLoopback.size()));
  }
  CHECK(origin.connections() == 0);
}

TEST_CASE("a rule that names a private network opens it, although others stay shut", "[sockets][forward][access]") {
  LiveOrigin origin{secret()};
  LiveProxy proxy(with_rules(origin, {to(AccessAction::Allow, "127.0.0.0/8")}, false));
  Client client(proxy.port());
  CHECK(client.ask(get(origin.authority())).body == "secret");
  CHECK(client.ask(get(origin.authority())).field("Cache-Status").starts_with("freshet; hit"));
  CHECK(client.ask(get("192.168.255.1:81")).status() == 403);
  CHECK(client.ask(get("localhost:" + std::to_string(origin.port()))).body == "secret");
  Client tunnel(proxy.port());
  CHECK(tunnel.ask(connect_to(origin.authority())).status() == 200);
  CHECK(are_denied(proxy, Reason::AddressDenied, 1));
}

TEST_CASE("a denied client does not get what another listener has stored, and may go on asking", "[sockets][forward][access]") {
  LiveOrigin origin{secret()};
  Settings settings = forward_to(origin.port());
  settings.listeners.push_back(settings.listeners[0]);
  AccessRuleSettings others = rule(AccessAction::Allow);
  others.clients = {{"10.0.0.0/8"}, {"fd00::/8"}};
  settings.listeners[1].access = {others};
  LiveProxy proxy(std::move(settings));
  Client first(proxy.port(0));
  CHECK(first.ask(get(origin.authority())).body == "secret");
  Client second(proxy.port(1));
  for (int i = 0; i < 2; ++i) {
    const Message refused = second.ask(get(origin.authority()));
    CHECK(refused.status() == 403);
    CHECK(refused.body.find("access rules") != std::string::npos);
    CHECK(refused.field("Proxy-Status").find("http_request_denied") != std::string::npos);
  }
  CHECK(second.ask(connect_to(origin.authority())).status() == 403);
  CHECK(second.wire().ended());
  CHECK(are_denied(proxy, Reason::AccessDenied, 3));
  CHECK(origin.requests() == 1);
}

TEST_CASE("P20: a reverse listener is no proxy for hosts that a client names", "[sockets][P20]") {
  LiveOrigin elsewhere{secret()};
  LiveOrigin own{LiveOrigin::Answer([](const Message& request) { return make_response("own " + request.target()); })};
  LiveProxy proxy(reverse_to({own.port()}));
  Client client(proxy.port());
  CHECK(client.ask(get(elsewhere.authority())).body == "own /x");
  CHECK(client.ask(connect_to(elsewhere.authority())).status() == 405);
  CHECK(client.wire().ended());
  CHECK(elsewhere.connections() == 0);
}

TEST_CASE("P20: by default a forward listener tunnels to port 443 only, and to nothing internal", "[sockets][forward][P20]") {
  LiveOrigin origin{secret()};
  LiveProxy proxy(forward_settings({"127.0.0.1", 0}, false));
  struct Row {
    std::string authority;
    const char* reason;
  };
  const Row rows[] = {{origin.authority(), "this port is not allowed"},
                      {"192.0.2.1:25", "this port is not allowed"},
                      {"127.0.0.1:443", "private"},
                      {"169.254.169.254:443", "private"}};
  for (const Row& row : rows) {
    INFO(row.authority);
    Client client(proxy.port());
    const Message refused = client.ask(connect_to(row.authority));
    CHECK(refused.status() == 403);
    CHECK(refused.field("Proxy-Status").find(row.reason) != std::string::npos);
    CHECK(client.wire().ended());
  }
  CHECK(origin.connections() == 0);
}
