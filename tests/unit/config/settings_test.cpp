#include "freshet/config/settings.hpp"

#include <catch2/catch.hpp>

using namespace freshet;

TEST_CASE("The defaults of the table are what the structs begin with", "[config]") {
  const Settings settings;
  REQUIRE(settings.cache.enabled);
  REQUIRE(settings.cache.max_size == 256ULL << 20);
  REQUIRE(settings.cache.max_object_size == 64ULL << 20);
  REQUIRE(settings.cache.heuristic_percent == 10);
  REQUIRE(settings.cache.heuristic_max == Milliseconds{86'400'000});
  REQUIRE(settings.cache.set_cookie == SetCookieRule::Bypass);
  REQUIRE(settings.cache.stale_if_error == Milliseconds{0});
  REQUIRE(settings.cache.targets.names == std::vector<std::string>{"CDN-Cache-Control"});
  REQUIRE(settings.admin);
  REQUIRE(to_string(settings.admin->bind) == "127.0.0.1:9180");
  REQUIRE(settings.access_log.path == "stdout");
  REQUIRE(settings.access_log.format == LogFormat::Combined);
  REQUIRE(settings.log.level == LogLevel::Info);
  REQUIRE_FALSE(settings.workers);
  REQUIRE(settings.shutdown_grace == Milliseconds{30'000});
  REQUIRE(settings.via == "freshet");
  REQUIRE(settings.limits.request_body == 0);
  const ForwardSettings forward;
  REQUIRE(forward.connect_ports == std::vector<std::uint16_t>{443});
  REQUIRE(forward.allow_private == PrivateAccess{});
  const RouteSettings route;
  REQUIRE(route.host == "*");
  REQUIRE(route.path == "/");
}

TEST_CASE("No timeout and no limit is zero by default, but for the body that is streamed", "[config]") {
  const Settings settings;
#define TIMEOUT_SETTING(type, name, fallback, low, high, help) \
  INFO(#name);                                                 \
  REQUIRE(settings.timeouts.name > Milliseconds{0});
#include "freshet/config/settings.def"
#define LIMIT_SETTING(type, name, fallback, low, high, help) \
  INFO(#name);                                               \
  REQUIRE((settings.limits.name > 0) == (std::string_view{#name} != "request_body"));
#include "freshet/config/settings.def"
}

TEST_CASE("Every default and every bound of the table is a value of its own type and within its range", "[config]") {
  Settings settings;
  const auto in_order = [&](const std::string& path, const char* fallback, const char* low, const char* high) {
    INFO(path);
    REQUIRE(set(settings, path, fallback) == "");
    if (*low) REQUIRE(set(settings, path, low) == "");
    if (*high) REQUIRE(set(settings, path, high) == "");
    REQUIRE(set(settings, path, "no such value: \x01") != "");
  };
#define ROOT_SETTING(type, name, fallback, low, high, help) \
  if (std::string_view{#name} != "via") in_order(#name, fallback, low, high);
#define CACHE_SETTING(type, name, fallback, low, high, help) in_order("cache." #name, fallback, low, high);
#define ADMIN_SETTING(type, name, fallback, low, high, help) in_order("admin." #name, fallback, low, high);
#define LOG_SETTING(type, name, fallback, low, high, help) in_order("log." #name, fallback, low, high);
#define TIMEOUT_SETTING(type, name, fallback, low, high, help) in_order("timeouts." #name, fallback, low, high);
#define LIMIT_SETTING(type, name, fallback, low, high, help) in_order("limits." #name, fallback, low, high);
#include "freshet/config/settings.def"
}

TEST_CASE("One setting can be set by its path, as the command line does", "[config]") {
  Settings settings;
  REQUIRE(set(settings, "cache.max_size", "1GiB") == "");
  REQUIRE(settings.cache.max_size == 1ULL << 30);
  REQUIRE(set(settings, "workers", "3") == "");
  REQUIRE(settings.workers == 3U);
  REQUIRE(set(settings, "workers", "auto") == "");
  REQUIRE_FALSE(settings.workers);
  REQUIRE(set(settings, "access_log.path", "off") == "");
  REQUIRE(settings.access_log.path == "off");
  REQUIRE(set(settings, "admin.bind", "off") == "");
  REQUIRE_FALSE(settings.admin);
  REQUIRE(set(settings, "admin.bind", "[::1]:0") == "");
  REQUIRE(settings.admin->bind == AdminBind{{"::1", 0}, {}});
  REQUIRE(set(settings, "cache.set_cookie", "store") == "");
  REQUIRE(settings.cache.set_cookie == SetCookieRule::Store);
  REQUIRE(set(settings, "cache.set_cookie", "Store") == "is 'Store', expected bypass or store");
  REQUIRE(set(settings, "cache.stale_if_error", "1h") == "");
  REQUIRE(settings.cache.stale_if_error == Milliseconds{3'600'000});
  REQUIRE(set(settings, "cache.targets", "[A-Cache-Control, Surrogate-Control]") == "");
  REQUIRE(settings.cache.targets.names == std::vector<std::string>{"A-Cache-Control", "Surrogate-Control"});
  REQUIRE(set(settings, "cache.targets", "[]") == "");
  REQUIRE(settings.cache.targets.names.empty());
  REQUIRE(set(settings, "cache.targets", "[A") != "");
  REQUIRE(set(settings, "workers", "0") == "is '0', expected a whole number or auto from 1 to 1024");
  REQUIRE(set(settings, "cache.max_size", "1GiBs") ==
          "is '1GiBs', expected a size such as 256MiB, 64KiB or 1000 from 1MiB to 16TiB");
  for (const char* path : {"", ".", "cache", "cache.", "cache.max", "nothing.bind", "listeners", "workers.x"})
    REQUIRE(set(settings, path, "1") != "");
}

TEST_CASE("An object larger than the whole cache cannot be promised", "[config]") {
  Settings settings;
  REQUIRE(set(settings, "cache.max_size", "2MiB") == "");
  REQUIRE(settings.cache.max_object_size == 2ULL << 20);
}

TEST_CASE("An address to listen on is an IP literal with a port", "[config]") {
  const struct {
    const char* text;
    const char* canonical;  // null: refused
  } rows[] = {{"127.0.0.1:3128", "127.0.0.1:3128"},
              {"0.0.0.0:0", "0.0.0.0:0"},
              {"[::1]:8080", "[::1]:8080"},
              {"[::]:65535", "[::]:65535"},
              {"[2001:DB8:0:0:0:0:0:1]:80", "[2001:db8::1]:80"},
              {"[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80"},
              {"127.0.0.1:080", "127.0.0.1:80"},
              {"", nullptr},
              {":", nullptr},
              {":80", nullptr},
              {"127.0.0.1", nullptr},
              {"10.0.0.0", nullptr},
              {"127.0.0.1:", nullptr},
              {"127.0.0.1:65536", nullptr},
              {"127.0.0.1:-1", nullptr},
              {"127.0.0.1:80 ", nullptr},
              {"127.0.0.1:80x", nullptr},
              {"127.1:80", nullptr},
              {"127.0.0.256:80", nullptr},
              {"localhost:80", nullptr},
              {"::1:80", nullptr},
              {"[::1]", nullptr},
              {"[::1", nullptr},
              {"[::1]80", nullptr},
              {"[127.0.0.1]:80", nullptr},
              {"[fe80::1%eth0]:80", nullptr},
              {"[]:80", nullptr}};
  for (const auto& row : rows) {
    INFO(row.text);
    const auto endpoint = parse_endpoint(row.text);
    REQUIRE(endpoint.has_value() == (row.canonical != nullptr));
    if (endpoint) REQUIRE(to_string(*endpoint) == row.canonical);
  }
}

TEST_CASE("A server is an http URL without path, user, query and fragment", "[config]") {
  const struct {
    const char* text;
    const char* canonical;  // null: refused
    const char* authority;
  } rows[] = {{"http://127.0.0.1:8000", "http://127.0.0.1:8000", "127.0.0.1:8000"},
              {"http://127.0.0.1", "http://127.0.0.1:80", "127.0.0.1"},
              {"http://Example.COM/", "http://example.com:80", "example.com"},
              {"HTTP://example.com.:8080", "http://example.com:8080", "example.com:8080"},
              {"http://[::1]:8000", "http://[::1]:8000", "[::1]:8000"},
              {"http://[::1]", "http://[::1]:80", "[::1]"},
              {"http://my_app-1:9000", "http://my_app-1:9000", "my_app-1:9000"},
              {"http://app.2.internal", "http://app.2.internal:80", "app.2.internal"},
              {"", nullptr, ""},
              {"http://", nullptr, ""},
              {"http:///", nullptr, ""},
              {"http://:80", nullptr, ""},
              {"127.0.0.1:8000", nullptr, ""},
              {"ftp://example.com", nullptr, ""},
              {"https://example.com", nullptr, ""},
              {"http://example.com/app", nullptr, ""},
              {"http://example.com?x", nullptr, ""},
              {"http://example.com#x", nullptr, ""},
              {"http://u:p@example.com", nullptr, ""},
              {"http://example.com:0", nullptr, ""},
              {"http://example.com:", nullptr, ""},
              {"http://example.com:65536", nullptr, ""},
              {"http://example.com:80:80", nullptr, ""},
              {"http://exa mple.com", nullptr, ""},
              {"http://ex\xc3\xa4mple.com", nullptr, ""},
              {"http://a..b", nullptr, ""},
              {"http://.", nullptr, ""},
              {"http://1.2.3", nullptr, ""},
              {"http://1.2.3.256", nullptr, ""},
              {"http://[::1", nullptr, ""},
              {"http://[1.2.3.4]", nullptr, ""}};
  for (const auto& row : rows) {
    INFO(row.text);
    std::string what;
    const auto server = parse_server_url(row.text, what);
    REQUIRE(server.has_value() == (row.canonical != nullptr));
    REQUIRE(what.empty() == server.has_value());
    if (!server) continue;
    REQUIRE(to_string(*server) == row.canonical);
    REQUIRE(authority_of(*server) == row.authority);
    REQUIRE(parse_server_url(to_string(*server), what) == server);
  }
}

TEST_CASE("An https server is refused with the reason", "[config]") {
  std::string what;
  REQUIRE_FALSE(parse_server_url("https://example.com", what));
  REQUIRE(what ==
          "is 'https://example.com', but this version cannot speak TLS to servers yet, expected http://HOST or "
          "http://HOST:PORT");
}

TEST_CASE("A reverse proxy without a file has one upstream for everything", "[config]") {
  std::string what;
  const auto a = *parse_server_url("http://127.0.0.1:8000", what);
  const auto b = *parse_server_url("http://127.0.0.1:8001", what);
  const auto settings = reverse_settings({"127.0.0.1", 8080}, {a, b});
  REQUIRE(settings.listeners.size() == 1);
  REQUIRE_FALSE(settings.listeners[0].forward);
  REQUIRE(settings.listeners[0].routes.size() == 1);
  const auto* upstream = settings.find_upstream(settings.listeners[0].routes[0].upstream);
  REQUIRE(upstream);
  REQUIRE(upstream->servers == std::vector<ServerUrl>{a, b});
  REQUIRE(settings.find_upstream("other") == nullptr);
  REQUIRE(settings.summary() ==
          "1 listener (reverse 127.0.0.1:8080), 1 upstream, cache 256MiB, admin 127.0.0.1:9180, access log stdout");
}

TEST_CASE("A forward proxy without a file refuses private addresses unless told otherwise", "[config]") {
  auto settings = forward_settings({"::1", 3128}, false);
  REQUIRE(settings.listeners.at(0).forward);
  REQUIRE_FALSE(settings.listeners[0].forward->allow_private.all);
  REQUIRE(forward_settings({"::1", 3128}, true).listeners.at(0).forward->allow_private.all);
  settings.admin.reset();
  settings.cache.enabled = false;
  settings.access_log.path = "off";
  REQUIRE(settings.summary() == "1 listener (forward [::1]:3128), 0 upstreams, cache off, admin off, access log off");
}
