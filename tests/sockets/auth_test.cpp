#include <catch2/catch.hpp>

#include "support/live_proxy.hpp"
#include "support/user_file.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

Settings with_users(std::uint16_t port, const std::string& users, const std::string& digest_users) {
  Settings settings = forward_to(port);
  AuthSettings& auth = settings.listeners.front().forward->auth.emplace();
  auth.realm = "office";
  auth.users = users;
  auth.digest_users = digest_users;
  return settings;
}

std::string request(std::string_view method, const LiveOrigin& origin, std::string_view path,
                    const std::string& credentials = {}) {
  const std::string target =
      method == "CONNECT" ? origin.authority() : "http://" + origin.authority() + std::string(path);
  const std::string field = credentials.empty() ? "" : "Proxy-Authorization: " + credentials + "\r\n";
  return std::string(method) + ' ' + target + " HTTP/1.1\r\nHost: " + origin.authority() + "\r\n" + field + "\r\n";
}

}  // namespace

TEST_CASE("with real sockets: 407, then the password, then a tunnel", "[sockets][auth][9110-11.7][9931]") {
  const UserFile users(password_line("alice", "open sesame")), digests(digest_line("alice", "office", "secret"));
  LiveOrigin origin{LiveOrigin::Answer([](const Message& asked) {
    return make_response("seen:" + asked.field("Proxy-Authorization"),
                         "Cache-Control: max-age=60\r\nProxy-Authentication-Info: nextnonce=\"x\"\r\n");
  })};
  LiveProxy proxy(with_users(origin.port(), users.path(), digests.path()));
  const std::string right = basic("alice", "open sesame");

  Client client(proxy.port());
  const Message asked = client.ask(request("GET", origin, "/x"));
  CHECK(asked.status() == 407);
  CHECK(asked.field("Connection") != "close");
  const Message served = client.ask(request("GET", origin, "/x", right));  // on the same connection
  CHECK(served.status() == 200);
  CHECK(served.body == "seen:");
  CHECK(served.field("Proxy-Authentication-Info").empty());
  CHECK(client.ask(request("GET", origin, "/x", right)).field("Cache-Status").starts_with("freshet; hit"));
  CHECK(client.ask(request("GET", origin, "/x", basic("alice", "wrong"))).status() == 407);

  DigestClient digest("alice", "office", "secret");
  digest.take(asked.field("Proxy-Authenticate"));
  CHECK(
      client.ask(request("GET", origin, "/x", digest.answer("GET", "http://" + origin.authority() + "/x"))).status() ==
      200);

  Client refused(proxy.port());
  const Message closed = refused.ask(request("CONNECT", origin, ""));
  CHECK(closed.status() == 407);
  CHECK(closed.field("Connection") == "close");
  CHECK(refused.wire().ended());
  for (const std::string& credentials : {right, digest.answer("CONNECT", origin.authority())}) {
    Client tunnel(proxy.port());
    CHECK(tunnel.ask(request("CONNECT", origin, "", credentials)).status() == 200);
    CHECK(tunnel.get("/inside").status() == 200);
  }
  CHECK(proxy.sum([](const WorkerCounters& c) {
    return c.denied[static_cast<std::size_t>(Reason::AuthenticationRequired)].get();
  }) == 2);
  CHECK(proxy.sum([](const WorkerCounters& c) {
    return c.denied[static_cast<std::size_t>(Reason::BadCredentials)].get();
  }) == 1);
}

TEST_CASE("what a worker has found to be right, all workers know", "[sockets][auth][threads]") {
  const UserFile users(password_line("alice", "open sesame"));
  LiveOrigin origin{
      LiveOrigin::Answer([](const Message&) { return make_response("hello", "Cache-Control: max-age=60\r\n"); })};
  LiveProxy proxy(with_users(origin.port(), users.path(), "off"), 2);
  Crew crew;
  for (int i = 0; i < 4; ++i)
    crew.start([&, i] {
      Client client(proxy.port());
      for (int k = 0; k < 20; ++k) {
        const bool right = (i + k) % 7 != 0;
        const Message got = client.ask(request("GET", origin, "/" + std::to_string(k),
                                               basic(right ? "alice" : "nobody", right ? "open sesame" : "x")));
        if (right && got.status() != 200 && got.status() != 429)
          throw std::runtime_error("refused: " + got.start_line());
        if (!right && got.status() == 200) throw std::runtime_error("served nobody");
        if (!right) return;
      }
    });
  crew.join();
}

TEST_CASE("a proxy that ends leaves no check and no delay behind", "[sockets][auth]") {
  std::string problem;
  const UserFile users("alice:" + hash_password("x", "$2y$", 10, problem) + "\n");
  LiveOrigin origin{LiveOrigin::Answer([](const Message&) { return make_response("hello"); })};
  LiveProxy proxy(with_users(origin.port(), users.path(), "off"));
  for (int i = 0; i < 8; ++i) {
    Client client(proxy.port());
    client.send(request("GET", origin, "/x", basic("alice", std::to_string(i))));
    client.wire().interrupt();
  }
  proxy.stop();
}
