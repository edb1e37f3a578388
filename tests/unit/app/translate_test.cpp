// From settings to the options of one worker.
#include "../../../src/app/translate.hpp"

#include <catch2/catch.hpp>

#include "freshet/config/load.hpp"

using namespace freshet;

namespace {

Settings loaded(const std::string& yaml) {
  const auto none = [](const std::string&) -> std::optional<std::string> { return {}; };
  LoadResult result = load_text(yaml, "f", none);
  REQUIRE(result.good());
  return result.settings;
}

}  // namespace

TEST_CASE("the shares of the workers add up, and none is nothing", "[app][limits]") {
  for (const std::size_t total : {1u, 3u, 4u, 7u, 16u, 4096u})
    for (const unsigned workers : {1u, 2u, 3u, 4u, 16u}) {
      std::size_t sum = 0;
      for (unsigned worker = 0; worker < workers; ++worker) {
        const std::size_t share = share_of(total, worker, workers);
        CHECK(share >= 1);
        CHECK(share <= total / workers + 1);
        sum += share;
      }
      CHECK(sum == std::max<std::size_t>(total, workers));
    }
}

TEST_CASE("limits of upstreams reach each worker as its share", "[app][limits]") {
  Settings settings = loaded(R"(
listeners: [{bind: "127.0.0.1:1", routes: [{upstream: a, path: /a}, {upstream: b}]}]
upstreams:
  a: {servers: ["http://127.0.0.1:2"], max_requests: 5}
  b: {servers: ["http://127.0.0.1:3"]}
limits: {requests_per_upstream: 100, queue_per_upstream: 6, fills: 7}
timeouts: {queue: 3s}
)");
  const OriginPoolOptions first = origin_pool_options(settings, 0, 2), second = origin_pool_options(settings, 1, 2);
  CHECK(first.upstreams[0].requests == 3);
  CHECK(second.upstreams[0].requests == 2);
  CHECK(first.upstreams[1].requests == 0);  // as limits say
  CHECK(first.limits.requests_per_upstream == 50);
  CHECK(first.limits.queue_per_upstream == 3);
  CHECK(first.timeouts.queue == Milliseconds(3000));
  CHECK(store_options(settings).max_fills == 7);
  settings.limits.queue_per_upstream = 0;
  CHECK(origin_pool_options(settings, 0, 2).limits.queue_per_upstream == 0);
  settings.limits.queue_per_upstream = 1;
  CHECK(origin_pool_options(settings, 1, 2).limits.queue_per_upstream == 1);
}

TEST_CASE("each rate limit has buckets of its own", "[app][limits][rate]") {
  const Settings settings = loaded(R"(
listeners:
  - bind: 127.0.0.1:1
    routes:
      - {path: /a, upstream: a, rate_limit: {requests: 10, per: 2s, burst: 30, key: header:X-Key}}
      - {path: /b, upstream: a}
      - {upstream: a, rate_limit: {requests: 1}}
  - {bind: 127.0.0.1:2, forward: {rate_limit: {requests: 2}}}
upstreams: {a: {servers: ["http://127.0.0.1:3"]}}
)");
  const ProxyOptions options = proxy_options(settings, "token");
  const auto& routes = options.listeners[0].routes;
  CHECK(options.rates);
  CHECK(routes[0].rate->rate.interval == std::chrono::milliseconds(200));
  CHECK(routes[0].rate->rate.burst == 30);
  CHECK(routes[0].rate->header == "X-Key");
  CHECK_FALSE(routes[1].rate);
  CHECK(routes[2].rate->rate.burst == 1);
  CHECK(options.listeners[1].rate->rate.burst == 2);
  CHECK(routes[0].rate->id != routes[2].rate->id);
  CHECK(routes[2].rate->id != options.listeners[1].rate->id);
  const Settings plain = loaded("listeners: [{bind: \"127.0.0.1:2\", forward: {}}]");
  CHECK_FALSE(proxy_options(plain, "token").rates);  // no table for nobody
}
