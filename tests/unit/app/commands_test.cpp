#include "freshet/app/commands.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>
#include <thread>

using namespace freshet;

namespace {

/// A file with that text, gone at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text) {
    char name[] = "/tmp/freshet-test-XXXXXX";
    const int file = ::mkstemp(name);
    REQUIRE(file >= 0);
    ::close(file);
    path_ = name;
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A listening socket on loopback, port zero; what connects lands in its backlog.
class Listening {
 public:
  explicit Listening(int family) : number_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in6 v6{};
    sockaddr_in v4{};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_v6 = family == AF_INET6;
    auto* address = is_v6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
    socklen_t size = is_v6 ? sizeof v6 : sizeof v4;
    usable_ = number_ >= 0 && ::bind(number_, address, size) == 0 && ::listen(number_, 5) == 0 &&
              ::getsockname(number_, address, &size) == 0;
    endpoint_ = {is_v6 ? "::1" : "127.0.0.1", ntohs(is_v6 ? v6.sin6_port : v4.sin_port)};
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
  ~Listening() { close(); }

  bool usable() const { return usable_; }
  const Endpoint& endpoint() const { return endpoint_; }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }
  /// Answers one client with `pieces`, each sent by itself; returns what it asked.
  std::string answer(const std::vector<std::string>& pieces) const {
    const int client = ::accept(number_, nullptr, nullptr);
    std::string request;
    char piece[512];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const auto n = ::recv(client, piece, sizeof piece, 0);
      if (n <= 0) break;
      request.append(piece, static_cast<std::size_t>(n));
    }
    for (const auto& text : pieces) ::send(client, text.data(), text.size(), MSG_NOSIGNAL);
    ::close(client);
    return request;
  }

 private:
  int number_;
  bool usable_ = false;
  Endpoint endpoint_;
};

struct Asked {
  int exit_code = 0;
  std::string out, err, request;
};

Asked ask(const Listening& server, const std::vector<std::string>& pieces) {
  Asked asked;
  std::thread answering([&] { asked.request = server.answer(pieces); });
  std::ostringstream out, err;
  asked.exit_code = check_health({server.endpoint(), {}}, Milliseconds{30'000}, out, err);
  answering.join();
  asked.out = out.str();
  asked.err = err.str();
  return asked;
}

}  // namespace

TEST_CASE("check prints a one-line summary of a good file and returns 0", "[app]") {
  const TemporaryFile file("listeners: [{bind: \"127.0.0.1:3128\", forward: {}}]\n");
  std::ostringstream out, err;
  REQUIRE(check_file(file.path(), out, err) == 0);
  REQUIRE(err.str() == "");
  REQUIRE(out.str() ==
          file.path() +
              ": good: 1 listener (forward 127.0.0.1:3128), 0 upstreams, cache 256MiB, admin 127.0.0.1:9180, "
              "access log stdout\n");
}

TEST_CASE("check prints every mistake of a bad file and returns 2", "[app]") {
  const TemporaryFile file("listeners: [{bind: \"127.0.0.1:3128\", forward: {}}]\nworker: 2\nlog: {level: x}\n");
  std::ostringstream out, err;
  REQUIRE(check_file(file.path(), out, err) == 2);
  REQUIRE(out.str() == "");
  REQUIRE(err.str() == file.path() + ":2:1: worker: is not a known setting, did you mean 'workers'?\n" + file.path() +
                           ":3:14: log.level: is 'x', expected debug, info, warn, error or off\n");
  REQUIRE_FALSE(load_or_explain(file.path(), err));
}

TEST_CASE("check prints warnings of a good file and still returns 0", "[app]") {
  const TemporaryFile file("listeners: [{bind: \"0.0.0.0:3128\", forward: {allow_private: true}}]\n");
  std::ostringstream out, err;
  REQUIRE(check_file(file.path(), out, err) == 0);
  REQUIRE(err.str().find("warning") != std::string::npos);
  REQUIRE(out.str().find("good") != std::string::npos);
}

TEST_CASE("check of a file that is not there returns 2 with one line", "[app]") {
  std::ostringstream out, err;
  REQUIRE(check_file("/nonexistent/x.yaml", out, err) == 2);
  REQUIRE(err.str() == "/nonexistent/x.yaml: cannot be opened (No such file or directory), expected a readable file\n");
}

TEST_CASE("check reads the files of users too", "[app][auth]") {
  const TemporaryFile users("alice:secret\n");
  const TemporaryFile file("listeners: [{bind: \"127.0.0.1:3128\", forward: {auth: {users: " + users.path() + "}}}]\n");
  std::ostringstream out, err;
  REQUIRE(check_file(file.path(), out, err) == 2);
  REQUIRE(err.str().starts_with(users.path() + ":1: user 'alice' has a plain password or an outdated hash, expected bcrypt"));
}

TEST_CASE("hash-password prints a line that check is content with", "[app][auth]") {
  for (const char* method : {"sha512", "bcrypt"}) {
    HashPassword command;
    command.user = "alice";
    command.method = method;
    std::istringstream in("open sesame\r\nmore\n");
    std::ostringstream line, out, err;
    REQUIRE(print_user(command, in, line, err) == 0);
    const TemporaryFile users(line.str());
    const TemporaryFile file("listeners: [{bind: \"127.0.0.1:3128\", forward: {auth: {users: " + users.path() + "}}}]\n");
    REQUIRE(check_file(file.path(), out, err) == 0);
    REQUIRE(err.str() == "");
  }
  HashPassword digest;
  digest.user = "Mufasa";
  digest.realm = "http-auth@example.org";
  std::istringstream in("Circle of Life");
  std::ostringstream out, err;
  REQUIRE(print_user(digest, in, out, err) == 0);
  REQUIRE(out.str() == "Mufasa:http-auth@example.org:7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232\n");
}

TEST_CASE("hash-password refuses names and passwords that could not be used", "[app][auth]") {
  const std::vector<std::pair<std::string, std::string>> rows = {{"", "x"}, {"a:b", "x"}, {"a\nb", "x"}, {"a", ""}, {"a", std::string(513, 'x')}, {"a", "x\ty"}};
  for (const auto& row : rows) {
    HashPassword command;
    command.user = row.first;
    std::istringstream in(row.second);
    std::ostringstream out, err;
    REQUIRE(print_user(command, in, out, err) == 2);
    REQUIRE(out.str().empty());
  }
}

TEST_CASE("healthcheck is content with a 200 in one piece or in many", "[app]") {
  const Listening server(AF_INET);
  REQUIRE(server.usable());
  const auto name = to_string(server.endpoint());
  const auto asked = ask(server, {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"});
  REQUIRE(asked.err == "");
  REQUIRE(asked.exit_code == 0);
  REQUIRE(asked.out == name + " is healthy\n");
  REQUIRE(asked.request.starts_with("GET /healthz HTTP/1.0\r\nHost: " + name + "\r\n"));
  REQUIRE(ask(server, {"HT", "TP/1.0", " 200", "\r", "\n\r\n"}).exit_code == 0);
}

TEST_CASE("healthcheck speaks IPv6", "[app]") {
  const Listening server(AF_INET6);
  if (!server.usable()) return;  // a machine without IPv6
  REQUIRE(ask(server, {"HTTP/1.1 200 OK\r\n\r\n"}).exit_code == 0);
}

TEST_CASE("healthcheck fails on any other answer", "[app]") {
  const Listening server(AF_INET);
  REQUIRE(server.usable());
  for (const char* answer : {"HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP/1.1 404 200\r\n\r\n", "HTTP/1.1\r\n",
                             "H\n", "\n", "220 mail.example.com ESMTP\r\n", "HTTP/2.0 200 OK\r\n"}) {
    INFO(answer);
    const auto asked = ask(server, {answer});
    REQUIRE(asked.exit_code == 1);
    REQUIRE(asked.out == "");
    REQUIRE(asked.err.starts_with("freshet: " + to_string(server.endpoint()) + " is not healthy: answered '"));
  }
  REQUIRE(ask(server, {}).err.find("no answer") != std::string::npos);
  REQUIRE(ask(server, {std::string(5000, 'x')}).exit_code == 1);
}

TEST_CASE("healthcheck fails when nobody listens, and when nobody answers in time", "[app]") {
  Listening server(AF_INET);
  REQUIRE(server.usable());
  std::ostringstream out, err;
  REQUIRE(check_health({server.endpoint(), {}}, Milliseconds{1}, out, err) == 1);
  REQUIRE(err.str().find("in time") != std::string::npos);
  server.close();
  err.str("");
  REQUIRE(check_health({server.endpoint(), {}}, Milliseconds{30'000}, out, err) == 1);
  REQUIRE(err.str().find("Connection refused") != std::string::npos);
  REQUIRE(out.str() == "");
}
