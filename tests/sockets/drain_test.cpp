#include <catch2/catch.hpp>

#include "freshet/net/listen_socket.hpp"
#include "support/live_proxy.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

bool refused(std::uint16_t port) {
  return comes_true([port] { return !Client::try_connect(port); });
}

}  // namespace

TEST_CASE("draining finishes what is in flight, closes the rest, and takes nothing new", "[sockets][drain]") {
  const unsigned workers = GENERATE(1u, 4u);
  Tally in_flight;
  Gate release;
  LiveOrigin origin{LiveOrigin::Answer([&](const Message& request) {
    if (request.target().starts_with("/slow")) {
      in_flight.add();
      release.wait();
    }
    return make_response("hello", "Cache-Control: no-store\r\n");
  })};
  LiveProxy proxy(reverse_to({origin.port()}), workers);
  std::list<Client> idle, busy;
  for (int i = 0; i < 8; ++i) {
    idle.emplace_back(proxy.port());
    busy.emplace_back(proxy.port());
    CHECK(idle.back().get("/x").status() == 200);
    if (i % 2) CHECK(busy.back().get("/x").status() == 200);
  }
  idle.emplace_back(proxy.port());  // has not asked anything yet
  std::size_t number = 0;
  for (Client& client : busy) client.send(get_request("/slow/" + std::to_string(number++)));
  in_flight.wait_for(busy.size());

  proxy.drain();
  for (Client& client : idle) {
    CHECK(client.wire().ended());
    CHECK_FALSE(client.wire().was_reset());
  }
  CHECK(refused(proxy.port()));
  CHECK(comes_true([&] { return proxy.connections() == busy.size(); }));
  release.open();
  for (Client& client : busy) {
    const Message got = client.response();
    CHECK(got.status() == 200);
    CHECK(got.body == "hello");
    CHECK(got.field("Connection") == "close");
    CHECK(client.wire().ended());
    CHECK_FALSE(client.wire().was_reset());
  }
  busy.clear();
  CHECK(comes_true([&] { return proxy.connections() == 0; }));
  CHECK(comes_true([&] { return proxy.sum([](const WorkerCounters& c) { return c.upstream[0].connections_idle.get(); }) == 0; }));
}

TEST_CASE("a body that is on its way when draining begins arrives whole", "[sockets][drain]") {
  Gate release;
  LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t) {
    if (!read_request(wire)) return;
    wire.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\n01234");
    release.wait();
    wire.send("56789");
  })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  client.send(get_request("/x"));
  REQUIRE(read_head(client.wire()));
  CHECK(client.wire().take(5) == "01234");
  proxy.drain();
  CHECK(refused(proxy.port()));
  release.open();
  CHECK(client.wire().take_all() == "56789");
}

TEST_CASE("what outlives the grace is cut: waiting requests, bodies, uploads and tunnels", "[sockets][drain]") {
  Tally under_way;
  LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t) {
    const auto request = read_head(wire);
    if (!request) return;
    if (request->target() == "/body")
      wire.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\n01234");
    if (request->target() == "/chat")
      wire.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");
    under_way.add();
    wire.take_all();
  })};
  LiveProxy proxy(reverse_to({origin.port()}), 4);
  std::list<Client> clients;
  const std::string requests[] = {get_request("/silent"), get_request("/body"),
                                  get_request("/chat", "Connection: Upgrade\r\nUpgrade: chat\r\n"),
                                  "POST /upload HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\nabc"};
  for (const std::string& request : requests) {
    clients.emplace_back(proxy.port());
    clients.back().send(request);
  }
  under_way.wait_for(std::size(requests));
  proxy.drain();
  CHECK(refused(proxy.port()));
  CHECK(proxy.connections() == std::size(requests));
  proxy.cut();
  for (Client& client : clients) client.wire().take_all();  // throws when the end does not come
  // The session that waits for the head of an origin's answer goes on waiting, without its client, until the worker ends.
  CHECK(comes_true([&] { return proxy.connections() == 1; }));
  proxy.stop();
  CHECK(proxy.store().held() == 0);
}

TEST_CASE("a port in use is an error that names it", "[sockets][listen]") {
  const ClosedPort taken;
  Settings settings = reverse_to({1});
  settings.listeners.front().bind.port = taken.port();
  const std::string expected = "cannot listen on 127.0.0.1:" + std::to_string(taken.port()) + ": address already in use";
  CHECK_THROWS_WITH(LiveProxy(settings), expected);

  LiveProxy running(reverse_to({1}), 4);
  settings.listeners.front().bind.port = running.port();
  boost::asio::io_context loop;
  std::string error;
  CHECK_FALSE(open_listen_socket(loop, {"127.0.0.1", running.port()}, true, error).is_open());
  CHECK(error == "cannot listen on 127.0.0.1:" + std::to_string(running.port()) + ": address already in use");
  CHECK_THROWS_WITH(LiveProxy(settings, 4), error);
}
