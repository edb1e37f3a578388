#include "freshet/app/command_line.hpp"

#include <catch2/catch.hpp>

#include "../../../src/app/banner.hpp"

using namespace freshet;

namespace {

using Words = std::vector<std::string>;

template <typename Wanted>
Wanted parsed(Words words) {
  auto command = parse_command_line(std::move(words));
  if (const auto* print = std::get_if<Print>(&command)) INFO(print->text);
  REQUIRE(std::holds_alternative<Wanted>(command));
  return std::get<Wanted>(std::move(command));
}

Settings settings_of(Words words) { return parsed<RunSettings>(std::move(words)).settings; }

}  // namespace

TEST_CASE("run and check name a file, or take the installed one", "[app]") {
  REQUIRE(parsed<RunFile>({"run"}).path == "/etc/freshet/freshet.yaml");
  REQUIRE(parsed<RunFile>({"run", "-c", "a.yaml"}).path == "a.yaml");
  REQUIRE(parsed<RunFile>({"run", "--config", "a.yaml"}).path == "a.yaml");
  REQUIRE(parsed<RunFile>({"run", "--config=a.yaml"}).path == "a.yaml");
  REQUIRE(parsed<CheckFile>({"check"}).path == "/etc/freshet/freshet.yaml");
  REQUIRE(parsed<CheckFile>({"check", "-c", "a.yaml"}).path == "a.yaml");
  parsed<PrintReference>({"check", "--print-reference"});
}

TEST_CASE("A reverse proxy needs nothing but an origin", "[app]") {
  const auto settings = settings_of({"reverse", "--to", "http://127.0.0.1:8000"});
  REQUIRE(settings.summary() ==
          "1 listener (reverse 127.0.0.1:8080), 1 upstream, cache 256MiB, admin 127.0.0.1:9180, access log stdout");
  REQUIRE(settings.upstreams[0].servers == std::vector<ServerUrl>{{"http", "127.0.0.1", 8000}});
}

TEST_CASE("--to may be repeated", "[app]") {
  const auto settings = settings_of({"reverse", "--to", "http://a", "--listen", "[::1]:0", "--to", "http://b:81"});
  REQUIRE(settings.upstreams[0].servers == std::vector<ServerUrl>{{"http", "a", 80}, {"http", "b", 81}});
  REQUIRE(settings.listeners[0].bind == Endpoint{"::1", 0});
}

TEST_CASE("A forward proxy needs nothing", "[app]") {
  REQUIRE(settings_of({"forward"}).summary() ==
          "1 listener (forward 127.0.0.1:3128), 0 upstreams, cache 256MiB, admin 127.0.0.1:9180, access log stdout");
  REQUIRE_FALSE(settings_of({"forward"}).listeners[0].forward->allow_private.all);
  REQUIRE(settings_of({"forward", "--allow-private"}).listeners[0].forward->allow_private.all);
}

TEST_CASE("A forward proxy asks for passwords when it is given users", "[app][auth]") {
  REQUIRE_FALSE(settings_of({"forward"}).listeners[0].forward->auth);
  const auto settings = settings_of({"forward", "--users", "/etc/freshet/users"});
  REQUIRE(settings.listeners[0].forward->auth->users == "/etc/freshet/users");
  REQUIRE(settings.listeners[0].forward->auth->required);
  REQUIRE(banner_text(settings, {3128}, 0, 1, "x").find("--proxy-user NAME http://example.com/") != std::string::npos);
  REQUIRE(banner_text(settings_of({"forward"}), {3128}, 0, 1, "x").find("--proxy-user") == std::string::npos);
  REQUIRE(parsed<Print>({"reverse", "--to", "http://a", "--users", "x"}).exit_code == 2);
  REQUIRE(parsed<Print>({"forward", "--users", "off"}).exit_code == 2);
}

TEST_CASE("reverse and forward take the same further options", "[app]") {
  for (const Words& begin : {Words{"reverse", "--to", "http://a"}, Words{"forward"}}) {
    Words words = begin;
    for (const char* word : {"--listen", "0.0.0.0:81", "--admin", "off", "--cache-size", "8GiB", "--workers", "3",
                             "--access-log", "/tmp/a.log", "--log-level", "debug", "--user", "nobody"})
      words.emplace_back(word);
    const auto settings = settings_of(words);
    REQUIRE(settings.listeners[0].bind == Endpoint{"0.0.0.0", 81});
    REQUIRE_FALSE(settings.admin);
    REQUIRE(settings.cache.max_size == 8ULL << 30);
    REQUIRE(settings.workers == 3U);
    REQUIRE(settings.access_log.path == "/tmp/a.log");
    REQUIRE(settings.log.level == LogLevel::Debug);
    REQUIRE(settings.user == "nobody");
  }
  REQUIRE(settings_of({"forward", "--admin", "[::1]:9"}).admin->bind == AdminBind{{"::1", 9}, {}});
  REQUIRE(settings_of({"forward", "--admin", "unix:/run/a.sock"}).admin->bind == AdminBind{{}, "/run/a.sock"});
  REQUIRE(settings_of({"forward", "--access-log=off"}).access_log.path == "off");
  REQUIRE_FALSE(settings_of({"forward", "--workers", "auto"}).workers);
}

TEST_CASE("healthcheck asks the default admin address or the one given", "[app]") {
  REQUIRE(parsed<CheckHealth>({"healthcheck"}).admin == AdminBind{{"127.0.0.1", 9180}, {}});
  REQUIRE(parsed<CheckHealth>({"healthcheck", "--admin", "[::1]:99"}).admin == AdminBind{{"::1", 99}, {}});
  REQUIRE(parsed<CheckHealth>({"healthcheck", "--admin", "unix:/a"}).admin == AdminBind{{}, "/a"});
}

TEST_CASE("hash-password wants a user", "[app]") {
  REQUIRE(parsed<HashPassword>({"hash-password", "alice"}).user == "alice");
  REQUIRE(parsed<HashPassword>({"hash-password", "alice"}).method == "bcrypt");
  REQUIRE(parsed<HashPassword>({"hash-password", "alice", "--method", "sha512"}).method == "sha512");
  REQUIRE(parsed<HashPassword>({"hash-password", "--realm", "office", "alice"}).realm == "office");
  REQUIRE(parsed<Print>({"hash-password"}).exit_code == 2);
  REQUIRE(parsed<Print>({"hash-password", "alice", "--method", "md5"}).exit_code == 2);
}

TEST_CASE("version and help go to stdout with exit code 0", "[app]") {
  REQUIRE(parsed<Print>({"version"}).text.starts_with("freshet "));
  REQUIRE(parsed<Print>({"version"}).exit_code == 0);
  REQUIRE(parsed<Print>({"--version"}).text == parsed<Print>({"version"}).text);
  const auto help = parsed<Print>({"--help"});
  REQUIRE(help.exit_code == 0);
  for (const char* word : {"run", "check", "version", "healthcheck", "reverse", "forward", "Examples:", "Exit codes"}) {
    INFO(word);
    REQUIRE(help.text.find(word) != std::string::npos);
  }
  REQUIRE(parsed<Print>({"-h"}).text == help.text);
  for (const char* command : {"reverse", "forward"}) {
    const auto own = parsed<Print>({command, "--help"});
    REQUIRE(own.exit_code == 0);
    REQUIRE(own.text.find("Usage: freshet " + std::string{command}) != std::string::npos);
    for (const char* word :
         {"--listen", "--admin", "--cache-size", "--workers", "--access-log", "--log-level", "Examples:"}) {
      INFO(word);
      REQUIRE(own.text.find(word) != std::string::npos);
    }
  }
  REQUIRE(parsed<Print>({"check", "--help"}).text.find("--config") != std::string::npos);
}

TEST_CASE("A usage error is one clear line with exit code 2", "[app]") {
  const struct {
    Words words;
    const char* contains;
  } rows[] = {
      {{}, "there is no command, expected run, reverse"},
      {{"sing"}, "'sing' is not a command, expected run"},
      {{""}, "'' is not a command"},
      {{"--loud"}, "--loud"},
      {{"run", "--loud"}, "--loud"},
      {{"run", "extra"}, "extra"},
      {{"run", "-c"}, "--config"},
      {{"reverse"}, "--to is required"},
      {{"reverse", "--to"}, "--to"},
      {{"reverse", "--to", "https://a"}, "--to: is 'https://a', but this version cannot speak TLS to servers yet"},
      {{"reverse", "--to", "a:80"}, "--to: is 'a:80', which has no scheme, expected http://HOST"},
      {{"reverse", "--to", "http://a", "http://b"}, "http://b"},
      {{"reverse", "--to", "http://a", "--allow-private"}, "--allow-private"},
      {{"forward", "--to", "http://a"}, "--to"},
      {{"forward", "--listen", "3128"}, "--listen: is '3128', expected ADDRESS:PORT"},
      {{"forward", "--listen", "localhost:3128"}, "--listen: is 'localhost:3128'"},
      {{"forward", "--listen", "127.0.0.1:70000"}, "--listen: is '127.0.0.1:70000'"},
      {{"forward", "--listen", ""}, "--listen"},
      {{"forward", "--listen", "127.0.0.1:9180"}, "--listen: is 127.0.0.1:9180 like --admin"},
      {{"forward", "--admin", "on"}, "--admin: is 'on', expected ADDRESS:PORT"},
      {{"forward", "--cache-size", "big"}, "--cache-size: is 'big', expected a size"},
      {{"forward", "--cache-size", "1KiB"}, "from 1MiB to 16TiB"},
      {{"forward", "--workers", "0"}, "--workers: is '0', expected a whole number or auto from 1 to 1024"},
      {{"forward", "--log-level", "loud"}, "--log-level: is 'loud', expected debug, info, warn, error or off"},
      {{"healthcheck", "--admin", "unix:a"}, "--admin: is 'unix:a', expected ADDRESS:PORT such as 127.0.0.1:9180, or unix:/PATH"},
      {{"healthcheck", "--admin", "off"}, "--admin: is 'off', expected ADDRESS:PORT"}};
  for (const auto& row : rows) {
    INFO(row.contains);
    const auto print = parsed<Print>(row.words);
    INFO(print.text);
    REQUIRE(print.exit_code == 2);
    REQUIRE(print.text.starts_with("freshet: "));
    REQUIRE(print.text.find(row.contains) != std::string::npos);
    REQUIRE(print.text.find('\n') == print.text.size() - 1);
    REQUIRE(print.text.find("--help')") != std::string::npos);
  }
}
