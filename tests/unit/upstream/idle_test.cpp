// Kept connections and limits.
#include <catch2/catch.hpp>

#include "origin_rig.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {
constexpr std::string_view kEmptyOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

// `count` requests at the same time, each on a connection of its own; answered and idle afterwards.
void fill(Rig& rig, std::size_t count, std::string_view authority = {}) {
  std::vector<std::unique_ptr<Call>> calls;
  const std::size_t first = rig.origins();
  for (std::size_t i = 0; i < count; ++i) {
    calls.push_back(authority.empty() ? rig.get() : rig.forward(authority));
    rig.start(*calls.back());
  }
  for (std::size_t i = first; i < rig.origins(); ++i) rig.origin(i).push(kEmptyOk);
  rig.run();
  for (auto& call : calls) {
    if (!call->done()) throw std::logic_error("not answered");
  }
}

OriginPoolOptions open_to_all() {
  OriginPoolOptions options = Rig::one_server();
  options.forward_policies.resize(1);
  options.forward_policies[0].allow_internal = true;
  return options;
}
}  // namespace

TEST_CASE("The connection that became idle last is taken first", "[upstream][idle]") {
  Rig rig;
  fill(rig, 3);
  REQUIRE(rig.pool->idle() == 3);
  auto call = rig.get();
  rig.start(*call);
  CHECK(rig.origin(2).pull().size() > 40);
  CHECK(rig.pool->idle() == 2);
  rig.origin(2).push(kEmptyOk);
  rig.run();
  CHECK(rig.pool->idle() == 3);
}

TEST_CASE("A dead idle connection is passed over for an older live one", "[upstream][idle]") {
  Rig rig;
  fill(rig, 3);
  rig.origin(2).close();
  rig.origin(1).push("x");
  auto call = rig.get();
  rig.start(*call);
  CHECK(rig.origins() == 3);
  CHECK(rig.pool->idle() == 0);
  CHECK(rig.closed(1));
  rig.origin(0).push(kEmptyOk);
  rig.run();
  REQUIRE(call->done());
}

TEST_CASE("An idle connection is closed when its time is over", "[upstream][idle]") {
  Rig rig;
  fill(rig, 1);
  rig.pass(Milliseconds(59800));
  CHECK(rig.pool->idle() == 1);
  rig.pass(Milliseconds(300));
  CHECK(rig.pool->idle() == 0);
  CHECK(rig.closed(0));
  CHECK(rig.counted().connections_idle.get() == 0);
}

TEST_CASE("No more idle connections are kept for one upstream than allowed", "[upstream][idle][limits]") {
  for (const std::size_t limit : {std::size_t(0), std::size_t(1), std::size_t(2), std::size_t(3)}) {
    OriginPoolOptions options = Rig::one_server();
    options.limits.idle_connections_per_upstream = limit;
    Rig rig(options);
    fill(rig, 2);
    CHECK(rig.pool->idle() == std::min(limit, std::size_t(2)));
    if (limit == 1) {
      CHECK(rig.closed(0));
      CHECK_FALSE(rig.closed(1));
    }
  }
}

TEST_CASE("No more idle connections are kept in all than allowed, the oldest goes", "[upstream][idle][limits]") {
  OriginPoolOptions options = open_to_all();
  options.limits.idle_connections = 3;
  Rig rig(options);
  fill(rig, 1);
  fill(rig, 2, "a.example");
  CHECK(rig.pool->idle() == 3);
  fill(rig, 1, "b.example");
  CHECK(rig.pool->idle() == 3);
  CHECK(rig.closed(0));
  CHECK(rig.counted().connections_idle.get() == 0);
  CHECK(rig.counters.forward().connections_idle.get() == 3);
}

TEST_CASE("Forward connections are kept by authority", "[upstream][idle]") {
  Rig rig(open_to_all());
  fill(rig, 1, "a.example");
  auto other = rig.forward("b.example");
  rig.start(*other);
  CHECK(rig.origins() == 2);
  auto port = rig.forward("a.example:81");
  rig.start(*port);
  CHECK(rig.origins() == 3);
  auto same = rig.forward("a.example");
  rig.start(*same);
  CHECK(rig.origins() == 3);
  CHECK(rig.counters.forward().connections_reused.get() == 1);
  CHECK(rig.counters.forward().connections_active.get() == 3);
}

TEST_CASE("Without a queue requests beyond the limit get 503 at once", "[upstream][limits]") {
  OriginPoolOptions options = open_to_all();
  options.limits.queue_per_upstream = 0;
  options.limits.requests_per_upstream = 2;
  Rig rig(options);
  for (const char* authority : {"", "a.example"}) {
    auto make = [&] { return *authority ? rig.forward(authority) : rig.get(); };
    const std::size_t first = rig.origins();
    auto a = make(), b = make(), c = make();
    rig.start(*a);
    rig.start(*b);
    rig.start(*c);
    REQUIRE(c->done());
    CHECK(c->reply->head.status == 503);
    CHECK(c->reply->outcome.reason == Reason::UpstreamBusy);
    CHECK_FALSE(c->reply->outcome.origin_asked);
    CHECK_FALSE(b->done());
    rig.origin(first).push(kEmptyOk);
    rig.run();
    auto d = make();
    rig.start(*d);
    CHECK_FALSE(d->done());
    CHECK(rig.origins() == first + 2);
    rig.origin(first).close();
    rig.origin(first + 1).close();
    rig.run();
  }
}

TEST_CASE("Idle connections to one server make room for new ones to another", "[upstream][limits]") {
  OriginPoolOptions options = Rig::servers(2);
  options.limits.requests_per_upstream = 2;
  Rig rig(options);
  auto a = rig.get();
  rig.exchange(*a, 0, kEmptyOk);  // the first server, idle
  auto b = rig.get();             // the second
  rig.start(*b);
  CHECK(rig.pool->idle() == 1);
  auto c = rig.get();  // the first again, from the idle ones
  rig.start(*c);
  CHECK(rig.origins() == 2);
  rig.origin(0).push(kEmptyOk);
  rig.run();
  auto d = rig.get();  // the second again, a new connection: the idle one to the first has to go
  rig.start(*d);
  CHECK(rig.origins() == 3);
  CHECK(rig.pool->idle() == 0);
  CHECK(rig.closed(0));
}

TEST_CASE("close_idle() closes the idle ones and keeps none from then on", "[upstream][shutdown]") {
  Rig rig;
  fill(rig, 2);
  auto call = rig.get();
  rig.start(*call);
  rig.pool->close_idle();
  CHECK(rig.pool->idle() == 0);
  CHECK(rig.closed(0));
  CHECK_FALSE(call->done());
  rig.origin(1).push(kEmptyOk);
  rig.run();
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 200);
  CHECK(rig.pool->idle() == 0);
  CHECK(rig.closed(1));
}

TEST_CASE("A reply may outlive the pool", "[upstream][shutdown]") {
  Rig rig;
  fill(rig, 2);
  auto call = rig.get();
  rig.exchange(*call, 1, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
  REQUIRE(call->done());
  const auto origin = std::move(rig.dialler->origins[1]);
  rig.pool.reset();
  origin->push("abc");
  CHECK(rig.body_of(*call).text == "abc");
  call->reply.reset();
  CHECK(rig.counted().connections_active.get() == 0);
  CHECK(rig.counted().connections_idle.get() == 0);
}
