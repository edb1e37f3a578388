// Streams through tunnels, which the kernel moves from socket to socket.
#include <atomic>
#include <catch2/catch.hpp>
#include <list>

#include "support/dice.hpp"
#include "support/live_proxy.hpp"
#include "support/pipe_ends.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

std::string connect_to(const LiveOrigin& origin) {
  return "CONNECT " + origin.authority() + " HTTP/1.1\r\nHost: " + origin.authority() + "\r\n\r\n";
}

std::string noise(std::size_t size, std::uint64_t seed) {
  Dice dice(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(dice.roll(256));
  return text;
}

void send_in_chunks(Wire& wire, std::string_view text, std::uint64_t seed) {
  Dice dice(seed);
  while (!text.empty()) {
    const std::size_t size = std::min<std::size_t>(text.size(), 1 + dice.roll(dice.one_in(4) ? 400'000 : 3000));
    if (!wire.send(text.substr(0, size))) return;
    text.remove_prefix(size);
  }
}

struct Pipes {
  std::size_t lent = 0, moves = 0;
  explicit Pipes(LiveProxy& proxy) {
    proxy.on_workers([this](Worker& worker) {
      lent += worker.pipes().lent();
      moves += worker.pipes().moves();
    });
  }
};

std::uint64_t came_in(const LiveProxy& proxy) {
  return proxy.sum([](const WorkerCounters& c) { return c.tunnel_bytes_in.get(); });
}
std::uint64_t went_out(const LiveProxy& proxy) {
  return proxy.sum([](const WorkerCounters& c) { return c.tunnel_bytes_out.get(); });
}

constexpr std::size_t kLong = 3'000'000;

}  // namespace

TEST_CASE("a tunnel carries streams both ways at once, byte for byte, by pipe or without one",
          "[sockets][tunnel][pipe]") {
  const bool pipes = GENERATE(true, false);
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    CAPTURE(pipes, seed);
    const std::string up = noise(kLong, seed);
    const std::string down = noise(kLong + 12345, seed + 10);
    std::string heard;
    Gate over;
    LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t) {
      Crew crew;
      crew.start([&] {
        send_in_chunks(wire, down, seed + 20);
        wire.shutdown_write();
      });
      heard = wire.take_all();
      crew.join();
      over.open();
    })};
    LiveProxy proxy(forward_to(origin.port()));
    std::list<AllPipes> taken;
    if (!pipes) proxy.on_workers([&](Worker& worker) { taken.emplace_back(worker.pipes()); });
    Client client(proxy.port());
    const std::size_t early = seed * 50'000;  // right behind the head
    Crew crew;
    crew.start([&] {
      client.send(connect_to(origin) + up.substr(0, early));
      send_in_chunks(client.wire(), std::string_view(up).substr(early), seed + 30);
      client.wire().shutdown_write();
    });
    CHECK(client.wire().take_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
    CHECK((client.wire().take_all() == down));
    CHECK_FALSE(client.wire().was_reset());
    crew.join();
    over.wait();
    CHECK((heard == up));
    CHECK(comes_true([&] { return proxy.connections() == 0; }));
    CHECK(came_in(proxy) == up.size());
    CHECK(went_out(proxy) == down.size());
    const Pipes after(proxy);
    CHECK((after.moves > 0) == pipes);
    if (pipes) CHECK(after.lent == 0);
    proxy.on_workers([&](Worker&) { taken.clear(); });
  }
}

TEST_CASE("either end of a tunnel may end its stream first, and the other goes on", "[sockets][tunnel][pipe]") {
  const std::string first = noise(kLong, 1);
  const std::string second = noise(kLong, 2);
  const bool client_first = GENERATE(true, false);
  Gate heard;
  std::atomic<int> right{0};
  const auto ends_first = [&](Wire& wire) {
    wire.send(first);
    wire.shutdown_write();
    right += wire.take_all() == second && !wire.was_reset();
  };
  const auto ends_last = [&](Wire& wire) {
    right += wire.take_all() == first && !wire.was_reset();
    wire.send(second);
    wire.shutdown_write();
  };
  LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t) {
    client_first ? ends_last(wire) : ends_first(wire);
    heard.open();
  })};
  LiveProxy proxy(forward_to(origin.port()));
  Client client(proxy.port());
  CHECK(client.ask(connect_to(origin)).status() == 200);
  client_first ? ends_first(client.wire()) : ends_last(client.wire());
  heard.wait();
  CHECK(right == 2);
  CHECK(comes_true([&] { return proxy.connections() == 0; }));
  CHECK(came_in(proxy) == kLong);
  CHECK(went_out(proxy) == kLong);
  CHECK(Pipes(proxy).moves > 0);
}

TEST_CASE("a reset in the middle of a stream passes to the other end, and its pipes are not kept",
          "[sockets][tunnel][pipe]") {
  const bool client_resets = GENERATE(true, false);
  const bool downwards = GENERATE(true, false);
  Gate begun, over;
  std::atomic<bool> origin_was_reset{false};
  // Sends for ever, to one who takes a little and then resets, or is reset while it sends nothing.
  const auto send_on = [](Wire& wire) {
    const std::string block(100'000, 'x');
    while (wire.send(block)) {
    }
  };
  LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t) {
    if (!client_resets) {
      downwards ? static_cast<void>(wire.send(noise(1'000'000, 3))) : static_cast<void>(wire.take(1'000'000));
      begun.wait();
      wire.abort();
    } else if (downwards) {
      send_on(wire);
    } else {
      wire.take_all();
      origin_was_reset = wire.was_reset();
    }
    over.open();
  })};
  LiveProxy proxy(forward_to(origin.port()));
  Client client(proxy.port());
  CHECK(client.ask(connect_to(origin)).status() == 200);
  if (client_resets) {
    downwards ? static_cast<void>(client.wire().take(1'000'000)) : client.send(noise(1'000'000, 4));
    client.wire().abort();
  } else if (downwards) {
    client.wire().take(500'000);
    begun.open();
    client.wire().take_all();
    CHECK(client.wire().was_reset());
  } else {
    begun.open();
    send_on(client.wire());
  }
  over.wait();
  CHECK(origin_was_reset == (client_resets && !downwards));
  CHECK(comes_true([&] { return proxy.connections() == 0; }));
  CHECK(Pipes(proxy).lent == 0);
}

TEST_CASE("a tunnel waits for a client that does not read, with one pipe, and goes on when it does",
          "[sockets][tunnel][pipe]") {
  const std::string part = noise(999'999, 5);
  std::string down;
  while (down.size() < 30'000'000) down += part;
  std::atomic<std::size_t> sent{0};
  LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t) {
    for (std::size_t at = 0; at < down.size() && wire.send(std::string_view(down).substr(at, 100'000)); at += 100'000)
      sent = at;
  })};
  LiveProxy proxy(forward_to(origin.port()));
  Client client(proxy.port());
  CHECK(client.ask(connect_to(origin)).status() == 200);
  CHECK(comes_true([&] { return Pipes(proxy).lent == 1; }));
  CHECK(sent < down.size());
  // Another one has its own.
  Client other(proxy.port());
  CHECK(other.ask(connect_to(origin)).status() == 200);
  CHECK((other.wire().take_all() == down));
  CHECK((client.wire().take_all() == down));
  client.wire().close();
  other.wire().close();
  CHECK(comes_true([&] { return proxy.connections() == 0; }));
  CHECK(Pipes(proxy).lent == 0);
  CHECK(went_out(proxy) == 2 * down.size());
}

TEST_CASE("draining lets a tunnel's stream go on, and a cut ends it", "[sockets][tunnel][drain][pipe]") {
  Gate drained;
  const std::string first = noise(1'000'000, 6);
  LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t) {
    wire.send(first);
    drained.wait();
    const std::string block(100'000, 'x');
    while (wire.send(block)) {
    }
  })};
  LiveProxy proxy(forward_to(origin.port()));
  Client client(proxy.port());
  CHECK(client.ask(connect_to(origin)).status() == 200);
  CHECK((client.wire().take(first.size()) == first));
  proxy.drain();
  drained.open();
  CHECK((client.wire().take(5'000'000) == std::string(5'000'000, 'x')));
  proxy.cut();
  client.wire().take_all();
  CHECK(comes_true([&] { return proxy.connections() == 0; }));
  CHECK(Pipes(proxy).lent == 0);
}

TEST_CASE("silence after a stream ends the tunnel", "[sockets][tunnel][timeouts][pipe]") {
  const std::string down = noise(kLong, 7);
  Gate gone;
  LiveOrigin origin{LiveOrigin::Script([&](Wire& wire, std::size_t) {
    wire.send(down);
    wire.take_all();
    gone.open();
  })};
  Settings settings = forward_to(origin.port());
  settings.timeouts.tunnel_idle = Milliseconds(1000);
  LiveProxy proxy(settings);
  Client client(proxy.port());
  CHECK(client.ask(connect_to(origin)).status() == 200);
  CHECK((client.wire().take(down.size()) == down));
  CHECK(client.wire().ended());
  gone.wait();
  CHECK(comes_true([&] { return proxy.connections() == 0; }));
  CHECK(went_out(proxy) == down.size());
}
