// What it tells the service manager (sd_notify(3)), to one that is played by this test.
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstring>
#include <stdexcept>

#include "process/program.hpp"
#include "support/live_proxy.hpp"

namespace freshet::test {
namespace {

/// The manager's end: a datagram socket.
class Notified {
 public:
  /// A path, or a name that begins with '@' for an abstract one.
  explicit Notified(const std::string& name) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, name.data(), name.size());
    if (name.front() == '@') at.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    if (::bind(socket_, reinterpret_cast<const sockaddr*>(&at), size) != 0) throw std::runtime_error("bind");
    const timeval patience{kPatience.count(), 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Notified() { ::close(socket_); }
  /// The next message; empty when none comes.
  std::string hear() {
    char text[1000];
    const ssize_t n = ::recv(socket_, text, sizeof text, 0);
    return n < 0 ? std::string() : std::string(text, static_cast<std::size_t>(n));
  }
  bool has_more() {
    char text[1000];
    return ::recv(socket_, text, sizeof text, MSG_DONTWAIT) >= 0;
  }

 private:
  int socket_;
};

const std::vector<std::string> kForward{"forward", "--listen", "127.0.0.1:0", "--admin", "off", "--access-log", "off"};

TEST_CASE("the service manager hears that it is ready, alive, and about to stop", "[process][supervisor]") {
  Folder folder;
  const std::string socket = folder / "notify";
  Notified notified(socket);
  Program program(kForward, {{"NOTIFY_SOCKET", socket}, {"WATCHDOG_USEC", "30000000"}});
  CHECK(notified.hear() == "READY=1\nSTATUS=serving");
  CHECK(program.says("try, twice"));
  CHECK(notified.hear() == "WATCHDOG=1");
  CHECK(notified.hear() == "WATCHDOG=1");  // all workers have answered in between
  program.signal(SIGTERM);
  std::string heard = notified.hear();
  while (heard == "WATCHDOG=1") heard = notified.hear();
  CHECK(heard == "STOPPING=1\nSTATUS=finishing what is in flight");
  CHECK(program.end().exit_code == 0);
}

TEST_CASE("an abstract socket is as good, and nobody waits for signs of life of another process",
          "[process][supervisor]") {
  const std::string name = "@freshet-test-" + std::to_string(::getpid());
  Notified notified(name);
  Program program(kForward, {{"NOTIFY_SOCKET", name}, {"WATCHDOG_USEC", "30000000"}, {"WATCHDOG_PID", "1"}});
  CHECK(notified.hear() == "READY=1\nSTATUS=serving");
  program.signal(SIGTERM);
  CHECK(notified.hear() == "STOPPING=1\nSTATUS=finishing what is in flight");
  CHECK(program.end().exit_code == 0);
}

TEST_CASE("a start that fails is not called ready", "[process][supervisor]") {
  Folder folder;
  const std::string socket = folder / "notify";
  Notified notified(socket);
  Program program({"forward", "--listen", "127.0.0.1:0", "--admin", "off", "--access-log", "/nonexistent/a.log"},
                  {{"NOTIFY_SOCKET", socket}});
  CHECK(program.end().exit_code == 1);
  CHECK_FALSE(notified.has_more());
}

TEST_CASE("a manager that is not there, or a name that is none, changes nothing", "[process][supervisor]") {
  for (const std::string& socket :
       {std::string("/nonexistent/notify"), std::string("notify"), std::string("@"), '/' + std::string(200, 'x')}) {
    CAPTURE(socket);
    Program program(kForward, {{"NOTIFY_SOCKET", socket}});
    program.ports();
    program.signal(SIGTERM);
    CHECK(program.end().exit_code == 0);
  }
}

}  // namespace
}  // namespace freshet::test
