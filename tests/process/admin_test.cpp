// The admin pages of the real program: on a Unix socket, and with a token.
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <list>
#include <sstream>
#include <stdexcept>

#include "freshet/app/commands.hpp"
#include "process/program.hpp"
#include "support/live_proxy.hpp"

namespace freshet::test {
namespace {

constexpr const char* kToken = "0123456789abcdef0123456789abcdef";

std::string config_with(const std::string& admin) {
  std::string user = ::geteuid() == 0 ? "user: root\n" : "";
  return "listeners: [{bind: \"127.0.0.1:0\", forward: {}}]\nworkers: 1\naccess_log: off\n" + user + "admin: " + admin +
         "\n";
}

std::string get(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: whatever.example\r\nConnection: close\r\n" + fields + "\r\n";
}

/// A connection to the admin endpoint: on a Unix socket, or without one on a port.
int connect_to(const std::string& path, std::uint16_t port) {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  std::strncpy(local.sun_path, path.c_str(), sizeof local.sun_path - 1);
  sockaddr_in internet{};
  internet.sin_family = AF_INET;
  internet.sin_port = htons(port);
  internet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int made = ::socket(path.empty() ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* to = path.empty() ? reinterpret_cast<const sockaddr*>(&internet) : reinterpret_cast<const sockaddr*>(&local);
  if (::connect(made, to, path.empty() ? sizeof internet : sizeof local) != 0) throw std::runtime_error("cannot connect");
  return made;
}

bool is_healthy(const AdminBind& bind) {
  std::ostringstream out, err;
  return check_health(bind, Milliseconds(30'000), out, err) == 0;
}

TEST_CASE("the admin pages on a Unix socket are for its owner and group", "[process][admin]") {
  Folder folder;
  const std::string socket = folder / "admin.sock";
  const AdminBind bind{{}, socket};
  Program program(Program::on_file(folder, config_with("{bind: \"unix:" + socket + "\"}")));
  REQUIRE(program.ports().size() == 1);
  CHECK(program.says("metrics and health on unix:" + socket));
  struct stat status {};
  REQUIRE(::stat(socket.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0660);
  CHECK(ask_socket(socket, get("/healthz")).starts_with("HTTP/1.1 200"));
  CHECK(ask_socket(socket, get("/metrics")).find("freshet_workers 1\n") != std::string::npos);
  CHECK(is_healthy(bind));
  CHECK(program.said().find("set admin.token_file") == std::string::npos);
  program.signal(SIGTERM);
  CHECK(program.end().exit_code == 0);
  CHECK(::stat(socket.c_str(), &status) != 0);
  CHECK_FALSE(is_healthy(bind));
}

TEST_CASE("a socket that was left behind is replaced, one that is in use and a file are not", "[process][admin]") {
  Folder folder;
  const std::string socket = folder / "admin.sock";
  const auto arguments = Program::on_file(folder, config_with("{bind: \"unix:" + socket + "\"}"));
  {
    Program killed(arguments);
    killed.ports();
    killed.signal(SIGKILL);
    CHECK(killed.end().signal == SIGKILL);
  }
  struct stat status {};
  REQUIRE(::stat(socket.c_str(), &status) == 0);
  Program program(arguments);
  program.ports();
  {
    Program second(arguments);
    CHECK(second.end().exit_code == 1);
    CHECK(second.says("cannot listen on unix:" + socket + ": another process listens there"));
  }
  CHECK(ask_socket(socket, get("/healthz")).starts_with("HTTP/1.1 200"));
  // What stands there by now is not ours to remove.
  REQUIRE(::unlink(socket.c_str()) == 0);
  folder.write("admin.sock", "a file");
  program.signal(SIGTERM);
  CHECK(program.end().exit_code == 0);
  CHECK(read_file(socket) == "a file");
  Program third(arguments);
  CHECK(third.end().exit_code == 1);
  CHECK(third.says("a file that is no socket is there"));
  CHECK(read_file(socket) == "a file");
}

TEST_CASE("with a token file, only who shows the token reads or purges, and health is open", "[process][admin]") {
  Folder folder;
  const std::string secret = folder.write("token", std::string(kToken) + "\n");
  Program program(Program::on_file(folder, config_with("{bind: \"127.0.0.1:0\", token_file: " + secret + "}")));
  const auto port = program.ports().at(1);
  const auto ask = [port](const std::string& request) { return Client(port).ask(request); };
  const std::string right = "Authorization: Bearer " + std::string(kToken) + "\r\n";
  CHECK(is_healthy({{"127.0.0.1", port}, {}}));
  const Message refused = ask(get("/metrics"));
  CHECK(refused.status() == 401);
  CHECK(refused.field("WWW-Authenticate") == "Bearer realm=\"freshet\"");
  CHECK(ask(get("/metrics", "Authorization: Bearer 0123456789abcdef\r\n")).field("WWW-Authenticate") ==
        "Bearer realm=\"freshet\", error=\"invalid_token\"");
  CHECK(ask(get("/metrics", right)).status() == 200);
  CHECK(ask("POST /purge HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").status() == 401);
  CHECK(
      ask("POST /purge HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n" + right + "\r\n").status() ==
      200);
  const Message large =
      ask("POST /purge HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\nConnection: close\r\n" + right + "\r\n");
  CHECK(large.status() == 413);
  CHECK(large.body.find("64 KiB") != std::string::npos);
  CHECK(program.said().find(kToken) == std::string::npos);
}

TEST_CASE("half requests on the admin endpoint do not delay a probe", "[process][admin][P15]") {
  Folder folder;
  const std::string socket = GENERATE(false, true) ? folder / "admin.sock" : "";
  CAPTURE(socket);
  Program program(Program::on_file(folder, config_with("{bind: \"" + (socket.empty() ? "127.0.0.1:0" : "unix:" + socket) + "\"}")));
  const std::uint16_t port = program.ports().back();
  std::list<Wire> half;
  for (int i = 0; i < 300; ++i) {
    half.emplace_back(connect_to(socket, port));
    half.back().send("GET /healthz HTTP/1.1\r\n");
  }
  for (int i = 0; i < 5; ++i) {
    Wire wire(connect_to(socket, port));
    wire.send("GET " + std::string(i % 2 ? "/metrics" : "/healthz") + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    CHECK(wire.take_all().starts_with("HTTP/1.1 200"));
  }
}

TEST_CASE("the token is read before root's rights are given up", "[process][admin]") {
  if (::geteuid() != 0) {
    WARN("left out, because only root can try it");
    return;
  }
  Folder folder;
  const std::string secret = folder.write("token", kToken, 0600);
  const std::string socket = folder / "admin.sock";
  Program program(Program::on_file(
      folder,
      "listeners: [{bind: \"127.0.0.1:0\", forward: {}}]\naccess_log: off\nuser: nobody\nadmin: {bind: \"unix:" +
          socket + "\", token_file: " + secret + "}\n"));
  program.ports();
  CHECK(ask_socket(socket, get("/metrics", "Authorization: bearer " + std::string(kToken) + "\r\n"))
            .starts_with("HTTP/1.1 200"));
  struct stat status {};
  REQUIRE(::stat(socket.c_str(), &status) == 0);
  CHECK(status.st_uid != 0);
  CHECK(status.st_gid != 0);
}

TEST_CASE("admin pages for everybody, and a token that everybody can read, are warned of", "[process][admin]") {
  Folder folder;
  {
    Program program({"forward", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0", "--access-log", "off"});
    CHECK(program.says("whoever reaches 0.0.0.0:0 may read metrics and purge: set admin.token_file"));
  }
  const std::string open = folder.write("token", kToken, 0644);
  Program program(Program::on_file(folder, config_with("{bind: \"0.0.0.0:0\", token_file: " + open + "}")));
  CHECK(program.says("try, twice"));
  CHECK(program.said().find("everybody on this machine can read the token in " + open) != std::string::npos);
  CHECK(program.said().find("set admin.token_file") == std::string::npos);
}

}  // namespace
}  // namespace freshet::test
