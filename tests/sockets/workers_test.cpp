// Four workers at once: what several threads share.
#include <catch2/catch.hpp>

#include <set>

#include "support/live_proxy.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr unsigned kWorkers = 4;
constexpr std::size_t kClients = 32;

/// One thread for each client; what it got is in its own slot.
struct Clients {
  explicit Clients(std::uint16_t port) {
    for (std::size_t i = 0; i < kClients; ++i) clients.emplace_back(port);
  }
  std::list<Client> clients;
  std::vector<Message> got{kClients};
  Crew crew;

  void each(std::function<void(Client&, std::size_t)> work) {
    std::size_t i = 0;
    for (Client& client : clients) {
      crew.start([&client, work, i] { work(client, i); });
      ++i;
    }
  }
};

std::uint64_t workers_used(const LiveProxy& proxy) {
  return proxy.sum([](const WorkerCounters& c) { return std::uint64_t(c.listener[0].connections_accepted.get() > 0); });
}

constexpr std::string_view kPart = "first part;";

/// Sends the first part of 3 * kPart.size() bytes, then what `rest` does.
LiveOrigin::Script in_parts(Tally& requests, std::function<void(Wire&, std::size_t)> rest) {
  return [&requests, rest = std::move(rest)](Wire& wire, std::size_t) {
    while (read_request(wire)) {
      requests.add();
      wire.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: " + std::to_string(3 * kPart.size()) + "\r\n\r\n");
      wire.send(kPart);
      rest(wire, requests.count());
    }
  };
}

}  // namespace

TEST_CASE("misses of one URL on several workers make one origin request, and all read along while it arrives",
          "[sockets][workers][9111-4][collapse]") {
  Tally requests, part_seen;
  Gate release;
  LiveOrigin origin{in_parts(requests, [&](Wire& wire, std::size_t) {
    release.wait();
    wire.send(std::string(kPart) + std::string(kPart));
  })};
  LiveProxy proxy(reverse_to({origin.port()}), kWorkers);
  Clients all(proxy.port());
  all.each([&](Client& client, std::size_t i) {
    client.send(get_request("/x"));
    Message got = *read_head(client.wire());
    got.body = client.wire().take(kPart.size());
    part_seen.add();
    got.body += client.wire().take(2 * kPart.size());
    all.got[i] = got;
  });
  part_seen.wait_for(kClients);
  CHECK(requests.count() == 1);
  release.open();
  all.crew.join();
  const std::string whole = std::string(kPart) + std::string(kPart) + std::string(kPart);
  for (const Message& got : all.got) {
    CHECK(got.status() == 200);
    CHECK(got.field("Content-Length") == std::to_string(whole.size()));
    CHECK(got.body == whole);
  }
  CHECK(requests.count() == 1);
  CHECK(workers_used(proxy) > 1);
  CHECK(comes_true([&] { return proxy.sum([](const WorkerCounters& c) { return c.fills_in_flight.get(); }) == 0; }));
}

TEST_CASE("when readers leave and the origin cuts the body short, nobody hangs and nothing of it is kept",
          "[sockets][workers][9111-3.3]") {
  Tally requests, part_seen, left;
  Gate cut;
  LiveOrigin origin{in_parts(requests, [&](Wire& wire, std::size_t number) {
    if (number == 1) {
      cut.wait();
      wire.close();
    } else {
      wire.send(std::string(kPart) + std::string(kPart));
    }
  })};
  LiveProxy proxy(reverse_to({origin.port()}), kWorkers);
  Clients all(proxy.port());
  all.each([&](Client& client, std::size_t i) {
    client.send(get_request("/x"));
    Message got = *read_head(client.wire());
    if (i % 4 == 0) {
      part_seen.add();
      return client.wire().abort();
    }
    got.body = client.wire().take(kPart.size());
    part_seen.add();
    if (i % 4 == 1) return client.wire().close();
    got.body += client.wire().take_all();
    all.got[i] = got;
  });
  part_seen.wait_for(kClients);
  cut.open();
  all.crew.join();
  for (std::size_t i = 0; i < kClients; ++i) {
    if (i % 4 < 2) continue;
    CHECK(all.got[i].status() == 200);
    CHECK(all.got[i].body == kPart);
  }
  CHECK(comes_true([&] { return proxy.sum([](const WorkerCounters& c) { return c.fills_in_flight.get(); }) == 0; }));
  CHECK(proxy.store().figures().objects == 0);
  const std::size_t before = requests.count();
  Client client(proxy.port());
  const Message whole = client.get("/x");
  CHECK(whole.complete);
  CHECK(whole.body.size() == 3 * kPart.size());
  CHECK(requests.count() == before + 1);
}

TEST_CASE("the fill goes on on its worker when the client that started it leaves", "[sockets][workers][collapse]") {
  Tally requests;
  Gate release;
  LiveOrigin origin{in_parts(requests, [&](Wire& wire, std::size_t) {
    release.wait();
    wire.send(std::string(kPart) + std::string(kPart));
  })};
  LiveProxy proxy(reverse_to({origin.port()}), kWorkers);
  Clients all(proxy.port());
  {
    Client first(proxy.port());
    first.send(get_request("/x"));
    REQUIRE(read_head(first.wire()));
    REQUIRE(first.wire().take(kPart.size()) == kPart);
  }
  Tally part_seen;
  all.each([&](Client& client, std::size_t i) {
    client.send(get_request("/x"));
    Message got = *read_head(client.wire());
    got.body = client.wire().take(kPart.size());
    part_seen.add();
    got.body += client.wire().take(2 * kPart.size());
    all.got[i] = got;
  });
  part_seen.wait_for(kClients);
  release.open();
  all.crew.join();
  for (const Message& got : all.got) CHECK(got.body.size() == 3 * kPart.size());
  CHECK(requests.count() == 1);
}

TEST_CASE("answers that may not be stored reach one client each", "[sockets][workers][9111-3]") {
  std::atomic<int> made{0};
  LiveOrigin origin{LiveOrigin::Answer([&](const Message&) {
    return make_response("answer number " + std::to_string(made++), "Cache-Control: no-store\r\n");
  })};
  LiveProxy proxy(reverse_to({origin.port()}), kWorkers);
  Clients all(proxy.port());
  constexpr int kRounds = 5;
  std::mutex mutex;
  std::vector<std::string> bodies;
  all.each([&](Client& client, std::size_t) {
    for (int round = 0; round < kRounds; ++round) {
      const Message got = client.get("/x");
      const std::lock_guard lock(mutex);
      bodies.push_back(got.body);
    }
  });
  all.crew.join();
  const std::set<std::string> distinct(bodies.begin(), bodies.end());
  CHECK(bodies.size() == kClients * kRounds);
  CHECK(distinct.size() == kClients * kRounds);
  CHECK(origin.requests() == kClients * kRounds);
  CHECK(proxy.store().figures().objects == 0);
}

TEST_CASE("a stale response that is validated by several workers at once is right for all", "[sockets][workers][9111-4.3]") {
  Tally asked;
  LiveOrigin origin{LiveOrigin::Answer([&](const Message& request) {
    asked.add();
    if (request.field("If-None-Match") == "\"v1\"")
      return std::string("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nCache-Control: max-age=60\r\n\r\n");
    return make_response("hello", "ETag: \"v1\"\r\nCache-Control: max-age=0\r\n");
  })};
  LiveProxy proxy(reverse_to({origin.port()}), kWorkers);
  Client first(proxy.port());
  CHECK(first.get("/x").body == "hello");
  Clients all(proxy.port());
  all.each([&](Client& client, std::size_t i) { all.got[i] = client.get("/x"); });
  all.crew.join();
  for (const Message& got : all.got) CHECK(got.body == "hello");
  CHECK(asked.count() >= 2);
  CHECK(first.get("/x").field("Cache-Status").starts_with("freshet; hit"));
}

TEST_CASE("workers that stop in the middle of everything leave nothing behind", "[sockets][workers]") {
  Tally requests, part_seen;
  LiveOrigin origin{in_parts(requests, [&](Wire& wire, std::size_t) { wire.more(); })};
  LiveProxy proxy(reverse_to({origin.port()}), kWorkers);
  Clients all(proxy.port());
  all.each([&](Client& client, std::size_t i) {
    client.send(get_request("/" + std::to_string(i % 3)));
    Message got = *read_head(client.wire());
    got.body = client.wire().take(kPart.size());
    part_seen.add();
    client.wire().take_all();
    all.got[i] = got;
  });
  part_seen.wait_for(kClients);
  CHECK(requests.count() == 3);
  proxy.stop();
  all.crew.join();
  CHECK(proxy.store().figures().objects == 0);
  CHECK(proxy.store().held() == 0);
}
