// How its workers are placed and woken.
#include <catch2/catch.hpp>
#include <csignal>

#include "process/program.hpp"
#include "support/live_proxy.hpp"

namespace freshet::test {
namespace {

/// "Cpus_allowed_list" of each worker's thread.
std::vector<std::string> processors_of_workers(const Program& program) {
  std::vector<std::string> found;
  for (const auto& status : program.threads())
    if (status.at("Name").starts_with("freshet-w")) found.push_back(status.at("Cpus_allowed_list"));
  return found;
}

TEST_CASE("workers can be pinned, look for events for a while, and be spared silent connections", "[process][workers]") {
  LiveOrigin origin([](const Message&) { return make_response("hello", "Cache-Control: max-age=60\r\n"); });
  Folder folder;
  const std::string yaml = "listeners:\n  - {bind: '127.0.0.1:0', defer_accept: true, routes: [{upstream: o}]}\n"
                           "upstreams: {o: {servers: ['http://127.0.0.1:" + std::to_string(origin.port()) + "']}}\n"
                           "admin: off\naccess_log: off\nworkers: 2\npin_workers: true\nbusy_poll: 100\n";
  Program program(Program::on_file(folder, yaml));
  const std::uint16_t port = program.ports().at(0);
  const auto pinned = processors_of_workers(program);
  CHECK(pinned.size() == 2);
  for (const std::string& list : pinned) CHECK(list.find_first_of(",-") == std::string::npos);
  for (int i = 0; i < 8; ++i) CHECK(Client(port).get("/x").body == "hello");
  CHECK(program.said().find("cannot stay") == std::string::npos);
  program.signal(SIGTERM);
  CHECK(program.end().exit_code == 0);
}

TEST_CASE("workers go where the system puts them, unless they are pinned", "[process][workers]") {
  Program program({"forward", "--listen", "127.0.0.1:0", "--admin", "off", "--access-log", "off", "--workers", "2"});
  program.ports();
  const auto found = processors_of_workers(program);
  REQUIRE(found.size() == 2);
  const auto main = program.threads().front().at("Cpus_allowed_list");
  for (const std::string& list : found) CHECK(list == main);
}

}  // namespace
}  // namespace freshet::test
