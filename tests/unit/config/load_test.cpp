#include "freshet/config/load.hpp"

#include <catch2/catch.hpp>
#include <map>

using namespace freshet;

namespace {

std::optional<std::string> no_variables(const std::string&) { return {}; }

LoadResult load(std::string_view yaml) { return load_text(yaml, "f", no_variables); }

/// All problems, a line each.
std::string problems(std::string_view yaml, const Environment& environment = no_variables) {
  std::string lines;
  for (const auto& problem : load_text(yaml, "f", environment).problems) lines += to_string(problem) + '\n';
  return lines;
}

/// `yaml` below a listener that is right.
std::string good_with(std::string_view yaml) {
  return "listeners: [{bind: \"127.0.0.1:1\", forward: {}}]\n" + std::string{yaml};
}

/// A forward listener with that rate limit.
std::string limited(std::string_view limit) {
  return "listeners: [{bind: \"127.0.0.1:1\", forward: {rate_limit: " + std::string{limit} + "}}]\n";
}

constexpr std::string_view kWhole = R"(listeners:
  - bind: 127.0.0.1:8080          # reverse
    routes:
      - {host: "IMG.example.com.", path: /thumbs/, upstream: images}
      - {upstream: app, rate_limit: {requests: 100, per: 2s, burst: 300, key: header:X-Api-Key}}
    add_forwarded: false
  - bind: "[::1]:3128"            # forward
    forward: {allow_private: [10.0.0.0/8, "FD00::/8", 192.168.1.1], connect_ports: [443, 8443], rate_limit: {requests: 5}}
upstreams:
  app:    {servers: ["http://127.0.0.1:8000"], host: server}
  images: {servers: ["http://127.0.0.1:8001", "http://127.0.0.1:8002"], host: img.internal, max_requests: 21}
cache: {max_size: 128MiB, max_object_size: 1MiB, enabled: true, heuristic_percent: 0, heuristic_max: 1h,
        set_cookie: store, stale_if_error: 1m, targets: [Freshet-Cache-Control, CDN-Cache-Control]}
admin: {bind: 127.0.0.1:9999}
access_log: {path: /var/log/freshet/access.log, format: json}
log: {level: warn}
workers: 2
shutdown_grace: 5s
via: edge-1
timeouts: {client_header: 1s, client_body: 2s, client_idle: 3s, client_write: 4s, connect: 5s, first_byte: 6s,
           between_bytes: 7s, tunnel_idle: 8s, dns: 9s, upstream_idle: 10s, set_aside: 11s, queue: 12s, client_rate_window: 13s}
limits: {header_bytes: 2KiB, header_count: 11, target_bytes: 1000, request_body: 1GiB, connections: 12,
         requests_per_upstream: 13, idle_connections_per_upstream: 14, queue_per_upstream: 16, fills: 17, response_header_bytes: 3KiB, response_header_count: 15,
         connections_per_client: 16, tunnels: 17, min_client_rate: 18KiB}
)";

}  // namespace

TEST_CASE("Every setting of a whole file arrives", "[config]") {
  REQUIRE(problems(kWhole) == "");
  const auto s = load(kWhole).settings;
  REQUIRE(s.listeners.size() == 2);
  const auto& reverse = s.listeners[0];
  REQUIRE(reverse.bind == Endpoint{"127.0.0.1", 8080});
  REQUIRE_FALSE(reverse.forward);
  REQUIRE(reverse.add_x_forwarded);
  REQUIRE_FALSE(reverse.add_forwarded);
  REQUIRE(reverse.routes.size() == 2);
  REQUIRE(reverse.routes[0].host == "img.example.com");
  REQUIRE(reverse.routes[0].path == "/thumbs/");
  REQUIRE(reverse.routes[0].upstream == "images");
  REQUIRE(reverse.routes[1].host == "*");
  REQUIRE(reverse.routes[1].upstream == "app");
  REQUIRE_FALSE(reverse.routes[0].rate_limit);
  const RateLimitSettings& limit = *reverse.routes[1].rate_limit;
  REQUIRE(limit.requests == 100);
  REQUIRE(limit.per == Milliseconds{2000});
  REQUIRE(limit.burst == 300);
  REQUIRE(limit.key == RateKey{"X-Api-Key"});
  const auto& forward = s.listeners[1];
  REQUIRE(forward.bind == Endpoint{"::1", 3128});
  REQUIRE(forward.routes.empty());
  REQUIRE(forward.forward->allow_private == PrivateAccess{false, {"10.0.0.0/8", "fd00::/8", "192.168.1.1/32"}});
  REQUIRE(forward.forward->connect_ports == std::vector<std::uint16_t>{443, 8443});
  REQUIRE(forward.forward->rate_limit->requests == 5);
  REQUIRE(forward.forward->rate_limit->per == Milliseconds{1000});
  REQUIRE(forward.forward->rate_limit->key == RateKey{});
  REQUIRE(s.upstreams.size() == 2);
  REQUIRE(s.upstreams[0].max_requests == 0);
  REQUIRE(s.upstreams[1].max_requests == 21);
  REQUIRE(s.upstreams[0].name == "app");
  REQUIRE(s.upstreams[0].host.kind == HostField::Kind::Server);
  REQUIRE(s.upstreams[1].servers.size() == 2);
  REQUIRE(s.upstreams[1].servers[1] == ServerUrl{"http", "127.0.0.1", 8002});
  REQUIRE(s.upstreams[1].host == HostField{HostField::Kind::Literal, "img.internal"});
  REQUIRE(s.cache.max_size == 128ULL << 20);
  REQUIRE(s.cache.max_object_size == 1ULL << 20);
  REQUIRE(s.cache.heuristic_percent == 0);
  REQUIRE(s.cache.targets.names == std::vector<std::string>{"Freshet-Cache-Control", "CDN-Cache-Control"});
  REQUIRE(s.cache.set_cookie == SetCookieRule::Store);
  REQUIRE(s.cache.stale_if_error == Milliseconds{60'000});
  REQUIRE(s.cache.heuristic_max == Milliseconds{3'600'000});
  REQUIRE(s.admin->bind.endpoint.port == 9999);
  REQUIRE(s.access_log.path == "/var/log/freshet/access.log");
  REQUIRE(s.access_log.format == LogFormat::Json);
  REQUIRE(s.log.level == LogLevel::Warn);
  REQUIRE(s.workers == 2U);
  REQUIRE(s.shutdown_grace == Milliseconds{5000});
  REQUIRE(s.via == "edge-1");
  const Milliseconds timeouts[] = {s.timeouts.client_header, s.timeouts.client_body, s.timeouts.client_idle,
                                   s.timeouts.client_write,  s.timeouts.connect,     s.timeouts.first_byte,
                                   s.timeouts.between_bytes, s.timeouts.tunnel_idle, s.timeouts.dns,
                                   s.timeouts.upstream_idle, s.timeouts.set_aside,
                                   s.timeouts.queue,         s.timeouts.client_rate_window};
  for (int i = 0; i < 13; ++i) REQUIRE(timeouts[i] == Milliseconds{1000 * (i + 1)});
  REQUIRE(s.limits.header_bytes == 2048);
  REQUIRE(s.limits.header_count == 11);
  REQUIRE(s.limits.target_bytes == 1000);
  REQUIRE(s.limits.request_body == 1ULL << 30);
  REQUIRE(s.limits.connections == 12);
  REQUIRE(s.limits.requests_per_upstream == 13);
  REQUIRE(s.limits.queue_per_upstream == 16);
  REQUIRE(s.limits.fills == 17);
  REQUIRE(s.limits.idle_connections_per_upstream == 14);
  REQUIRE(s.limits.response_header_bytes == 3072);
  REQUIRE(s.limits.response_header_count == 15);
  REQUIRE(s.limits.connections_per_client == 16);
  REQUIRE(s.limits.tunnels == 17);
  REQUIRE(s.limits.min_client_rate == 18 * 1024);
}

TEST_CASE("The shortest files are six lines or fewer", "[config]") {
  REQUIRE(problems("listeners:\n  - bind: 127.0.0.1:3128\n    forward: {}\n") == "");
  REQUIRE(problems("listeners:\n  - bind: 127.0.0.1:3128\n    forward:\n") == "");
  REQUIRE(problems("listeners:\n  - bind: 127.0.0.1:8080\n    routes: [{upstream: app}]\n"
                   "upstreams:\n  app: {servers: [\"http://127.0.0.1:8000\"]}\n") == "");
}

TEST_CASE("off switches the admin endpoint and the access log off, long or short", "[config]") {
  REQUIRE_FALSE(load(good_with("admin: off")).settings.admin);
  REQUIRE_FALSE(load(good_with("admin: {bind: off}")).settings.admin);
  REQUIRE(load(good_with("access_log: off")).settings.access_log.path == "off");
  REQUIRE(load(good_with("access_log: {path: off}")).settings.access_log.path == "off");
  REQUIRE(problems(good_with("admin: off\naccess_log: off")) == "");
  REQUIRE(problems(limited("off")) == "");
  REQUIRE_FALSE(load(limited("off")).settings.listeners[0].forward->rate_limit);
}

TEST_CASE("A section whose lines are all comments keeps its defaults", "[config]") {
  const auto yaml = good_with("cache:\n  # max_size: 1GiB\nlimits:\ntimeouts: ~\nadmin:\nupstreams:\n");
  REQUIRE(problems(yaml) == "");
  REQUIRE(load(yaml).settings.cache.max_size == 256ULL << 20);
  REQUIRE(load(yaml).settings.admin);
}

TEST_CASE("Targeted fields may be none, and one needs no list", "[config]") {
  const auto targets = [](const char* yaml) { return load(good_with(yaml)).settings.cache.targets.names; };
  REQUIRE(problems(good_with("cache: {targets: []}")) == "");
  REQUIRE(targets("cache: {targets: []}").empty());
  REQUIRE(targets("cache: {targets: A-Cache-Control}") == std::vector<std::string>{"A-Cache-Control"});
  REQUIRE(targets("cache: {}") == std::vector<std::string>{"CDN-Cache-Control"});
}

TEST_CASE("Every mistake is reported with its place, its key, what it is and what was expected", "[config]") {
  const struct {
    std::string yaml;
    const char* expected;
  } rows[] = {
      // Nothing at all.
      {"", "f: listeners: is missing, expected a list (`- bind: ADDRESS:PORT`)\n"},
      {"# nothing\n", "f: listeners: is missing, expected a list (`- bind: ADDRESS:PORT`)\n"},
      {"{}", "f:1:1: listeners: is missing, expected a list (`- bind: ADDRESS:PORT`)\n"},
      {"listeners: []", "f:1:12: listeners: is an empty list, expected one listener at least\n"},
      {"listeners:", "f:1:1: listeners: is empty, expected a list (`- bind: ADDRESS:PORT`)\n"},
      // Unknown names, with the nearest one.
      {good_with("cahce: {}"), "f:2:1: cahce: is not a known setting, did you mean 'cache'?\n"},
      {good_with("cache: {maxsize: 1GiB}"), "f:2:9: cache.maxsize: is not a known setting, did you mean 'max_size'?\n"},
      {good_with("cache:\n  max-size: 1GiB"),
       "f:3:3: cache.max-size: is not a known setting, did you mean 'max_size'?\n"},
      {good_with("timeouts: {conenct: 1s}"),
       "f:2:12: timeouts.conenct: is not a known setting, did you mean 'connect'?\n"},
      {good_with("max_size: 1GiB"),
       "f:2:1: max_size: is not a setting of this section, did you mean 'cache.max_size'?\n"},
      {good_with("log: {colour: blue}"), "f:2:7: log.colour: is not a known setting, expected level\n"},
      {good_with("access_log: {zzzzz: 1}"),
       "f:2:14: access_log.zzzzz: is not a known setting, expected path or format\n"},
      {"listeners: [{bind: \"127.0.0.1:1\", forward: {allow_privat: true}}]",
       "f:1:45: listeners[0].forward.allow_privat: is not a known setting, did you mean 'allow_private'?\n"},
      // Wrong types.
      {"[1, 2]",
       "f:1:1: is a list, expected settings (`name: value`)\n"
       "f:1:1: listeners: is missing, expected a list (`- bind: ADDRESS:PORT`)\n"},
      {good_with("cache: 1GiB"), "f:2:8: cache: is '1GiB', expected settings (`name: value`)\n"},
      {good_with("cache: [1]"), "f:2:8: cache: is a list, expected settings (`name: value`)\n"},
      {good_with("cache: {set_cookie: keep}"), "f:2:21: cache.set_cookie: is 'keep', expected bypass or store\n"},
      {good_with("cache:\n  targets: [A, \"B C\", a, Cache-Control, Vary, {}]"),
       "f:3:16: cache.targets[1]: is 'B C', expected a field name such as CDN-Cache-Control\n"
       "f:3:23: cache.targets[2]: names 'a' twice, expected a field name such as CDN-Cache-Control\n"
       "f:3:26: cache.targets[3]: names Cache-Control, which comes after all of them anyway, expected a field name "
       "such "
       "as CDN-Cache-Control\n"
       "f:3:41: cache.targets[4]: names 'Vary', which means something else, expected a field name such as "
       "CDN-Cache-Control\n"
       "f:3:47: cache.targets[5]: is a map, expected a field name such as CDN-Cache-Control\n"},
      {good_with("cache: {targets: {}}"),
       "f:2:18: cache.targets: is a map, expected a list of field names such as [Freshet-Cache-Control, "
       "CDN-Cache-Control]\n"},
      {good_with("cache: {targets: \"\"}"),
       "f:2:18: cache.targets: is '', expected a list of field names such as [Freshet-Cache-Control, "
       "CDN-Cache-Control]\n"},
      {good_with("cache: {enabled: yes}"), "f:2:18: cache.enabled: is 'yes', expected true or false\n"},
      {good_with("cache: {max_size: {a: b}}"),
       "f:2:19: cache.max_size: is a map, expected a size such as 256MiB, 64KiB or 1000 from 1MiB to 16TiB\n"},
      {good_with("cache: {max_size: 1XiB}"),
       "f:2:19: cache.max_size: is '1XiB', expected a size such as 256MiB, 64KiB or 1000 from 1MiB to 16TiB\n"},
      {good_with("timeouts: {connect: 30}"),
       "f:2:21: timeouts.connect: has no unit ('30'), expected a duration such as 30s, 500ms, 5m, 1h or 1d from 10ms "
       "to 1h\n"},
      {good_with("workers: many"), "f:2:10: workers: is 'many', expected a whole number or auto from 1 to 1024\n"},
      {good_with("log: {level: loud}"), "f:2:14: log.level: is 'loud', expected debug, info, warn, error or off\n"},
      {good_with("access_log: {path: }"), "f:2:14: access_log.path: is empty, expected a text\n"},
      {good_with("access_log: {path: \"\"}"), "f:2:20: access_log.path: is empty, expected a text\n"},
      {good_with("via: my proxy"),
       "f:2:6: via: is 'my proxy', expected up to 64 letters, digits and hyphens, a letter first\n"},
      {"listeners: [7]", "f:1:13: listeners[0]: is '7', expected settings (`name: value`)\n"},
      {"listeners: {bind: 1}", "f:1:12: listeners: is a map, expected a list (`- bind: ADDRESS:PORT`)\n"},
      // Out of range.
      {good_with("limits: {header_count: 9}"),
       "f:2:24: limits.header_count: is '9', expected a whole number from 10 to 10000\n"},
      {good_with("limits: {header_count: 10001}"),
       "f:2:24: limits.header_count: is '10001', expected a whole number from 10 to 10000\n"},
      {good_with("limits: {connections: 4294967297}"),
       "f:2:23: limits.connections: is '4294967297', expected a whole number from 1 to 10000000\n"},
      {good_with("workers: 1025"), "f:2:10: workers: is '1025', expected a whole number or auto from 1 to 1024\n"},
      {good_with("timeouts: {dns: 9ms}"),
       "f:2:17: timeouts.dns: is '9ms', expected a duration such as 30s, 500ms, 5m, 1h or 1d from 10ms to 1m\n"},
      // Lists.
      {"listeners: [{bind: \"127.0.0.1:1\", forward: {connect_ports: 443}}]",
       "f:1:60: listeners[0].forward.connect_ports: is '443', expected a list of ports such as [443, 8443] from 1 to "
       "65535\n"},
      {"listeners: [{bind: \"127.0.0.1:1\", forward: {connect_ports: [443, 0, 65536]}}]",
       "f:1:66: listeners[0].forward.connect_ports[1]: is '0', expected a whole number from 1 to 65535\n"
       "f:1:69: listeners[0].forward.connect_ports[2]: is '65536', expected a whole number from 1 to 65535\n"},
      {"listeners: [{bind: \"127.0.0.1:1\", forward: {allow_private: maybe}}]",
       "f:1:60: listeners[0].forward.allow_private: is 'maybe', expected true, false or a list of networks such as "
       "[10.0.0.0/8, \"fd00::/8\"]\n"},
      {"listeners: [{bind: \"127.0.0.1:1\", forward: {allow_private: [10.1.0.0/8, \"x/8\", 10.0.0.0/33, [1]]}}]",
       "f:1:61: listeners[0].forward.allow_private[0]: is '10.1.0.0/8', which has bits set after its prefix (the "
       "network is "
       "10.0.0.0/8), expected a network such as 10.0.0.0/8 or \"fd00::/8\"\n"
       "f:1:73: listeners[0].forward.allow_private[1]: is 'x/8', expected a network such as 10.0.0.0/8 or "
       "\"fd00::/8\"\n"
       "f:1:80: listeners[0].forward.allow_private[2]: is '10.0.0.0/33', expected a network such as 10.0.0.0/8 or "
       "\"fd00::/8\"\n"
       "f:1:93: listeners[0].forward.allow_private[3]: is a list, expected a network such as 10.0.0.0/8 or "
       "\"fd00::/8\"\n"},
      // Listeners.
      {"listeners: [{forward: {}}]",
       "f:1:13: listeners[0].bind: is missing, expected ADDRESS:PORT such as 127.0.0.1:8080 or \"[::1]:8080\"\n"},
      {"listeners: [{bind: localhost:80, forward: {}}]",
       "f:1:20: listeners[0].bind: names 'localhost', which is no IP address, expected ADDRESS:PORT such as "
       "127.0.0.1:8080 or "
       "\"[::1]:8080\"\n"},
      {"listeners: [{bind: \"127.0.0.1:1\"}]",
       "f:1:13: listeners[0]: has neither routes nor forward, expected one of them (`forward: {}` for a forward "
       "proxy)\n"},
      {"listeners: [{bind: \"127.0.0.1:1\", forward: {}, add_forwarded: true}]",
       "f:1:48: listeners[0].add_forwarded: is for reverse listeners, expected only beside routes\n"},
      // Rate limits.
      {limited("{per: 1s}"),
       "f:1:57: listeners[0].forward.rate_limit.requests: is missing, expected a whole number from 1 to 1000000\n"},
      {limited("{requests: 0}"),
       "f:1:68: listeners[0].forward.rate_limit.requests: is '0', expected a whole number from 1 to 1000000\n"},
      {limited("{requests: 1, per: 2h}"),
       "f:1:76: listeners[0].forward.rate_limit.per: is '2h', expected a duration such as 30s, 500ms, 5m, 1h or 1d "
       "from 1ms to 1h\n"},
      {limited("{requests: 1, brst: 2}"),
       "f:1:71: listeners[0].forward.rate_limit.brst: is not a known setting, did you mean 'burst'?\n"},
      {limited("{requests: 1, key: user}"),
       "f:1:76: listeners[0].forward.rate_limit.key: is 'user', expected client or a request field such as "
       "header:X-Api-Key\n"},
      {limited("{requests: 1, key: \"header:a b\"}"),
       "f:1:76: listeners[0].forward.rate_limit.key: is 'header:a b', which names no field, expected client or a "
       "request field "
       "such as header:X-Api-Key\n"},
      {limited("{requests: 1, key: header:Host}"),
       "f:1:76: listeners[0].forward.rate_limit.key: is 'header:Host', which says nothing about who asks, expected "
       "client or a "
       "request field such as header:X-Api-Key\n"},
      {limited("100"),
       "f:1:57: listeners[0].forward.rate_limit: is '100', expected settings such as {requests: 100, per: 1s} or "
       "off\n"},
  };
  for (const auto& row : rows) {
    INFO(row.yaml);
    REQUIRE(problems(row.yaml) == row.expected);
    REQUIRE_FALSE(load(row.yaml).good());
  }
}

TEST_CASE("All mistakes of a file are reported at once, in the order of the file", "[config]") {
  REQUIRE(
      problems(
          "listeners:\n  - bind: 127.0.0.1\n    routes:\n      - {upstream: ap}\n      - {upstream: app, hots: x}\n"
          "upstreams:\n  app: {servers: [\"https://a\", 7]}\ncache: {max_size: lots}\n") ==
      "f:2:11: listeners[0].bind: is '127.0.0.1', expected ADDRESS:PORT such as 127.0.0.1:8080 or \"[::1]:8080\"\n"
      "f:4:20: listeners[0].routes[0].upstream: names 'ap', which is not under upstreams, did you mean 'app'?\n"
      "f:5:9: listeners[0].routes[1]: is never reached, expected it before the route in line 4, which takes all of its "
      "requests\n"
      "f:5:25: listeners[0].routes[1].hots: is not a known setting, did you mean 'host'?\n"
      "f:7:19: upstreams.app.servers[0]: is 'https://a', but this version cannot speak TLS to servers yet, expected "
      "http://HOST or http://HOST:PORT\n"
      "f:7:32: upstreams.app.servers[1]: is '7', which has no scheme, expected http://HOST or http://HOST:PORT\n"
      "f:8:19: cache.max_size: is 'lots', expected a size such as 256MiB, 64KiB or 1000 from 1MiB to 16TiB\n");
}

TEST_CASE("Routes must lead somewhere and be reachable", "[config]") {
  const auto with_routes = [](std::string_view routes) {
    return problems("upstreams: {a: {servers: [\"http://a\"]}}\nlisteners: [{bind: \"127.0.0.1:1\", routes: [\n" +
                    std::string{routes} + "]}]\n");
  };
  REQUIRE(with_routes("{host: x, upstream: a}, {host: y, upstream: a}, {path: /p, upstream: a}, {upstream: a}") == "");
  REQUIRE(
      with_routes("{host: x, path: /b, upstream: a}, {host: x, upstream: a}, {path: /b, upstream: a}, {upstream: a}") ==
      "");
  REQUIRE(
      with_routes("{upstream: a},\n{host: x, upstream: a}") ==
      "f:4:1: listeners[0].routes[1]: is never reached, expected it before the route in line 3, which takes all of its "
      "requests\n");
  REQUIRE(
      with_routes("{host: x, path: /b, upstream: a},\n{host: X, path: /b/c, upstream: a}, {upstream: a}") ==
      "f:4:1: listeners[0].routes[1]: is never reached, expected it before the route in line 3, which takes all of its "
      "requests\n");
  REQUIRE(with_routes("{upstream: b}") ==
          "f:1:13: warning: upstreams.a: is not named by any route\n"
          "f:3:12: listeners[0].routes[0].upstream: names 'b', which is not under upstreams, did you mean 'a'?\n");
  REQUIRE(with_routes("{upstream: images}") ==
          "f:1:13: warning: upstreams.a: is not named by any route\n"
          "f:3:12: listeners[0].routes[0].upstream: names 'images', which is not under upstreams, expected a name that "
          "is\n");
  REQUIRE(
      with_routes("{host: \"http://x\", upstream: a}") ==
      "f:3:8: listeners[0].routes[0].host: is 'http://x', expected a host name without scheme and port, *.NAME or *\n");
  REQUIRE(with_routes("{host: \"x:80\", upstream: a}") ==
          "f:3:8: listeners[0].routes[0].host: is 'x:80', expected a host name without scheme and port, *.NAME or *\n");
  REQUIRE(with_routes("{host: \"[::1]\", upstream: a}") == "");
  REQUIRE(with_routes("{host: a.x.org, upstream: a}, {host: \"*.x.org\", upstream: a}, {host: x.org, upstream: a}, "
                      "{host: a.yx.org, upstream: a}") == "");
  for (const char* later : {"a.x.org", "b.a.x.org", "*.x.org", "*.a.X.org."})
    REQUIRE(with_routes("{host: \"*.x.org\", upstream: a},\n{host: \"" + std::string{later} + "\", upstream: a}") ==
            "f:4:1: listeners[0].routes[1]: is never reached, expected it before the route in line 3, which takes all "
            "of its "
            "requests\n");
  for (const char* odd : {"*.", "**", "a.*", "*.*.a", ".a", "[::1", "[x]", "a b", "*.[::1]"})
    REQUIRE(with_routes("{host: \"" + std::string{odd} + "\", upstream: a}") ==
            "f:3:8: listeners[0].routes[0].host: is '" + std::string{odd} +
                "', expected a host name without scheme and port, *.NAME or *\n");
  REQUIRE(with_routes("{path: p, upstream: a}") ==
          "f:3:8: listeners[0].routes[0].path: is 'p', expected the beginning of a path such as /api/\n");
  REQUIRE(with_routes("{path: \"/p?x\", upstream: a}") ==
          "f:3:8: listeners[0].routes[0].path: is '/p?x', expected the beginning of a path such as /api/\n");
  REQUIRE(with_routes("") ==
          "f:1:13: warning: upstreams.a: is not named by any route\n"
          "f:2:43: listeners[0].routes: is an empty list, expected one route at least\n");
  REQUIRE(with_routes("{host: x}") ==
          "f:1:13: warning: upstreams.a: is not named by any route\n"
          "f:3:1: listeners[0].routes[0].upstream: is missing, expected a text\n");
}

TEST_CASE("A listener is reverse or forward, not both", "[config]") {
  REQUIRE(problems("upstreams: {a: {servers: [\"http://a\"]}}\n"
                   "listeners: [{bind: \"127.0.0.1:1\", routes: [{upstream: a}], forward: {}}]") ==
          "f:2:60: listeners[0].forward: stands beside routes, expected a listener of its own for each\n");
}

TEST_CASE("No two listeners share an address, nor does the admin endpoint", "[config]") {
  REQUIRE(problems("listeners:\n- {bind: \"127.0.0.1:1\", forward: {}}\n- {bind: \"127.0.0.1:1\", forward: {}}\n") ==
          "f:3:10: listeners[1].bind: is 127.0.0.1:1 like that of listeners[0], expected another one\n");
  REQUIRE(problems("listeners:\n- {bind: \"[::1]:9\", forward: {}}\nadmin: {bind: \"[0::1]:9\"}\n") ==
          "f:3:15: admin.bind: is [::1]:9 like that of listeners[0], expected another one\n");
  REQUIRE(problems("listeners:\n- {bind: \"127.0.0.1:9180\", forward: {}}\n") ==
          "f: admin.bind: is 127.0.0.1:9180 like that of listeners[0], expected another one\n");
  REQUIRE(problems("listeners:\n- {bind: \"127.0.0.1:9180\", forward: {}}\nadmin: off") == "");
  REQUIRE(problems("listeners:\n- {bind: \"127.0.0.1:0\", forward: {}}\n- {bind: \"127.0.0.1:0\", forward: {}}\n") ==
          "");
  REQUIRE(problems("listeners:\n- {bind: \"127.0.0.1:1\", forward: {}}\n- {bind: \"[::1]:1\", forward: {}}\n") == "");
}

TEST_CASE("An upstream has a plain name, servers, and a Host that is meant", "[config]") {
  const auto with_upstream = [](std::string_view upstream) {
    return problems("listeners: [{bind: \"127.0.0.1:1\", routes: [{upstream: a}]}]\nupstreams:\n  " +
                    std::string{upstream});
  };
  REQUIRE(with_upstream("a: {servers: [\"http://a\"], host: example.com:8080}") == "");
  REQUIRE(with_upstream("a: {}") ==
          "f:3:6: upstreams.a.servers: is missing, expected a list such as [\"http://127.0.0.1:8000\"]\n");
  REQUIRE(with_upstream("a: {servers: []}") ==
          "f:3:16: upstreams.a.servers: is an empty list, expected a list such as [\"http://127.0.0.1:8000\"]\n");
  REQUIRE(with_upstream("a: {servers: \"http://a\"}") ==
          "f:3:16: upstreams.a.servers: is 'http://a', expected a list such as [\"http://127.0.0.1:8000\"]\n");
  REQUIRE(with_upstream("a: {servers: [\"http://a/app\"]}") ==
          "f:3:17: upstreams.a.servers[0]: is 'http://a/app', but a server has no path, expected http://HOST or "
          "http://HOST:PORT\n");
  REQUIRE(with_upstream("a: {servers: [\"http://a\"], host: \"a b\"}") ==
          "f:3:36: upstreams.a.host: is 'a b', expected keep, server or a host name\n");
  REQUIRE(with_upstream("a: {servers: [\"http://a\"], host: servers}") ==
          "f:3:36: warning: upstreams.a.host: sends the Host 'servers' itself, did you mean 'server'?\n");
  REQUIRE(with_upstream("a: {servers: [\"http://a\"]}\n  \"b c\": {servers: [\"http://a\"]}") ==
          "f:4:3: upstreams.b c: is no name, expected up to 64 letters, digits, '-' and '_'\n"
          "f:4:3: warning: upstreams.b c: is not named by any route\n");
}

TEST_CASE("A forward proxy that lets the world into private networks is warned about, on loopback it is not",
          "[config]") {
  const auto open = load("listeners: [{bind: \"0.0.0.0:1\", forward: {allow_private: true}}]");
  REQUIRE(open.good());
  REQUIRE(open.problems.size() == 1);
  REQUIRE(to_string(open.problems[0]) ==
          "f:1:42: warning: listeners[0].forward.allow_private: lets everybody who reaches 0.0.0.0:1 into your private "
          "networks");
  REQUIRE(load("listeners: [{bind: \"127.0.0.1:1\", forward: {allow_private: true}}]").problems.empty());
  REQUIRE(load("listeners: [{bind: \"[::1]:1\", forward: {allow_private: true}}]").problems.empty());
}

TEST_CASE("A forward listener may ask for credentials, and needs a file for them", "[config][auth]") {
  const auto with = [](const std::string& auth) { return "listeners: [{bind: \"127.0.0.1:3128\", forward: {auth: " + auth + "}}]\n"; };
  REQUIRE_FALSE(load("listeners: [{bind: \"127.0.0.1:3128\", forward: {}}]\n").settings.listeners[0].forward->auth);
  const auto text = with("{realm: office, users: /u, digest_users: /d, required: false, remember: 0s, tarpit_after: 1}");
  REQUIRE(problems(text) == "");
  const auto settings = load(text).settings;
  const AuthSettings& auth = *settings.listeners[0].forward->auth;
  REQUIRE(auth.realm == "office");
  REQUIRE(auth.users == "/u");
  REQUIRE(auth.digest_users == "/d");
  REQUIRE_FALSE(auth.required);
  REQUIRE(auth.remember == Milliseconds(0));
  REQUIRE(auth.tarpit_after == 1);
  REQUIRE(problems(with("{users: /u}")) == "");
  REQUIRE(problems(with("{realm: office}")) ==
          "f:1:54: listeners[0].forward.auth: has neither users nor digest_users, expected the path of a file for one of them\n");
  REQUIRE(problems(with("{users: off}")).find("neither") != std::string::npos);
  REQUIRE(problems(with("{}")).find("neither") != std::string::npos);
  REQUIRE(problems(with("yes")).find("expected settings") != std::string::npos);
  REQUIRE(problems(with("{users: /u, realm: \"a:b\"}")).find("expected up to 128 printable ASCII characters") != std::string::npos);
  REQUIRE(problems(with("{users: /u, tarpit_after: 0}")).find("from 1 to 1000") != std::string::npos);
  REQUIRE(problems(with("{user: /u}")).find("did you mean 'users'?") != std::string::npos);
}

TEST_CASE("Environment variables are put into values, and missing ones are errors", "[config]") {
  const std::map<std::string, std::string> variables{
      {"SIZE", "1GiB"}, {"EMPTY", ""}, {"HOST", "127.0.0.1"}, {"A_1", "${SIZE}"}};
  const Environment environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return {};
    return found->second;
  };
  const auto path_from = [&](std::string_view text) {
    return load_text(good_with("access_log: {path: \"" + std::string{text} + "\"}"), "f", environment)
        .settings.access_log.path;
  };
  REQUIRE(path_from("${HOST}") == "127.0.0.1");
  REQUIRE(path_from("a${HOST}b${SIZE}c") == "a127.0.0.1b1GiBc");
  REQUIRE(path_from("${NONE:-x}") == "x");
  REQUIRE(path_from("${EMPTY:-x}") == "x");
  REQUIRE(path_from("${HOST:-x}") == "127.0.0.1");
  REQUIRE(path_from("a${EMPTY}") == "a");
  REQUIRE(path_from("a${NONE:-}") == "a");
  REQUIRE(path_from("${NONE:-$x}") == "$x");
  REQUIRE(path_from("$$") == "$");
  REQUIRE(path_from("$${HOST}") == "${HOST}");
  REQUIRE(path_from("$$$${HOST}") == "$${HOST}");
  REQUIRE(path_from("$HOST$") == "$HOST$");
  REQUIRE(path_from("${A_1}") == "${SIZE}");  // once only

  REQUIRE(load_text(good_with("cache:\n  max_size: ${SIZE}"), "f", environment).settings.cache.max_size == 1ULL << 30);
  REQUIRE(problems(good_with("cache:\n  max_size: ${NONE:-2GiB}"), environment) == "");
  REQUIRE(problems(good_with("access_log:\n  path: ${NONE}"), environment) ==
          "f:3:9: access_log.path: the environment variable NONE is not set, expected it to be, or ${NONE:-default}\n"
          "f:3:9: access_log.path: is empty, expected a text\n");
  REQUIRE(problems(good_with("access_log: {path: \"x${SIZE\"}"), environment) ==
          "f:2:20: access_log.path: has '${' without '}', expected ${NAME} ($$ is a dollar)\n");
  for (const char* name : {"", "1A", "A-B", "A B", ":-x"}) {
    INFO(name);
    REQUIRE(problems(good_with("access_log: {path: \"x${" + std::string{name} + "}\"}"), environment) ==
            "f:2:20: access_log.path: has '${" + std::string{name} +
                "}', expected ${NAME} or ${NAME:-default} ($$ is a dollar)\n");
  }
  const Environment huge = [](const std::string&) { return std::string(40'000, 'x'); };
  REQUIRE(problems(good_with("access_log: {path: \"${A}${A}\"}"), huge).find("longer than 64 KiB") !=
          std::string::npos);
}

TEST_CASE("The variables of the process are found", "[config]") {
  REQUIRE(process_environment("PATH"));
  REQUIRE_FALSE(process_environment("FRESHET_NO_SUCH_VARIABLE"));
}

TEST_CASE("Keys stand once", "[config]") {
  REQUIRE(problems(good_with("cache:\n  max_size: 1GiB\n  enabled: true\n  max_size: 2GiB\n")) ==
          "f:5:3: cache.max_size: stands here again, expected once (first in line 3)\n");
  REQUIRE(problems(good_with("workers: 1\n\"workers\": 2\n")) ==
          "f:3:1: workers: stands here again, expected once (first in line 2)\n");
}

TEST_CASE("What is not YAML is reported with its place and without an exception", "[config]") {
  const struct {
    const char* yaml;
    const char* begins;
  } rows[] = {{"listeners: [", "f:1:1: this is not YAML: "},
              {"a: b: c", "f:1:5: this is not YAML: "},
              {"a:\n\t- b", "f:2:"},
              {"\"abc", "f:1:"},
              {"a: \"\\q\"", "f:1:"},
              {"}", "f:1:1: this is not YAML: "},
              {"%YAML 9.9\n---\na: b", "f:1:1: "},
              {"a: 1\n---\nb: 2\n", "f: there is a second YAML document, expected one"},
              {"? [a]\n: b", "f:1:3: has a list or a map as key"},
              {"? {a: b}\n: b", "f:1:3: has a list or a map as key"},
              {": b", "f:1:1: has an empty key"},
              {"~: b", "f:1:1: has an empty key"},
              {"a: &x 1\nb: *x", "f:1:4: a: has an anchor"},
              {"a: [&x {b: 1}]", "f:1:5: a: has an anchor"},
              {"a: *x", "f:1:4: "},
              {"a: !!int 1", "f:1:4: a: has the tag 'tag:yaml.org,2002:int'"},
              {"a: !mine {b: c}", "f:1:4: a: has the tag '!mine'"}};
  for (const auto& row : rows) {
    INFO(row.yaml);
    const auto found = problems(row.yaml);
    INFO(found);
    REQUIRE(found.starts_with(row.begins));
    REQUIRE_FALSE(load(row.yaml).good());
  }
}

TEST_CASE("What is most often meant where it is not YAML is said", "[config]") {
  REQUIRE(problems("hosts: [*.example.com]").ends_with(" (a value that begins with * or & stands in quotes)\n"));
  REQUIRE(problems("a: 1\nlisteners:\n\t- bind: x\n").ends_with(" (indented with spaces: this line has a tab)\n"));
  REQUIRE(problems("listeners: [").ends_with("expected 'key: value' lines\n"));
}

TEST_CASE("Files made to take memory or time are refused early", "[config]") {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c <= 'z'; ++c) {
    bomb += std::string{c} + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) bomb += std::string{"*"} + static_cast<char>(c - 1) + ',';
    bomb += "]\n";
  }
  REQUIRE(problems(bomb).find("has an anchor") != std::string::npos);

  for (const char* open : {"[", "{a: ", "- ", "a:\n  b: [", "? "}) {
    std::string deep;
    while (deep.size() < 200'000) deep += open;
    INFO(open);
    REQUIRE_FALSE(load(deep).good());
  }
  REQUIRE(problems("a: " + std::string(15, '[') + "x" + std::string(15, ']')).find("too deep") == std::string::npos);
  REQUIRE(problems("a: " + std::string(16, '[') + "x" + std::string(16, ']')).find("too deep") != std::string::npos);

  std::string many = "a: [";
  for (int i = 0; i < 10'000; ++i) many += "1,";
  REQUIRE(problems(many + "]").find("expected at most 10000 values") != std::string::npos);

  REQUIRE(problems(std::string((1 << 20) + 1, '#')) == "f: the file is larger than 1MiB, expected a configuration\n");
  REQUIRE(problems(std::string(1 << 20, '#')) ==
          "f: listeners: is missing, expected a list (`- bind: ADDRESS:PORT`)\n");
}

TEST_CASE("A flood of mistakes is cut", "[config]") {
  std::string yaml = good_with("");
  for (int i = 0; i < 1000; ++i) yaml += "zzzzzzzz" + std::to_string(i) + ": 1\n";
  const auto result = load(yaml);
  REQUIRE(result.problems.size() == 201);
  REQUIRE_FALSE(result.good());
}

TEST_CASE("A file cut anywhere gives settings or problems, never a crash", "[config]") {
  for (std::size_t size = 0; size < kWhole.size(); ++size) {
    const auto result = load(kWhole.substr(0, size));
    if (result.good()) REQUIRE_FALSE(result.settings.listeners.empty());
  }
}

TEST_CASE("A file that cannot be read is a problem, not an exception", "[config]") {
  const auto missing = load_file("/nonexistent/freshet.yaml");
  REQUIRE(missing.problems.size() == 1);
  REQUIRE(to_string(missing.problems[0]) ==
          "/nonexistent/freshet.yaml: cannot be opened (No such file or directory), expected a readable file");
  const auto directory = load_file("/");
  REQUIRE(to_string(directory.problems.at(0)) == "/: is a directory, expected a file");
}

TEST_CASE("When fills go on without readers can be set", "[config]") {
  const auto s = load(good_with("cache: {finish_fill_left: 0, finish_fill_percent: 100}")).settings;
  REQUIRE(s.cache.finish_fill_left == 0);
  REQUIRE(s.cache.finish_fill_percent == 100);
  REQUIRE(load(good_with("")).settings.cache.finish_fill_left == 16ULL << 20);
  REQUIRE(problems(good_with("cache: {finish_fill_percent: 101}")) != "");
}
