// Signals and faults as the whole program meets them.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <sstream>

#include "process/program.hpp"
#include "support/live_proxy.hpp"

namespace freshet::test {
namespace {

std::string reverse_config(std::uint16_t origin, const std::string& more) {
  return "listeners: [{bind: \"127.0.0.1:0\", routes: [{upstream: app}]}]\nupstreams: {app: {servers: "
         "[\"http://127.0.0.1:" +
         std::to_string(origin) + "\"]}}\nworkers: 2\n" + more;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

TEST_CASE("the lines of all requests that were answered are written before it ends", "[process][shutdown]") {
  LiveOrigin origin([](const Message&) { return make_response("hello", "Cache-Control: max-age=60\r\n"); });
  Folder folder;
  const std::string log = folder / "access.log";
  Program program(
      Program::on_file(folder, reverse_config(origin.port(), "admin: off\naccess_log: {path: " + log + "}\n")));
  Client client(program.ports().at(0));
  for (int i = 0; i < 200; ++i) REQUIRE(client.get("/" + std::to_string(i)).status() == 200);
  program.signal(SIGTERM);  // at once: the last lines wait for others to be written together with them
  CHECK(program.end().exit_code == 0);
  const std::string text = read_file(log);
  CHECK(count(text, "\n") == 200);
  CHECK(text.find("GET /199 ") != std::string::npos);
}

TEST_CASE("a second SIGTERM ends it at once, and every request has left a line in the log", "[process][shutdown]") {
  Tally asked;
  LiveOrigin origin(LiveOrigin::Script([&](Wire& wire, std::size_t number) {
    read_request(wire);
    if (number > 0) wire.send("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 10\r\n\r\n01234");
    if (number > 0) return void(wire.more());
    wire.send(make_response("hello", "Cache-Control: no-store\r\n"));
    read_request(wire);
    asked.add();
    wire.more();  // until the proxy goes away
  }));
  Folder folder;
  const std::string log = folder / "access.log";
  Program program(Program::on_file(
      folder, reverse_config(origin.port(), "admin: off\nshutdown_grace: 1h\naccess_log: {path: " + log + ", format: json}\n")));
  Client client(program.ports().at(0)), reader(program.ports().at(0));
  CHECK(client.get("/answered").status() == 200);
  client.send(get_request("/never-answered"));
  asked.wait_for(1);
  reader.send(get_request("/half"));
  CHECK(reader.wire().take_until("01234").ends_with("01234"));
  program.signal(SIGTERM);
  REQUIRE(program.says("stopping: finishing what is in flight, for at most 3600s"));
  program.signal(SIGTERM);
  CHECK(program.end().exit_code == 0);
  CHECK(program.says("second signal: ending at once"));
  CHECK(client.wire().ended());
  std::istringstream lines(read_file(log));
  std::map<std::string, std::string> by_target;
  for (std::string line; std::getline(lines, line);)
    for (const char* target : {"/answered", "/never-answered", "/half"})
      if (line.find(std::string(target) + '"') != std::string::npos) by_target[target] += line;
  REQUIRE(by_target.size() == 3);
  for (const auto& [target, line] : by_target) {
    CAPTURE(target, line);
    CHECK(count(line, "\"reason\"") == 1);  // one line each
    CHECK((line.find("\"reason\":\"draining\"") != std::string::npos) == (target != "/answered"));
    CHECK(line.find(target == "/never-answered" ? "\"status\":503" : "\"status\":200") != std::string::npos);
  }
}

TEST_CASE("SIGPIPE is ignored, and clients that go away early cost nothing but their request", "[process][signals]") {
  const std::string body(4 << 20, 'x');
  LiveOrigin origin([&](const Message&) { return make_response(body, "Cache-Control: max-age=60\r\n"); });
  Folder folder;
  Program program(Program::on_file(folder, reverse_config(origin.port(), "admin: off\naccess_log: off\n")));
  const auto port = program.ports().at(0);
  const auto ignored = std::stoull(program.threads().front().at("SigIgn"), nullptr, 16);
  CHECK((ignored >> (SIGPIPE - 1) & 1) == 1);
  for (int i = 0; i < 10; ++i) {
    Client client(port);
    client.send(get_request("/large"));
    client.wire().take(1000);
    client.wire().abort();
  }
  CHECK(Client(port).get("/large").body.size() == body.size());
  program.signal(SIGTERM);
  CHECK(program.end().exit_code == 0);
}

TEST_CASE("a full disk under the access log costs lines, said once and counted, and no request", "[process][logging]") {
  LiveOrigin origin([](const Message&) { return make_response("hello", "Cache-Control: max-age=60\r\n"); });
  Folder folder;
  Program program(Program::on_file(
      folder, reverse_config(origin.port(), "admin: {bind: \"127.0.0.1:0\"}\naccess_log: {path: /dev/full}\n")));
  const auto ports = program.ports();
  Client client(ports.at(0));
  const std::string wide = "User-Agent: " + std::string(7000, 'u') + "\r\n";
  client.get("/x", wide);
  REQUIRE(
      program.says("cannot write the access log /dev/full: No space left on device; trying again, lines may be lost"));
  for (int i = 0; i < 800; ++i) REQUIRE(client.get("/x", wide).status() == 200);  // 4 MiB of lines are kept
  const Message metrics = Client(ports.at(1)).ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string family = "\nfreshet_access_log_dropped_lines_total ";
  const auto at = metrics.body.find(family);
  REQUIRE(at != std::string::npos);
  CHECK(std::stod(metrics.body.substr(at + family.size())) > 100);
  program.signal(SIGTERM);
  CHECK(program.end().exit_code == 0);
  CHECK(count(program.said(), "/dev/full") == 1);
}

}  // namespace
}  // namespace freshet::test
