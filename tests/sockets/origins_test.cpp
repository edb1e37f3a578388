#include <catch2/catch.hpp>

#include "support/live_proxy.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr const char* kNoStore = "Cache-Control: no-store\r\n";

std::string say(const Message& request) { return make_response(request.method() + " " + request.body, kNoStore); }

/// Each connection answers one request and says that it stays open. Then, `late`: it takes the next request and closes without a word;
/// otherwise it closes at once.
LiveOrigin::Script close_after_one(bool late, Tally& closed) {
  return [late, &closed](Wire& wire, std::size_t) {
    const auto request = read_request(wire);
    if (!request) return;
    wire.send(say(*request));
    if (late && !read_request(wire)) return;
    wire.close();
    closed.add();
  };
}

}  // namespace

TEST_CASE("a kept connection that the origin has closed costs no request, with or without a body", "[sockets][9112-9.3.1]") {
  for (const bool late : {true, false}) {
    INFO(late);
    Tally closed;
    LiveOrigin origin{close_after_one(late, closed)};
    LiveProxy proxy(reverse_to({origin.port()}));
    Client client(proxy.port());
    const std::string requests[] = {get_request("/x"), "PUT /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello",
                                    "PUT /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                                    "DELETE /x HTTP/1.1\r\nHost: a.example\r\n\r\n"};
    const char* answers[] = {"GET ", "PUT hello", "PUT hello", "DELETE "};
    CHECK(client.get("/first").body == "GET ");
    for (std::size_t i = 0; i < std::size(requests); ++i) {
      if (!late) closed.wait_for(i + 1);
      const Message got = client.ask(requests[i]);
      CHECK(got.status() == 200);
      CHECK(got.body == answers[i]);
    }
    CHECK(origin.connections() == 5);
    if (late) CHECK(proxy.sum([](const WorkerCounters& c) { return c.upstream[0].retries.get(); }) == 4);
  }
}

TEST_CASE("a POST that may have been seen is not sent twice", "[sockets][9110-9.2.2]") {
  Tally closed;
  LiveOrigin origin{close_after_one(true, closed)};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  CHECK(client.get("/first").status() == 200);
  const Message got = client.ask("POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(got.status() == 502);
  CHECK(origin.connections() == 1);
}

TEST_CASE("of two servers that take turns, the dead one costs no request and is set aside", "[sockets][balance]") {
  const ClosedPort dead;
  LiveOrigin origin{LiveOrigin::Answer(say)};
  LiveProxy proxy(reverse_to({dead.port(), origin.port()}));
  Client client(proxy.port());
  for (int i = 0; i < 10; ++i) {
    const Message got = client.get("/" + std::to_string(i));
    CHECK(got.status() == 200);
  }
  CHECK_FALSE(proxy.site(0).pool().server_healthy(0, 0));
  CHECK(proxy.site(0).pool().server_healthy(0, 1));
  CHECK(origin.requests() == 10);
  CHECK(origin.connections() == 1);
}

TEST_CASE("two servers that live take turns", "[sockets][balance]") {
  LiveOrigin first{LiveOrigin::Answer(say)}, second{LiveOrigin::Answer(say)};
  LiveProxy proxy(reverse_to({first.port(), second.port()}));
  Client client(proxy.port());
  for (int i = 0; i < 10; ++i) CHECK(client.get("/" + std::to_string(i)).status() == 200);
  CHECK(first.requests() == 5);
  CHECK(second.requests() == 5);
}

TEST_CASE("an origin where nobody listens is a 502 that says so, and the client's connection stays", "[sockets][9209]") {
  const ClosedPort dead;
  LiveProxy proxy(reverse_to({dead.port()}));
  Client client(proxy.port());
  for (int i = 0; i < 2; ++i) {
    const Message got = client.get("/x");
    CHECK(got.status() == 502);
    CHECK(got.field("Proxy-Status").find("connection_refused") != std::string::npos);
  }
}

TEST_CASE("an answer that is not HTTP is a 502", "[sockets][9112-2.1]") {
  LiveOrigin origin{LiveOrigin::Script([](Wire& wire, std::size_t) {
    if (read_request(wire)) wire.send("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  CHECK(client.get("/x").status() == 502);
}
