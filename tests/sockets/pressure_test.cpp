// A store that is far too small, and invalidations, under load.
#include <catch2/catch.hpp>

#include <random>

#include "support/live_proxy.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr std::size_t kUrls = 200;

/// 0 to 40 KB, a few of 300 KB; each byte says which URL it belongs to.
std::string content(std::string_view target) {
  const std::size_t n = static_cast<std::size_t>(std::stoul(std::string(target.substr(1))));
  const std::size_t size = n % 50 == 49 ? 300'000 : n * 211 % 40'000;
  const std::string line = "content of " + std::string(target) + '\n';
  std::string out;
  out.reserve(size + line.size());
  while (out.size() < size) out += line;
  out.resize(size);
  return out;
}

std::string play_origin(const Message& request) {
  if (request.method() == "POST") return make_response("done", "Cache-Control: no-store\r\n");
  const std::string body = content(request.target());
  const char* fields = "Cache-Control: max-age=60\r\n";
  if (body.size() % 3 != 0 || body.empty()) return make_response(body, fields);
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", body.size());
  return std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n") + fields + "\r\n" + size + body + "\r\n0\r\n\r\n";
}

struct Findings {
  std::size_t wrong = 0;
  std::uint64_t most_held = 0;
};

/// What one client does.
Findings hammer(LiveProxy& proxy, unsigned seed, std::size_t requests) {
  std::mt19937 random(seed);
  const std::uint16_t port = proxy.port();
  Client client(port);
  Findings found;
  for (std::size_t i = 0; i < requests; ++i) {
    // Squared: some URLs are asked for far more often than others.
    const std::size_t draw = random() % kUrls;
    const std::string target = "/" + std::to_string(draw * draw / kUrls);
    if (random() % 20 == 0) {
      const Message got = client.ask("POST " + target + " HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nnew");
      found.wrong += got.status() != 200 || got.body != "done";
    } else if (random() % 20 == 0) {
      Client leaving(port);
      leaving.send(get_request(target));
      leaving.wire().take(1);
    } else {
      const Message got = client.get(target);
      found.wrong += got.status() != 200 || !got.complete || got.body != content(target);
    }
    found.most_held = std::max(found.most_held, proxy.store().held());
  }
  return found;
}

}  // namespace

TEST_CASE("a small store under load gives right bodies only, keeps its limit and comes back to nothing",
          "[sockets][workers][eviction]") {
  LiveOrigin origin{LiveOrigin::Answer(play_origin)};
  Settings settings = reverse_to({origin.port()});
  settings.cache.max_size = 1u << 20;
  LiveProxy proxy(std::move(settings), 4);
  constexpr std::size_t kClients = 16, kRequests = 250;
  std::vector<Findings> found(kClients);
  Crew crew;
  for (unsigned i = 0; i < kClients; ++i) crew.start([&, i] { found[i] = hammer(proxy, i, kRequests); });
  crew.join();
  for (const Findings& one : found) {
    CHECK(one.wrong == 0);
    CHECK(one.most_held <= proxy.store().limit());
  }

  CHECK(comes_true([&] { return proxy.sum([](const WorkerCounters& c) { return c.fills_in_flight.get(); }) == 0; }));
  const StoreFigures figures = proxy.store().figures();
  CHECK(figures.bytes <= figures.limit);
  CHECK(figures.objects > 0);
  CHECK(figures.objects <= kUrls);
  CHECK(figures.evicted_for_room > 0);
  CHECK(figures.invalidated > 0);

  Client client(proxy.port());
  for (std::size_t i = 0; i < kUrls; ++i)
    client.ask("DELETE /" + std::to_string(i) + " HTTP/1.1\r\nHost: a.example\r\n\r\n");
  CHECK(proxy.store().figures().objects == 0);
  client.wire().close();
  CHECK(comes_true([&] { return proxy.connections() == 0; }));
  proxy.stop();
  CHECK(proxy.store().held() == 0);
}

TEST_CASE("a response larger than the whole store passes through to every client", "[sockets][workers][eviction]") {
  const std::string large(3u << 20, 'x');
  LiveOrigin origin{LiveOrigin::Answer([&](const Message& request) {
    if (request.target() == "/known") return make_response(large, "Cache-Control: max-age=60\r\n");
    return "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nCache-Control: max-age=60\r\n\r\n300000\r\n" +
           large + "\r\n0\r\n\r\n";
  })};
  Settings settings = reverse_to({origin.port()});
  settings.cache.max_size = 1u << 20;
  LiveProxy proxy(std::move(settings), 4);
  for (const char* target : {"/known", "/unknown"}) {
    INFO(target);
    std::atomic<int> right{0};
    Crew crew;
    for (int i = 0; i < 8; ++i)
      crew.start([&] {
        Client client(proxy.port());
        const Message got = client.get(target);
        right += got.complete && got.body == large;
      });
    crew.join();
    CHECK(right == 8);
  }
  CHECK(comes_true([&] { return proxy.sum([](const WorkerCounters& c) { return c.fills_in_flight.get(); }) == 0; }));
  CHECK(proxy.store().held() <= proxy.store().limit());
  proxy.stop();
  CHECK(proxy.store().figures().objects == 0);
  CHECK(proxy.store().held() == 0);
}
