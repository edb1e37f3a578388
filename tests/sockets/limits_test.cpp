// Clients that take more than their share, through the whole program: what they hold is let go, and others are served.
#include <catch2/catch.hpp>

#include "support/live_proxy.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

std::string connect_to(const LiveOrigin& origin) {
  return "CONNECT " + origin.authority() + " HTTP/1.1\r\nHost: " + origin.authority() + "\r\n\r\n";
}

/// Sends back what it gets, and its end too.
void echo(Wire& wire, std::size_t) {
  while (wire.more()) wire.send(wire.take(wire.arrived().size()));
  wire.shutdown_write();
}

/// A client may not be slower than 1 KiB/s, on average over a second.
Settings impatient(Settings settings) {
  settings.limits.min_client_rate = 1024;
  settings.timeouts.client_rate_window = Milliseconds(1000);
  return settings;
}

std::uint64_t errors(const LiveProxy& proxy, Reason reason) {
  return proxy.sum([&](const WorkerCounters& c) { return c.protocol_errors[static_cast<std::size_t>(reason)].get(); });
}

std::uint64_t denied(const LiveProxy& proxy, Reason reason) {
  return proxy.sum([&](const WorkerCounters& c) { return c.denied[static_cast<std::size_t>(reason)].get(); });
}

}  // namespace

TEST_CASE("a tunnel too many is refused with 503, and the next one fits when another has ended", "[sockets][forward][P15]") {
  LiveOrigin origin{LiveOrigin::Script(echo)};
  Settings settings = forward_to(origin.port());
  settings.limits.tunnels = 1;
  LiveProxy proxy(std::move(settings));
  Client first(proxy.port());
  CHECK(first.ask(connect_to(origin)).status() == 200);
  {
    Client second(proxy.port());
    const Message refused = second.ask(connect_to(origin));
    CHECK(refused.status() == 503);
    CHECK(refused.field("Retry-After") == "1");
    CHECK(second.wire().ended());
  }
  CHECK(denied(proxy, Reason::TooManyTunnels) == 1);
  first.send("still here");
  CHECK(first.wire().take(10) == "still here");
  CHECK(origin.connections() == 1);
  first.wire().close();
  CHECK(comes_true([&] { return proxy.connections() == 0; }));
  Client third(proxy.port());
  CHECK(third.ask(connect_to(origin)).status() == 200);
}

TEST_CASE("an upload that trickles ends with 408, at the origin too", "[sockets][upload][P15]") {
  Tally cut;
  LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t) {
    auto request = read_head(wire);
    if (!request) return;
    read_body(wire, *request, false);
    if (!request->complete) cut.add();
  })};
  LiveProxy proxy(impatient(reverse_to({origin.port()})));
  Client client(proxy.port());
  const Message got = client.ask("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100000\r\n\r\nonly this");
  CHECK(got.status() == 408);
  CHECK(client.wire().ended());
  cut.wait_for(1);
  CHECK(errors(proxy, Reason::SendsTooSlowly) == 1);
}

TEST_CASE("clients that do not read are cut off, hit or not, and the origin's connection with them", "[sockets][P14]") {
  const std::string large(8u << 20, 'x');
  Tally given_up;
  LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t) {
    while (const auto request = read_request(wire)) {
      if (request->target() == "/stored") {
        wire.send(make_response(large, "Cache-Control: max-age=60\r\n"));
        continue;
      }
      wire.send("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n");
      while (wire.send("100000\r\n" + std::string(1u << 20, 'x') + "\r\n")) {
      }
      given_up.add();
      return;
    }
  })};
  LiveProxy proxy(impatient(reverse_to({origin.port()})), 2);
  Client reader(proxy.port());
  CHECK(reader.get("/stored").body == large);
  constexpr std::uint64_t kEach = 10;
  std::vector<std::unique_ptr<Client>> crowd;
  for (std::uint64_t i = 0; i < kEach; ++i)
    for (const char* target : {"/stored", "/endless"}) {
      crowd.push_back(std::make_unique<Client>(proxy.port()));
      crowd.back()->send(get_request(target));
    }
  given_up.wait_for(kEach);
  CHECK(comes_true([&] { return proxy.connections() == 1; }));
  CHECK(errors(proxy, Reason::ReadsTooSlowly) == 2 * kEach);
  CHECK(reader.get("/stored").body == large);
}
