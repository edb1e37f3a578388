#include <catch2/catch.hpp>

#include "support/live_proxy.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

std::string url(const LiveOrigin& origin, std::string_view path) { return "http://" + origin.authority() + std::string(path); }

std::string absolute(const LiveOrigin& origin, std::string_view path) {
  return "GET " + url(origin, path) + " HTTP/1.1\r\nHost: " + origin.authority() + "\r\n\r\n";
}

std::string connect_to(std::string_view authority) {
  return "CONNECT " + std::string(authority) + " HTTP/1.1\r\nHost: " + std::string(authority) + "\r\n\r\n";
}

/// Sends back what it gets, and its end too.
void echo(Wire& wire, std::size_t) {
  while (wire.more()) wire.send(wire.take(wire.arrived().size()));
  wire.shutdown_write();
}

}  // namespace

TEST_CASE("a forward proxy fetches an absolute URL in origin form, and caches it", "[sockets][forward][9112-3.2.2]") {
  LiveOrigin origin{LiveOrigin::Answer([](const Message& request) {
    return make_response(request.start_line() + "|" + request.field("Host") + "|" + request.field("Via"),
                         "Cache-Control: max-age=60\r\n");
  })};
  LiveProxy proxy(forward_to(origin.port()));
  Client client(proxy.port());
  const std::string expected = "GET /x?y=z HTTP/1.1|" + origin.authority() + "|1.1 freshet-test";
  CHECK(client.ask(absolute(origin, "/x?y=z")).body == expected);
  const Message again = client.ask(absolute(origin, "/x?y=z"));
  CHECK(again.body == expected);
  CHECK(again.field("Cache-Status").starts_with("freshet; hit"));
  CHECK(origin.requests() == 1);
}

TEST_CASE("a tunnel carries both directions, and each end by itself", "[sockets][forward][9110-9.3.6]") {
  Gate client_ended;
  LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t number) {
    if (number == 0) return echo(wire, number);
    // The origin ends first; the client goes on.
    wire.send("greeting");
    wire.shutdown_write();
    if (wire.take_all() == "said after the end") client_ended.open();
  })};
  LiveProxy proxy(forward_to(origin.port()));
  Client first(proxy.port());
  CHECK(first.ask(connect_to(origin.authority())).status() == 200);
  for (const std::size_t size : {1u, 1000u, 300'000u}) {
    const std::string sent(size, static_cast<char>('a' + size % 26));
    Crew sender;
    sender.start([&] { first.send(sent); });
    CHECK((first.wire().take(size) == sent));
    sender.join();
  }
  first.send("last words");
  first.wire().shutdown_write();
  CHECK(first.wire().take_all() == "last words");
  CHECK_FALSE(first.wire().was_reset());

  Client second(proxy.port());
  CHECK(second.ask(connect_to(origin.authority())).status() == 200);
  CHECK(second.wire().take_all() == "greeting");
  second.send("said after the end");
  second.wire().shutdown_write();
  client_ended.wait();
  CHECK(comes_true([&] { return proxy.connections() <= 1; }));
}

TEST_CASE("bytes that a client sends right behind CONNECT reach the origin", "[sockets][forward][9110-9.3.6]") {
  LiveOrigin origin{LiveOrigin::Script(echo)};
  LiveProxy proxy(forward_to(origin.port()));
  Client client(proxy.port());
  CHECK(client.ask(connect_to(origin.authority()) + "too early").status() == 200);
  CHECK(client.wire().take(9) == "too early");
}

TEST_CASE("a tunnel to another port than the allowed ones is refused and the connection closed", "[sockets][forward][9931]") {
  LiveOrigin origin{LiveOrigin::Script(echo)};
  LiveProxy proxy(forward_to(443));
  Client client(proxy.port());
  const Message refused = client.ask(connect_to(origin.authority()));
  CHECK(refused.status() == 403);
  CHECK(refused.field("Connection") == "close");
  CHECK(client.wire().ended());
  CHECK(origin.connections() == 0);
}

TEST_CASE("a tunnel to a port where nobody listens ends with 502", "[sockets][forward][9110-9.3.6]") {
  const ClosedPort closed;
  LiveProxy proxy(forward_to(closed.port()));
  Client client(proxy.port());
  const Message failed = client.ask(connect_to("127.0.0.1:" + std::to_string(closed.port())));
  CHECK(failed.status() == 502);
  CHECK(failed.field("Proxy-Status").find("connection_refused") != std::string::npos);
  CHECK(client.wire().ended());
}

TEST_CASE("a tunnel's reset passes to the other side", "[sockets][forward]") {
  Gate gone;
  LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t) {
    wire.send("hello");
    wire.take_all();
    gone.open();
  })};
  LiveProxy proxy(forward_to(origin.port()));
  Client client(proxy.port());
  CHECK(client.ask(connect_to(origin.authority())).status() == 200);
  CHECK(client.wire().take(5) == "hello");
  client.wire().abort();
  gone.wait();
  CHECK(comes_true([&] { return proxy.connections() == 0; }));
}

TEST_CASE("private addresses are refused by default, by name or by number, for GET and CONNECT", "[sockets][forward][P20]") {
  LiveOrigin origin{LiveOrigin::Answer([](const Message&) { return make_response("secret"); })};
  const std::string port = std::to_string(origin.port());
  LiveProxy proxy(forward_to(origin.port(), false));
  for (const std::string host : {"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1"}) {
    INFO(host);
    Client client(proxy.port());
    const std::string authority = host + ":" + port;
    const Message got = client.ask("GET http://" + authority + "/ HTTP/1.1\r\nHost: " + authority + "\r\n\r\n");
    CHECK((got.status() == 403 || (host == "127.1" && got.status() >= 400)));
    CHECK(got.body.find("secret") == std::string::npos);
    Client tunnel(proxy.port());
    CHECK(tunnel.ask(connect_to(authority)).status() >= 400);
  }
  CHECK(origin.connections() == 0);
}

TEST_CASE("a list opens its networks and no others", "[sockets][forward][P20]") {
  LiveOrigin origin{LiveOrigin::Answer([](const Message&) { return make_response("hello"); })};
  for (const bool listed : {true, false}) {
    Settings settings = forward_to(origin.port(), false);
    settings.listeners.front().forward->allow_private.networks = {listed ? "127.0.0.0/8" : "10.0.0.0/8"};
    LiveProxy proxy(std::move(settings));
    Client client(proxy.port());
    CHECK(client.ask(absolute(origin, "/x")).status() == (listed ? 200 : 403));
  }
}

TEST_CASE("a request that leads back to the proxy itself ends with 508", "[sockets][forward][P25]") {
  LiveProxy proxy(forward_to(443));
  Client client(proxy.port());
  const std::string self = "127.0.0.1:" + std::to_string(proxy.port());
  CHECK(client.ask("GET http://" + self + "/ HTTP/1.1\r\nHost: " + self + "\r\n\r\n").status() == 508);
}
