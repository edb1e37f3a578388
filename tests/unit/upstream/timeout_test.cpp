// No wait without an end.
#include <catch2/catch.hpp>

#include "origin_rig.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {
OriginPoolOptions timed() {
  OriginPoolOptions options = Rig::servers(2);
  options.timeouts.first_byte = Milliseconds(30000);
  options.timeouts.between_bytes = Milliseconds(10000);
  return options;
}
void check_late(Rig& rig, Call& call, Reason reason) {
  REQUIRE(call.done());
  CHECK(call.reply->head.status == 504);
  CHECK(call.reply->outcome.reason == reason);
  CHECK(call.reply->outcome.origin_asked);
  CHECK(rig.closed(0));
  CHECK(rig.counted().connections_active.get() == 0);
  CHECK(rig.counted().failures.get() == 1);
  CHECK_FALSE(rig.pool->server_healthy(0, 0));
}
}  // namespace

TEST_CASE("The first byte may take so long, from the end of the request", "[upstream][timeouts]") {
  Rig rig(timed());
  auto call = rig.get();
  rig.start(*call);
  rig.pass(Milliseconds(29800));
  CHECK_FALSE(call->done());
  rig.pass(Milliseconds(300));
  check_late(rig, *call, Reason::FirstByteTimeout);
}

TEST_CASE("While the client still sends, the origin is not late", "[upstream][timeouts]") {
  Rig rig(timed());
  auto call = rig.with_body(Method::Post, "POST", 6);
  rig.start(*call);
  call->body->push("abc");
  rig.run();
  rig.pass(Milliseconds(100000));
  CHECK_FALSE(call->done());
  call->body->push("def", true);
  rig.run();
  rig.pass(Milliseconds(29800));
  CHECK_FALSE(call->done());
  rig.pass(Milliseconds(300));
  check_late(rig, *call, Reason::FirstByteTimeout);
}

TEST_CASE("A head that stops in the middle is between bytes", "[upstream][timeouts]") {
  Rig rig(timed());
  auto call = rig.get();
  rig.start(*call);
  rig.pass(Milliseconds(29000));
  rig.origin(0).push("HTTP/1.1 200 OK\r\n");
  rig.run();
  rig.pass(Milliseconds(9800));
  CHECK_FALSE(call->done());
  rig.pass(Milliseconds(300));
  check_late(rig, *call, Reason::BetweenBytesTimeout);
}

TEST_CASE("After an interim answer the final one has the time of a first byte again", "[upstream][timeouts]") {
  Rig rig(timed());
  auto call = rig.get();
  rig.start(*call);
  rig.pass(Milliseconds(29000));
  rig.origin(0).push("HTTP/1.1 102 Processing\r\n\r\n");
  rig.run();
  rig.pass(Milliseconds(29000));
  CHECK_FALSE(call->done());
  rig.pass(Milliseconds(1300));
  check_late(rig, *call, Reason::FirstByteTimeout);
}

TEST_CASE("An interim answer during the upload does not make the wait after it endless", "[upstream][timeouts]") {
  Rig rig(timed());
  auto call = rig.with_body(Method::Post, "POST", 6);
  rig.start(*call);
  call->body->push("abc");
  rig.run();
  rig.origin(0).push("HTTP/1.1 102 Processing\r\n\r\n");
  rig.run();
  call->body->push("def", true);
  rig.run();
  rig.pass(Milliseconds(29800));
  CHECK_FALSE(call->done());
  rig.pass(Milliseconds(300));
  check_late(rig, *call, Reason::FirstByteTimeout);
}

TEST_CASE("A server that is late on a kept connection is set aside too", "[upstream][timeouts][balance]") {
  Rig rig(timed());
  rig.warm_up();
  auto other = rig.get();
  rig.exchange(*other, 1, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  auto call = rig.get();
  rig.start(*call);
  rig.pass(Milliseconds(30100));
  check_late(rig, *call, Reason::FirstByteTimeout);
}

TEST_CASE("An upload that ends during the answer leaves no deadline behind", "[upstream][timeouts]") {
  Rig rig(timed());
  auto call = rig.with_body(Method::Post, "POST", 3);
  call->request.expects_continue = true;
  rig.start(*call);
  rig.origin(0).push("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
  rig.run();
  REQUIRE(call->done());
  call->body->push("abc", true);
  rig.run();
  CHECK(call->body->destroyed);
  CHECK(rig.worker.deadlines().armed() == 0);
  rig.pass(Milliseconds(100000));
  rig.origin(0).push("cd");
  CHECK(rig.body_of(*call).text == "abcd");
  CHECK(rig.pool->idle() == 1);
}

TEST_CASE("A body may pause so long between its bytes", "[upstream][timeouts]") {
  Rig rig(timed());
  auto call = rig.get();
  rig.exchange(*call, 0, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
  REQUIRE(call->done());
  // Not pulled: the client's pace is not the origin's fault.
  rig.pass(Milliseconds(100000));
  auto reading = start(rig.worker.loop(), read_all(*call->reply->body.source));
  rig.run();
  for (int i = 0; i < 3; ++i) {
    rig.pass(Milliseconds(9500));
    rig.origin(0).push("x");
    rig.run();
  }
  CHECK_FALSE(reading.done());
  rig.pass(Milliseconds(10100));
  REQUIRE(reading.done());
  const Read read = reading.get();
  CHECK(read.text == "xxx");
  REQUIRE(read.failure);
  CHECK(read.failure->reason == Reason::BetweenBytesTimeout);
  CHECK(read.failure->status == 504);
}

TEST_CASE("An origin that takes no bytes is late", "[upstream][timeouts]") {
  Rig rig(timed());
  SECTION("of the head") {
    rig.dialler->prepare = [](MemoryTransport& t) { t.set_send_capacity(10); };
    auto call = rig.get();
    rig.start(*call);
    rig.pass(Milliseconds(9800));
    CHECK_FALSE(call->done());
    rig.pass(Milliseconds(300));
    check_late(rig, *call, Reason::BetweenBytesTimeout);
  }
  SECTION("of the body") {
    rig.dialler->prepare = [](MemoryTransport& t) { t.set_send_capacity(100); };
    auto call = rig.with_body(Method::Post, "POST", 1000);
    call->body->push(std::string(1000, 'x'), true);
    rig.start(*call);
    rig.pass(Milliseconds(9500));
    rig.origin(0).pull(10);
    rig.run();
    rig.pass(Milliseconds(9500));
    CHECK_FALSE(call->done());
    rig.pass(Milliseconds(600));
    check_late(rig, *call, Reason::BetweenBytesTimeout);
    CHECK(call->body->destroyed);
  }
}

TEST_CASE("A client that leaves before the head came is not asked for any longer", "[upstream][timeouts]") {
  for (const bool half_a_head : {false, true}) {
    Rig rig(timed());
    auto call = rig.get();
    rig.start(*call);
    if (half_a_head) rig.origin(0).push("HTTP/1.1 200 O");
    rig.pass(Milliseconds(3000));
    CHECK_FALSE(call->done());
    call->interim.gone = true;
    rig.pass(Milliseconds(1100));
    REQUIRE(call->done());
    CHECK(call->reply->outcome.reason == Reason::ClientClosed);
    CHECK(call->reply->outcome.origin_asked);
    CHECK(rig.pool->idle() == 0);
    CHECK(rig.worker.deadlines().armed() == 0);
  }
}

TEST_CASE("A byte in time moves the deadline, a byte too late does not help", "[upstream][timeouts]") {
  OriginPoolOptions options = timed();
  options.timeouts.first_byte = Milliseconds(300000);
  Rig rig(options);
  auto call = rig.get();
  rig.start(*call);
  for (const char c : std::string_view("HTTP/1.1 204 No Content\r\n\r\n")) {
    rig.pass(Milliseconds(9000));
    CHECK_FALSE(call->done());
    rig.origin(0).push(std::string(1, c));
    rig.run();
  }
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 204);
}

TEST_CASE("A head that trickles in has as long in all as its first byte had", "[upstream][timeouts]") {
  Rig rig(timed());
  auto call = rig.get();
  rig.start(*call);
  rig.pass(Milliseconds(29000));
  rig.origin(0).push("H");
  rig.run();
  for (const char c : std::string_view("TTP")) {
    rig.pass(Milliseconds(9000));
    rig.origin(0).push(std::string(1, c));
    rig.run();
  }
  rig.pass(Milliseconds(2800));
  CHECK_FALSE(call->done());
  rig.pass(Milliseconds(300));
  check_late(rig, *call, Reason::FirstByteTimeout);
}

TEST_CASE("Each head has its time, and none is left on the connection", "[upstream][timeouts]") {
  Rig rig(timed());
  auto call = rig.get();
  rig.start(*call);
  rig.origin(0).push("HTTP/1.1 103 Early");
  rig.run();
  rig.pass(Milliseconds(9000));
  rig.origin(0).push(" Hints\r\n\r\n");
  rig.run();
  rig.pass(Milliseconds(25000));
  rig.origin(0).push("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n");
  rig.run();
  rig.pass(Milliseconds(9000));
  CHECK_FALSE(call->done());
  rig.origin(0).push("\r\n");
  rig.run();
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 200);
  CHECK(rig.worker.deadlines().armed() == 0);
  rig.pass(Milliseconds(100000));
  rig.origin(0).push("ok");
  CHECK(rig.body_of(*call).text == "ok");
  CHECK(rig.pool->idle() == 1);
}
