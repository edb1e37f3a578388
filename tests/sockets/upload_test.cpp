#include <catch2/catch.hpp>

#include "support/live_proxy.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

std::string post(std::string_view fields) { return "POST /x HTTP/1.1\r\nHost: a.example\r\n" + std::string(fields) + "\r\n"; }

}  // namespace

TEST_CASE("a client that expects 100 gets it from the origin, and only then sends", "[sockets][upload][9110-10.1.1]") {
  Gate head_seen, go_on;
  LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t) {
    auto request = read_head(wire);
    if (!request || request->field("Expect") != "100-continue" || !wire.arrived().empty()) return;
    head_seen.open();
    go_on.wait();
    wire.send("HTTP/1.1 100 Continue\r\n\r\n");
    read_body(wire, *request, false);
    wire.send(make_response("got " + request->body));
  })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  client.send(post("Content-Length: 5\r\nExpect: 100-continue\r\n"));
  head_seen.wait();
  go_on.open();
  const auto interim = read_head(client.wire());
  REQUIRE(interim);
  CHECK(interim->start_line() == "HTTP/1.1 100 Continue");
  client.send("hello");
  const Message got = client.response();
  CHECK(got.status() == 200);
  CHECK(got.body == "got hello");
}

TEST_CASE("a final answer instead of 100 reaches the client, who then does not send the body", "[sockets][upload][9110-10.1.1]") {
  LiveOrigin origin{LiveOrigin::Script([](Wire& wire, std::size_t) {
    if (read_head(wire)) wire.send(make_response("too large", "Connection: close\r\n", "413 Content Too Large"));
  })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  const Message got = client.ask(post("Content-Length: 1000000000\r\nExpect: 100-continue\r\n"));
  CHECK(got.status() == 413);
  CHECK(got.body == "too large");
  CHECK(client.wire().ended());
}

TEST_CASE("a chunked upload arrives chunk by chunk, with its trailers", "[sockets][upload][9112-7.1]") {
  Tally parts;
  LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t) {
    auto request = read_head(wire);
    if (!request || request->field("Transfer-Encoding") != "chunked") return;
    while (wire.arrived().find("first") == std::string::npos)
      if (!wire.more()) return;
    parts.add();
    read_body(wire, *request, false);
    wire.send(make_response(request->body + "|" + request->trailers));
  })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  client.send(post("Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n"));
  client.send("5\r\nfirst\r\n");
  parts.wait_for(1);  // it came through before the rest was sent
  client.send("6;name=value\r\nsecond\r\n0\r\nX-Sum: 42\r\n\r\n");
  const Message got = client.response();
  CHECK(got.status() == 200);
  CHECK(got.body.starts_with("firstsecond|"));
  CHECK(got.body.find("X-Sum: 42") != std::string::npos);
}

TEST_CASE("a large upload is whole, and the connections are used again", "[sockets][upload]") {
  std::string large;
  while (large.size() < (4u << 20)) large += "line " + std::to_string(large.size()) + "\n";
  LiveOrigin origin{LiveOrigin::Answer([&](const Message& request) {
    return make_response(request.complete && request.body == large ? "same" : "different");
  })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  for (int i = 0; i < 3; ++i)
    CHECK(client.ask(post("Content-Length: " + std::to_string(large.size()) + "\r\n") + large).body == "same");
  CHECK(origin.connections() == 1);
}

TEST_CASE("an origin that refuses a body while it is being sent is heard", "[sockets][upload][9112-9.6]") {
  LiveOrigin origin{LiveOrigin::Script([](Wire& wire, std::size_t) {
    if (!read_head(wire)) return;
    wire.send(make_response("too large", "Connection: close\r\n", "413 Content Too Large"));
    wire.shutdown_write();
    wire.take_all();
  })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  client.send(post("Content-Length: 1000000\r\n") + std::string(1000, 'x'));
  const Message got = client.response();
  CHECK(got.status() == 413);
  CHECK(got.body == "too large");
  CHECK(got.complete);
  CHECK(got.field("Connection") == "close");
  // What the client still sends is taken for a while, so that its system does not throw the answer away.
  client.send(std::string(1000, 'x'));
  client.wire().shutdown_write();
  CHECK(client.wire().ended());
  CHECK_FALSE(client.wire().was_reset());
}

TEST_CASE("a client that leaves in the middle of its upload takes the origin's connection with it", "[sockets][upload]") {
  Tally cut;
  LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t) {
    auto request = read_head(wire);
    if (!request) return;
    read_body(wire, *request, false);
    if (!request->complete) cut.add();
  })};
  LiveProxy proxy(reverse_to({origin.port()}));
  {
    Client client(proxy.port());
    client.send(post("Content-Length: 1000\r\n") + "only a part");
  }
  cut.wait_for(1);
  CHECK(comes_true([&] { return proxy.connections() == 0; }));
}

TEST_CASE("an upgraded connection carries another protocol both ways, first bytes included", "[sockets][upgrade][9110-7.8]") {
  LiveOrigin origin{LiveOrigin::Script([](Wire& wire, std::size_t) {
    const auto request = read_head(wire);
    if (!request || request->field("Upgrade") != "websocket" || request->field("Connection").find("pgrade") == std::string::npos)
      return;
    wire.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: abc=\r\n\r\n"
              "first frame;");
    while (wire.more()) wire.send("echo " + wire.take(wire.arrived().size()));
    wire.send("bye");
  })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  const Message got = client.get("/chat", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: def=\r\n");
  CHECK(got.status() == 101);
  CHECK(got.field("Upgrade") == "websocket");
  CHECK(got.field("Sec-WebSocket-Accept") == "abc=");
  CHECK(client.wire().take(12) == "first frame;");
  for (const std::string text : {"one", "two"}) {
    client.send(text);
    CHECK(client.wire().take(8) == "echo " + text);
  }
  client.wire().shutdown_write();
  CHECK(client.wire().take_all() == "bye");
}

TEST_CASE("an upgrade that the origin does not grant leaves an ordinary answer", "[sockets][upgrade][9110-7.8]") {
  LiveOrigin origin{LiveOrigin::Answer([](const Message&) { return make_response("plain"); })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  const Message got = client.get("/chat", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
  CHECK(got.status() == 200);
  CHECK(got.body == "plain");
}
