// CONNECT (RFC 9110 9.3.6) and Upgrade (RFC 9110 7.8).
#include <catch2/catch.hpp>

#include "origin_rig.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {
OriginPoolOptions open_to_all() {
  OriginPoolOptions options = Rig::one_server();
  options.forward_policies.resize(1);
  options.forward_policies[0].allow_internal = true;
  return options;
}

constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nX-A: b\r\n\r\n";

std::unique_ptr<Call> upgrade(Rig& rig) {
  auto call = rig.with_body(Method::Get, "GET", {});
  call->request.upgrade = "websocket";
  return call;
}

/// A tunnel to origin number 0, by either way.
struct Open {
  explicit Open(bool by_connect, void (*prepare)(MemoryTransport&) = nullptr)
      : rig(open_to_all()), call(by_connect ? rig.connect("10.0.0.1:443") : upgrade(rig)) {
    rig.dialler->prepare = prepare;
    rig.start(*call);
    rig.origin(0).pull();
    if (!by_connect) rig.origin(0).push(kSwitch);
    rig.run();
    if (!call->done() || !call->reply->tunnel) throw std::logic_error("no tunnel");
  }
  BodySource& source() { return *call->reply->body.source; }
  Started<Read> read() {
    auto started = start(rig.worker.loop(), read_once(source()));
    rig.run();
    return started;
  }
  Rig rig;
  std::unique_ptr<Call> call;
};
}  // namespace

TEST_CASE("CONNECT dials and answers 200 without asking the origin anything", "[upstream][RFC 9110 9.3.6]") {
  Rig rig(open_to_all());
  rig.resolver.names["example.com"] = {"192.0.2.9"};
  auto call = rig.connect("example.com:443");
  rig.start(*call);
  REQUIRE(call->done());
  CHECK(rig.dialler->dialled == std::vector<std::string>{"192.0.2.9 443"});
  CHECK(call->reply->head.status == 200);
  CHECK(call->reply->head.fields.empty());
  CHECK(call->reply->tunnel);
  CHECK_FALSE(call->reply->length);
  CHECK(call->reply->outcome.origin_address == "192.0.2.9:443");
  CHECK(rig.origin(0).pull().empty());
  CHECK(rig.counters.forward().connections_active.get() == 1);
  call->reply.reset();
  rig.run();
  CHECK(call->body->destroyed);
  CHECK(rig.counters.forward().connections_active.get() == 0);
}

TEST_CASE("CONNECT falls back on the target for its port", "[upstream][RFC 9110 9.3.6]") {
  Rig rig(open_to_all());
  auto call = rig.connect("example.com:80");
  call->request.head.authority = "example.com";
  rig.start(*call);
  REQUIRE(call->done());
  CHECK(rig.dialler->dialled == std::vector<std::string>{"192.0.2.1 80"});
}

TEST_CASE("CONNECT obeys the policy and closes after a refusal", "[upstream][RFC 9110 9.3.6][policy]") {
  Rig rig;
  auto call = rig.connect("10.0.0.1:443");
  rig.start(*call);
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 403);
  CHECK(call->reply->close);
  CHECK_FALSE(call->reply->tunnel);
  CHECK(rig.dialler->dialled.empty());
  CHECK(call->body->reads == 0);
}

TEST_CASE("CONNECT never takes a kept connection", "[upstream][RFC 9110 9.3.6]") {
  Rig rig(open_to_all());
  auto plain = rig.forward("a.example:443");
  rig.exchange(*plain, 0, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(rig.pool->idle() == 1);
  auto call = rig.connect("a.example:443");
  rig.start(*call);
  REQUIRE(call->done());
  CHECK(rig.origins() == 2);
}

TEST_CASE("An upgrade that is granted becomes a tunnel with what came behind the 101", "[upstream][RFC 9110 7.8]") {
  Rig rig;
  auto call = upgrade(rig);
  call->body->push("early");
  rig.start(*call);
  CHECK(rig.origin(0).pull() ==
        "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  CHECK(call->body->reads == 0);
  rig.origin(0).push(std::string(kSwitch) + "frame");
  rig.run();
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 101);
  CHECK(call->reply->upgrade == "websocket");
  CHECK(block_of(call->reply->head.fields) == "X-A: b\n");
  CHECK(call->reply->tunnel);
  CHECK(run(rig.worker.loop(), read_once(*call->reply->body.source)).text == "frame");
  CHECK(rig.origin(0).pull() == "early");
  CHECK(call->reply->outcome.origin_status == 101);
  CHECK(rig.counted().requests[code_class(101)].get() == 1);
}

TEST_CASE("An upgrade that is not granted is an ordinary exchange, and the client's bytes stay unread",
          "[upstream][RFC 9110 7.8]") {
  Rig rig;
  auto call = upgrade(rig);
  call->body->push("GET /evil HTTP/1.1\r\n\r\n");
  rig.exchange(*call, 0, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
  REQUIRE(call->done());
  CHECK_FALSE(call->reply->tunnel);
  CHECK(rig.body_of(*call).text == "no");
  CHECK(call->body->reads == 0);
  CHECK(rig.origin(0).pull().empty());
  CHECK(rig.pool->idle() == 1);
}

TEST_CASE("A 101 that names no protocol is not believed", "[upstream][RFC 9110 15.2.2]") {
  Rig rig;
  auto call = upgrade(rig);
  rig.exchange(*call, 0, "HTTP/1.1 101 Switching Protocols\r\n\r\n");
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 502);
  CHECK(call->body->reads == 0);
}

TEST_CASE("P2: a 101 to a protocol that was not offered is not believed", "[upstream][RFC 9110 7.8]") {
  for (const std::string chosen : {"h2c", "websocket, h2c", "websockets", "\"websocket\"", ","}) {
    CAPTURE(chosen);
    Rig rig;
    auto call = upgrade(rig);
    rig.exchange(*call, 0,
                 "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: " + chosen + "\r\n\r\n");
    REQUIRE(call->done());
    CHECK(call->reply->head.status == 502);
    CHECK(call->body->reads == 0);
  }
  Rig rig;
  auto call = upgrade(rig);
  rig.exchange(*call, 0, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\n");
  REQUIRE(call->done());
  CHECK(call->reply->tunnel);
}

TEST_CASE("P22: a connection whose interim answer spoke of content is not used again", "[upstream][RFC 9110 8.6]") {
  for (const std::string said : {"", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"}) {
    CAPTURE(said);
    Rig rig;
    auto call = rig.get("/");
    rig.exchange(*call, 0, "HTTP/1.1 103 Early Hints\r\n" + said + "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    REQUIRE(call->done());
    CHECK(call->reply->head.status == 200);
    CHECK(rig.pool->idle() == (said.empty() ? 1U : 0U));
  }
}

TEST_CASE("Bytes go both ways until each end has finished", "[upstream][tunnel]") {
  for (const bool by_connect : {true, false}) {
    Open open(by_connect);
    auto& origin = open.rig.origin(0);
    for (int i = 0; i < 3; ++i) {
      const std::string n = std::to_string(i);
      open.call->body->push("ping" + n);
      auto read = open.read();
      CHECK(origin.pull() == "ping" + n);
      CHECK_FALSE(read.done());
      origin.push("pong" + n);
      open.rig.run();
      REQUIRE(read.done());
      CHECK(read.get().text == "pong" + n);
    }
    SECTION(std::string("the client first") + (by_connect ? ", CONNECT" : ", Upgrade")) {
      open.call->body->push("bye", true);
      open.rig.run();
      CHECK(origin.pull() == "bye");
      CHECK(origin.ended());
      origin.push("rest");
      auto read = open.read();
      CHECK(read.get().text == "rest");
      origin.shutdown_write();
      auto last = open.read();
      CHECK(last.get().last);
    }
    SECTION(std::string("the origin first") + (by_connect ? ", CONNECT" : ", Upgrade")) {
      origin.shutdown_write();
      auto last = open.read();
      const Read read = last.get();
      CHECK(read.last);
      CHECK_FALSE(read.failure);
      CHECK_FALSE(origin.ended());
      // The session may drop its half now: the other one goes on.
      open.call->reply.reset();
      open.call->body->push("rest", true);
      open.rig.run();
      CHECK(origin.pull() == "rest");
      CHECK(origin.ended());
      CHECK_FALSE(origin.was_reset());
    }
    open.call->reply.reset();
    open.rig.run();
    CHECK(open.call->body->destroyed);
    CHECK(open.rig.counters.forward().connections_active.get() == 0);
    CHECK(open.rig.counted().connections_active.get() == 0);
  }
}

TEST_CASE("A tunnel that fails on one side is reset on the other", "[upstream][tunnel]") {
  Open open(true);
  auto& origin = open.rig.origin(0);
  SECTION("the client") {
    auto read = open.read();
    open.call->body->fail();
    open.rig.run();
    CHECK(origin.was_reset());
    REQUIRE(read.done());
    CHECK(read.get().failure);
  }
  SECTION("the origin") {
    auto read = open.read();
    origin.abort();
    open.rig.run();
    REQUIRE(read.done());
    const Read got = read.get();
    REQUIRE(got.failure);
    CHECK(got.failure->reason == Reason::ConnectionReset);
    CHECK(open.call->body->cancelled);
  }
  SECTION("the session gives up") {
    open.call->reply.reset();
    open.rig.run();
    CHECK(origin.was_reset());
    CHECK(open.call->body->cancelled);
  }
  SECTION("the session cancels") {
    auto read = open.read();
    open.source().cancel();
    open.rig.run();
    REQUIRE(read.done());
    CHECK(read.get().failure);
  }
  open.call->reply.reset();
  open.rig.run();
  CHECK(open.call->body->destroyed);
  CHECK(open.rig.counters.forward().connections_active.get() == 0);
}

TEST_CASE("A tunnel may be idle so long, and either direction counts", "[upstream][tunnel][timeouts]") {
  Open open(true);
  auto& origin = open.rig.origin(0);
  for (int i = 0; i < 3; ++i) {
    auto read = open.read();
    open.rig.pass(Milliseconds(599000));
    origin.push("x");
    open.rig.run();
    CHECK(read.get().text == "x");
    open.rig.pass(Milliseconds(599000));
    open.call->body->push("y");
    open.rig.run();
    CHECK(origin.pull() == "y");
  }
  auto read = open.read();
  open.rig.pass(Milliseconds(600100));
  REQUIRE(read.done());
  const Read got = read.get();
  REQUIRE(got.failure);
  CHECK(got.failure->reason == Reason::TunnelIdle);
  CHECK(origin.was_reset());
  CHECK(open.call->body->destroyed);
}

TEST_CASE("A blocked direction does not end a tunnel whose other one is busy", "[upstream][tunnel][timeouts]") {
  Open open(true, [](MemoryTransport& t) { t.set_send_capacity(40); });
  auto& origin = open.rig.origin(0);
  open.call->body->push(std::string(100, 'a'));
  open.rig.run();
  for (int i = 0; i < 4; ++i) {
    auto read = open.read();
    open.rig.pass(Milliseconds(400000));
    origin.push("x");
    open.rig.run();
    REQUIRE(read.done());
    CHECK(read.get().text == "x");
  }
  CHECK(origin.pull() == std::string(40, 'a'));
  open.rig.run();
  CHECK(origin.pull() == std::string(40, 'a'));
}

TEST_CASE("A tunnel goes at the pace of its slow side", "[upstream][tunnel][back-pressure]") {
  Rig rig(open_to_all());
  rig.dialler->prepare = [](MemoryTransport& t) { t.set_send_capacity(150); };
  auto call = rig.connect("10.0.0.1:443");
  rig.start(*call);
  REQUIRE(call->done());
  for (int i = 0; i < 10; ++i) call->body->push(std::string(100, 'a'), i == 9);
  rig.run();
  CHECK(call->body->reads <= 3);
  std::string got;
  for (int i = 0; i < 20; ++i) {
    got += rig.origin(0).pull();
    rig.run();
  }
  CHECK(got == std::string(1000, 'a'));
  CHECK(rig.closed(0));
}

TEST_CASE("A client that always has another message for its tunnel lets others have their turn", "[upstream][tunnel]") {
  constexpr std::size_t kMessages = 1000;
  Rig rig(open_to_all());
  auto call = rig.connect("10.0.0.1:443");
  for (std::size_t i = 0; i < kMessages; ++i) call->body->push("ping");
  call->started.emplace(test::start(rig.worker.loop(), rig.pool->serve(call->request)));
  std::size_t turns = 0;
  while (rig.worker.loop().poll_one() > 0) ++turns;
  CHECK(turns >= kMessages / 32 - 2);
  CHECK(rig.origin(0).pull().size() == 4 * kMessages);
}
