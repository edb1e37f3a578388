// Rate limits in the pipeline: every request of a route counts once, and what is too much gets 429 (RFC 6585 4).
#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

RateLimit limit(std::uint32_t requests, std::string header = {}, std::uint16_t id = 0) {
  RateLimit made;
  made.rate = make_token_rate(requests, Milliseconds(10000), 0);
  made.header = std::move(header);
  made.id = id;
  return made;
}

ProxyOptions limited() {
  ProxyOptions options = Pipeline::default_options();
  options.rates = std::make_shared<RateTable>();
  Route api{"", "/api/", 0, limit(2)};
  options.listeners[0].routes.insert(options.listeners[0].routes.begin(), api);
  options.listeners[1].rate = limit(2, {}, 1);
  return options;
}

Ask forward(std::string method, std::string url) {
  Ask ask(std::move(method), std::move(url));
  ask.listener = 1;
  ask.absolute_form = true;
  return ask;
}

void check_limited(const Got& got, const char* seconds) {
  CHECK(got.status == 429);
  CHECK(got.field("Retry-After") == seconds);
  CHECK(got.outcome.reason == Reason::RateLimited);
  CHECK(got.cache_status == "freshet; detail=rate-limited");
  CHECK(got.field("Cache-Control") == "no-store");
  CHECK_FALSE(got.close);
}

}  // namespace

TEST_CASE("Hits and misses of a route count alike, each once", "[scenario][rate][RFC 6585 4]") {
  Pipeline p(limited());
  CHECK(p.ask("http://a.example/api/x").status == 200);  // try_now() and serve() both see it
  const Got hit = p.ask("http://a.example/api/x");
  CHECK(hit.at_once);
  check_limited(p.ask("http://a.example/api/x"), "5");
  CHECK(p.ask("http://a.example/other").status == 200);  // another route
  CHECK(p.origin.seen.size() == 2);
  p.clock.advance(Milliseconds(4900));
  check_limited(p.ask("http://a.example/api/y"), "1");
  p.clock.advance(Milliseconds(200));
  CHECK(p.ask("http://a.example/api/x").at_once);
}

TEST_CASE("Requests that the cache has no part in count too", "[scenario][rate]") {
  Pipeline p(limited());
  CHECK(p.ask(Ask("POST", "http://a.example/api/x")).status == 200);
  CHECK(p.ask(Ask("DELETE", "http://a.example/api/x")).status == 200);
  check_limited(p.ask(Ask("POST", "http://a.example/api/x")), "5");
  CHECK(p.origin.seen.size() == 2);
}

TEST_CASE("A forward listener counts what it refuses besides", "[scenario][rate]") {
  Pipeline p(limited());
  CHECK(p.ask(forward("CONNECT", "http://a.example:25")).outcome.reason == Reason::PortRefused);
  CHECK(p.ask(forward("GET", "http://a.example/")).status == 200);
  check_limited(p.ask(forward("GET", "http://b.example/")), "5");
  const Got connect = p.ask(forward("CONNECT", "http://a.example:443"));
  CHECK(connect.status == 429);
  CHECK(connect.close);                                  // RFC 9931
  CHECK(p.ask("http://a.example/api/x").status == 200);  // another listener's limit is another one
}

TEST_CASE("Clients can be told apart by a field", "[scenario][rate]") {
  ProxyOptions options = limited();
  options.listeners[0].routes[0].rate = limit(1, "X-Api-Key");
  Pipeline p(options);
  CHECK(p.ask({"http://a.example/api/x", {{"X-Api-Key", "one"}}}).status == 200);
  CHECK(p.ask({"http://a.example/api/x", {{"X-Api-Key", "two"}}}).status == 200);
  CHECK(p.ask({"http://a.example/api/x", {{"X-Api-Key", "one"}}}).status == 429);
  CHECK(p.ask("http://a.example/api/x").status == 200);
  CHECK(p.ask("http://a.example/api/x").status == 429);
}
