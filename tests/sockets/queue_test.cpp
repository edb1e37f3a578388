// Bounds at the upstream and for each client, seen from both ends of the wire.
#include <catch2/catch.hpp>

#include "support/live_proxy.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

std::uint64_t queued(const LiveProxy& proxy) {
  return proxy.sum([](const WorkerCounters& c) { return c.upstream[0].queued.get(); });
}

std::uint64_t denied(const LiveProxy& proxy, Reason reason) {
  return proxy.sum([reason](const WorkerCounters& c) { return c.denied[static_cast<std::size_t>(reason)].get(); });
}

}  // namespace

TEST_CASE("a request whose client leaves while it waits does not reach the origin", "[sockets][queue]") {
  Tally in_flight;
  Gate release;
  std::mutex mutex;
  std::vector<std::string> asked;
  LiveOrigin origin{LiveOrigin::Answer([&](const Message& request) {
    {
      const std::lock_guard lock(mutex);
      asked.push_back(request.target());
    }
    in_flight.add();
    release.wait();
    return make_response("hello", "Cache-Control: no-store\r\n");
  })};
  Settings settings = reverse_to({origin.port()});
  settings.upstreams[0].max_requests = 1;
  LiveProxy proxy(settings);
  Client holder(proxy.port()), patient(proxy.port());
  holder.send(get_request("/holder"));
  in_flight.wait_for(1);
  for (const bool abruptly : {false, true}) {
    Client leaver(proxy.port());
    const std::uint64_t before = queued(proxy);
    leaver.send(get_request(abruptly ? "/reset" : "/closed"));
    REQUIRE(comes_true([&] { return queued(proxy) == before + 1; }));
    if (abruptly)
      leaver.wire().abort();
    else
      leaver.wire().close();
  }
  patient.send(get_request("/patient"));
  REQUIRE(comes_true([&] { return queued(proxy) == 3; }));
  release.open();
  CHECK(holder.response().body == "hello");
  CHECK(patient.response().body == "hello");
  CHECK(comes_true([&] { return proxy.connections() == 2; }));
  CHECK(asked == std::vector<std::string>{"/holder", "/patient"});
  CHECK(queued(proxy) == 0);
}

TEST_CASE("a full queue and a wait that is too long are told as 503, and the connection goes on", "[sockets][queue]") {
  Tally in_flight;
  Gate release;
  LiveOrigin origin{LiveOrigin::Answer([&](const Message&) {
    in_flight.add();
    release.wait();
    return make_response("hello", "Cache-Control: no-store\r\n");
  })};
  Settings settings = reverse_to({origin.port()});
  settings.limits.requests_per_upstream = 1;
  settings.limits.queue_per_upstream = 1;
  settings.timeouts.queue = Milliseconds(200);
  LiveProxy proxy(settings);
  Client holder(proxy.port()), waiting(proxy.port()), refused(proxy.port());
  holder.send(get_request("/a"));
  in_flight.wait_for(1);
  waiting.send(get_request("/b"));
  REQUIRE(comes_true([&] { return queued(proxy) == 1; }));
  const Message full = refused.get("/c");
  CHECK(full.status() == 503);
  CHECK(full.field("Retry-After") == "1");
  CHECK(full.field("Cache-Status") == "freshet; detail=queue-full");
  CHECK(full.field("Proxy-Status") ==
        "freshet; error=connection_limit_reached; details=\"too many requests wait for this origin\"");
  const Message late = waiting.response();
  CHECK(late.status() == 503);
  CHECK(late.field("Cache-Status") == "freshet; detail=queue-timeout");
  CHECK(comes_true([&] { return denied(proxy, Reason::QueueFull) == 1 && denied(proxy, Reason::QueueTimeout) == 1; }));
  release.open();
  CHECK(holder.response().status() == 200);
  CHECK(refused.get("/d").status() == 200);
  CHECK(waiting.get("/e").status() == 200);
}

TEST_CASE("beyond a route's rate the answer is 429 with Retry-After, and the connection goes on",
          "[sockets][rate][RFC 6585 4]") {
  LiveOrigin origin{
      LiveOrigin::Answer([](const Message&) { return make_response("hello", "Cache-Control: max-age=60\r\n"); })};
  Settings settings = reverse_to({origin.port()});
  RateLimitSettings limit;
  limit.requests = 3;
  limit.per = std::chrono::hours(1);
  limit.key.header = "X-Api-Key";
  settings.listeners[0].routes[0].rate_limit = limit;
  LiveProxy proxy(settings);
  Client client(proxy.port()), other(proxy.port());
  for (int i = 0; i < 3; ++i) CHECK(client.get("/x", "X-Api-Key: a\r\n").status() == 200);
  const Message much =
      client.ask("POST /x HTTP/1.1\r\nHost: a.example\r\nX-Api-Key: a\r\nContent-Length: 3\r\n\r\nnew");
  CHECK(much.status() == 429);
  CHECK(much.field("Retry-After") == "1200");
  CHECK(much.field("Cache-Status") == "freshet; detail=rate-limited");
  CHECK(other.get("/x", "X-Api-Key: a\r\n").status() == 429);  // the client is the key, not the connection
  CHECK(client.get("/x", "X-Api-Key: b\r\n").status() == 200);
  CHECK(comes_true([&] { return denied(proxy, Reason::RateLimited) == 2; }));
  CHECK(origin.requests() == 1);
}
