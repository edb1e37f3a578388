// Started as root, it gives up root's rights. Without root there is nothing to give up: then these say so and do
// nothing.
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "process/program.hpp"
#include "support/live_proxy.hpp"

namespace freshet::test {
namespace {

bool is_root(const char* what) {
  if (::geteuid() == 0) return true;
  WARN("left out, because only root can try it: " << what);
  return false;
}

std::string config_with(const std::string& more) {
  return "listeners: [{bind: \"127.0.0.1:0\", forward: {}}]\nworkers: 2\n" + more;
}

std::string four(std::uint64_t id) {
  const std::string one = std::to_string(id);
  return one + '\t' + one + '\t' + one + '\t' + one;
}

TEST_CASE("started as root with a user, every thread is that user, for good and without capabilities",
          "[process][privileges]") {
  if (!is_root("giving up its rights")) return;
  const passwd nobody = *::getpwnam("nobody");
  Folder folder;
  Program program(
      Program::on_file(folder, config_with("admin: {bind: \"127.0.0.1:0\"}\nuser: nobody\naccess_log: off\n")));
  REQUIRE(program.ports().size() == 2);
  const auto threads = program.threads();
  CHECK(threads.size() >= 4);  // main, two workers, admin, and those that look up names
  for (const auto& status : threads) {
    CAPTURE(status.at("Name"));
    CHECK(status.at("Uid") == four(nobody.pw_uid));
    CHECK(status.at("Gid") == four(nobody.pw_gid));
    CHECK(status.at("Groups") == "");
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) CHECK(status.at(set) == "0000000000000000");
    CHECK(status.at("NoNewPrivs") == "1");
  }
  CHECK(program.said().find("running as root") == std::string::npos);
  // It can still look at itself, for its metrics, which nobody else of that user can.
  Client client(program.ports().at(1));
  const Message metrics = client.ask("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
  CHECK(metrics.status() == 200);
  CHECK(metrics.body.find("process_open_fds 0\n") == std::string::npos);
  CHECK(metrics.body.find("process_resident_memory_bytes 0\n") == std::string::npos);
  struct stat own {};
  REQUIRE(::stat(("/proc/" + std::to_string(program.id()) + "/environ").c_str(), &own) == 0);
  CHECK(own.st_uid == 0);  // not dumpable
  program.signal(SIGTERM);
  CHECK(program.end().exit_code == 0);
}

TEST_CASE("a capability that the service manager gave is given up once the ports are open", "[process][privileges]") {
  constexpr const char* kSetpriv = "/usr/bin/setpriv";
  if (!is_root("giving a capability to another user") || ::access(kSetpriv, X_OK) != 0) return;
  Program program({kSetpriv,         "--reuid",
                   "65534",          "--regid",
                   "65534",          "--clear-groups",
                   "--inh-caps",     "+net_bind_service",
                   "--ambient-caps", "+net_bind_service",
                   kProgram,         "forward",
                   "--listen",       "127.0.0.1:0",
                   "--admin",        "off",
                   "--access-log",   "off",
                   "--user",         "nobody"});
  program.ports();
  CHECK(program.said().find("not started as root: the settings user and group have no effect") != std::string::npos);
  for (const auto& status : program.threads()) {
    CHECK(status.at("Uid") == four(65534));
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) CHECK(status.at(set) == "0000000000000000");
    CHECK(status.at("NoNewPrivs") == "1");
  }
}

TEST_CASE("group takes the place of the user's own", "[process][privileges]") {
  if (!is_root("giving up its rights")) return;
  Folder folder;
  Program program(
      Program::on_file(folder, config_with("admin: off\nuser: 4000000\ngroup: 4000001\naccess_log: off\n")));
  program.ports();
  for (const auto& status : program.threads()) {
    CHECK(status.at("Uid") == four(4000000));
    CHECK(status.at("Gid") == four(4000001));
  }
}

TEST_CASE("root that stays root is warned of, unless it is meant", "[process][privileges]") {
  if (!is_root("staying root")) return;
  Folder folder;
  {
    Program program(Program::on_file(folder, config_with("admin: off\naccess_log: off\n")));
    program.ports();
    CHECK(program.said().find("running as root: set user to give up its rights") != std::string::npos);
    for (const auto& status : program.threads()) CHECK(status.at("NoNewPrivs") == "1");
  }
  Program program(Program::on_file(folder, config_with("admin: off\naccess_log: off\nuser: root\n")));
  program.ports();
  CHECK(program.said().find("running as root") == std::string::npos);
  CHECK(program.threads().front().at("Uid") == four(0));
}

TEST_CASE("a user that does not exist ends the start, with its place in the file or the option",
          "[process][privileges]") {
  Folder folder;
  Program on_file(Program::on_file(folder, config_with("user: no-such-user\n")));
  CHECK(on_file.end().exit_code == 2);
  CHECK(on_file.says("freshet.yaml:3:7: user: is 'no-such-user', which is no user of this machine"));
  if (!is_root("the option")) return;
  Program by_option({"forward", "--listen", "127.0.0.1:0", "--admin", "off", "--user", "no-such-user"});
  CHECK(by_option.end().exit_code == 1);
  CHECK(by_option.says("user is 'no-such-user', which is no user of this machine"));
}

TEST_CASE("users that the user may not read end the start as a mistake in the configuration", "[process][privileges]") {
  if (!is_root("a file of root's")) return;
  Folder folder;
  const std::string users = folder.write("users", "alice:$6$salt$" + std::string(86, 'a') + "\n", 0600);
  Program program(Program::on_file(folder, "listeners: [{bind: \"127.0.0.1:0\", forward: {auth: {users: " + users +
                                               "}}}]\nworkers: 1\nadmin: off\nuser: nobody\naccess_log: off\n"));
  CHECK(program.end().exit_code == 2);
  CHECK(program.says("(as the user nobody)"));
}

TEST_CASE("a Unix socket that could not be removed at the end is warned of", "[process][privileges][admin]") {
  if (!is_root("a folder of root's")) return;
  for (const mode_t mode : {0755, 0777}) {
    Folder folder;
    const std::string run = folder / "run";
    REQUIRE(::mkdir(run.c_str(), mode) == 0);
    REQUIRE(::chmod(run.c_str(), mode) == 0);
    const std::string socket = run + "/admin.sock";
    Program program(Program::on_file(folder, config_with("admin: {bind: \"unix:" + socket + "\"}\nuser: nobody\naccess_log: off\n")));
    program.ports();
    CHECK((program.said().find("may not remove files from " + run) != std::string::npos) == (mode == 0755));
    program.signal(SIGTERM);
    CHECK(program.end().exit_code == 0);
    CHECK((::access(socket.c_str(), F_OK) == 0) == (mode == 0755));
  }
}

TEST_CASE("the log file goes to the user, and can be opened anew", "[process][privileges]") {
  if (!is_root("giving away files")) return;
  const passwd nobody = *::getpwnam("nobody");
  Folder folder;
  const std::string logs = folder / "logs";
  REQUIRE(::mkdir(logs.c_str(), 0755) == 0);
  REQUIRE(::chown(logs.c_str(), nobody.pw_uid, nobody.pw_gid) == 0);
  const std::string path = logs + "/access.log";
  Program program(
      Program::on_file(folder, config_with("admin: off\nuser: nobody\naccess_log: {path: " + path + "}\n")));
  const auto port = program.ports().at(0);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK(status.st_uid == nobody.pw_uid);
  CHECK((status.st_mode & 0777) == 0640);
  CHECK(program.said().find("may not make files") == std::string::npos);
  Client(port).ask("GET http://127.0.0.1/old HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
  REQUIRE(comes_true([&] { return read_file(path).find("/old") != std::string::npos; }));
  REQUIRE(::rename(path.c_str(), (path + ".1").c_str()) == 0);
  program.signal(SIGUSR1);
  REQUIRE(comes_true([&] { return ::stat(path.c_str(), &status) == 0; }));
  CHECK(status.st_uid == nobody.pw_uid);
  Client(port).ask("GET http://127.0.0.1/new HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
  program.signal(SIGTERM);
  CHECK(program.end().exit_code == 0);
  CHECK(read_file(path).find("/new") != std::string::npos);
}

TEST_CASE("a log of root's in a folder of root's is given away, and rotation is warned of", "[process][privileges]") {
  if (!is_root("giving away files")) return;
  const passwd nobody = *::getpwnam("nobody");
  Folder folder;
  const std::string path = folder.write("access.log", "before\n", 0640);
  Program program(
      Program::on_file(folder, config_with("admin: off\nuser: nobody\naccess_log: {path: " + path + "}\n")));
  program.ports();
  CHECK(program.said().find("user nobody may not make files in ") != std::string::npos);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK(status.st_uid == nobody.pw_uid);
  CHECK(read_file(path) == "before\n");
}

TEST_CASE("what is somebody else's, or only a link, is not given away: the start says what is missing",
          "[process][privileges]") {
  if (!is_root("giving away files")) return;
  Folder folder;
  const std::string secret = folder.write("secret", "root's\n", 0600);
  const std::string link = folder / "access.log", second_name = folder / "hard.log",
                    daemons = folder.write("daemon.log", "", 0640);
  REQUIRE(::symlink(secret.c_str(), link.c_str()) == 0);
  REQUIRE(::link(secret.c_str(), second_name.c_str()) == 0);
  REQUIRE(::chown(daemons.c_str(), 1, 1) == 0);
  for (const std::string& path : {link, second_name, daemons}) {
    CAPTURE(path);
    Program program(
        Program::on_file(folder, config_with("admin: off\nuser: nobody\naccess_log: {path: " + path + "}\n")));
    CHECK(program.end().exit_code == 1);
    CHECK(program.says("cannot open the access log " + path + ": Permission denied (as the user nobody)"));
  }
  struct stat status {};
  REQUIRE(::stat(secret.c_str(), &status) == 0);
  CHECK(status.st_uid == 0);
}

}  // namespace
}  // namespace freshet::test
