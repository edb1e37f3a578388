// A kept-alive connection that dies just as it is used again (RFC 9112 9.3.1, RFC 9110 9.2.2).
#include <catch2/catch.hpp>

#include "origin_rig.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {
constexpr std::string_view kEmptyOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

enum class Death { Close, Reset, AfterOneByte };
void die(MemoryTransport& origin, Death death) {
  if (death == Death::AfterOneByte) origin.push("H");
  if (death == Death::Reset)
    origin.abort();
  else
    origin.close();
}
}  // namespace

TEST_CASE("Only idempotent requests are sent again, once, and only when nothing of the answer had come",
          "[upstream][RFC 9110 9.2.2]") {
  struct Row {
    Method method;
    const char* name;
    bool idempotent;
  };
  const Row rows[] = {{Method::Get, "GET", true},     {Method::Head, "HEAD", true},  {Method::Options, "OPTIONS", true},
                      {Method::Trace, "TRACE", true}, {Method::Put, "PUT", true},    {Method::Delete, "DELETE", true},
                      {Method::Query, "QUERY", true}, {Method::Post, "POST", false}, {Method::Patch, "PATCH", false},
                      {Method::Other, "BREW", false}};
  for (const Row& row : rows) {
    for (const Death death : {Death::Close, Death::Reset, Death::AfterOneByte}) {
      for (const bool reused : {true, false}) {
        Rig rig;
        if (reused) rig.warm_up();
        auto call = rig.make(row.method, row.name);
        rig.start(*call);
        const std::string sent = rig.origin(0).pull();
        die(rig.origin(0), death);
        rig.run();
        const bool again = row.idempotent && reused && death != Death::AfterOneByte;
        INFO(row.name << " " << static_cast<int>(death) << " reused " << reused);
        REQUIRE(rig.origins() == (again ? 2 : 1));
        CHECK(rig.counted().retries.get() == (again ? 1 : 0));
        if (again) {
          CHECK(rig.origin(1).pull() == sent);
          rig.origin(1).push(kEmptyOk);
          rig.run();
          REQUIRE(call->done());
          CHECK(call->reply->head.status == 200);
          CHECK(rig.counted().failures.get() == 0);
          CHECK(rig.pool->idle() == 1);
        } else {
          REQUIRE(call->done());
          CHECK(call->reply->head.status == 502);
          CHECK(call->reply->outcome.reason == Reason::ConnectionReset);
          CHECK(rig.counted().failures.get() == 1);
        }
      }
    }
  }
}

TEST_CASE("A second death is final", "[upstream][retry]") {
  Rig rig;
  rig.warm_up();
  auto call = rig.get();
  rig.start(*call);
  rig.origin(0).close();
  rig.run();
  REQUIRE(rig.origins() == 2);
  rig.origin(1).close();
  rig.run();
  REQUIRE(call->done());
  CHECK(rig.origins() == 2);
  CHECK(call->reply->outcome.reason == Reason::ConnectionReset);
}

TEST_CASE("The second attempt goes on a fresh connection, past other idle ones, to the same server",
          "[upstream][retry]") {
  Rig rig(Rig::servers(2));
  auto a = rig.get(), b = rig.get(), c = rig.get();
  rig.start(*a);
  rig.start(*b);
  rig.start(*c);
  for (std::size_t i = 0; i < 3; ++i) rig.origin(i).push(kEmptyOk);
  rig.run();
  REQUIRE(rig.pool->idle() == 3);
  auto call = rig.get();  // the turn of the second server, whose only connection is number 1
  rig.start(*call);
  rig.origin(1).close();
  rig.run();
  REQUIRE(rig.origins() == 4);
  CHECK(rig.dialler->dialled.back() == "10.0.0.2 80");
  rig.origin(3).push(kEmptyOk);
  rig.run();
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 200);
  CHECK(rig.pool->server_healthy(0, 1));
}

TEST_CASE("When the same server cannot be dialled for the second attempt the next one is", "[upstream][retry]") {
  Rig rig(Rig::servers(2));
  rig.warm_up();
  auto other = rig.get();
  rig.exchange(*other, 1, kEmptyOk);
  auto call = rig.get();
  rig.start(*call);
  rig.dialler->failures.emplace("10.0.0.1", Failure(Reason::ConnectionRefused, Side::Origin, 502));
  rig.origin(0).close();
  rig.run();
  // An idle connection to it might be as dead as the first one.
  REQUIRE(rig.origins() == 3);
  CHECK(rig.dialler->dialled.back() == "10.0.0.2 80");
  rig.origin(2).push(kEmptyOk);
  rig.run();
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 200);
  CHECK_FALSE(rig.pool->server_healthy(0, 0));
}

TEST_CASE("A first-byte timeout is not a dead connection: nothing is sent again", "[upstream][retry]") {
  Rig rig;
  rig.warm_up();
  auto call = rig.get();
  rig.start(*call);
  rig.pass(Milliseconds(60100));
  REQUIRE(call->done());
  CHECK(call->reply->outcome.reason == Reason::FirstByteTimeout);
  CHECK(rig.origins() == 1);
}

TEST_CASE("The part of a body that was sent is sent again", "[upstream][retry]") {
  for (const bool chunked : {false, true}) {
    for (int before = 0; before <= 3; ++before) {  // how many of the three pieces were sent when the connection died
      Rig rig;
      rig.warm_up();
      auto call = rig.with_body(Method::Put, "PUT", chunked ? std::nullopt : std::optional<std::uint64_t>(9));
      if (chunked) call->body->trailers.add("X-Sum", "7");
      const char* const pieces[] = {"abc", "def", "ghi"};
      rig.start(*call);
      for (int i = 0; i < before; ++i) {
        call->body->push(pieces[i], i == 2);
        rig.run();
      }
      rig.origin(0).pull();
      rig.origin(0).close();
      rig.run();
      INFO((chunked ? "chunked, " : "length, ") << before);
      REQUIRE(rig.origins() == 2);
      for (int i = before; i < 3; ++i) {
        call->body->push(pieces[i], i == 2);
        rig.run();
      }
      const std::string head = "PUT / HTTP/1.1\r\nHost: example.com\r\n";
      CHECK(rig.origin(1).pull() ==
            (chunked
                 ? head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n3\r\nghi\r\n0\r\nX-Sum: 7\r\n\r\n"
                 : head + "Content-Length: 9\r\n\r\nabcdefghi"));
      rig.origin(1).push(kEmptyOk);
      rig.run();
      REQUIRE(call->done());
      CHECK(call->reply->head.status == 200);
      CHECK(rig.pool->idle() == 1);
      CHECK(call->body->destroyed);
      CHECK_FALSE(call->body->cancelled);
    }
  }
}

TEST_CASE("Pieces that arrive while the second connection is being made are sent after what was kept",
          "[upstream][retry]") {
  Rig rig;
  rig.warm_up();
  auto call = rig.with_body(Method::Put, "PUT", 9);
  rig.start(*call);
  call->body->push("abc");
  rig.run();
  rig.dialler->slow = std::make_unique<MemoryDialler::Slow>();
  rig.origin(0).close();
  rig.run();
  REQUIRE(rig.dialler->slow->started);
  call->body->push("def");
  call->body->push("ghi", true);
  rig.run();
  rig.dialler->slow->go.wake();
  rig.run();
  REQUIRE(rig.origins() == 2);
  CHECK(rig.origin(1).pull() == "PUT / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 9\r\n\r\nabcdefghi");
  rig.origin(1).push(kEmptyOk);
  rig.run();
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 200);
  CHECK(rig.pool->idle() == 1);
}

TEST_CASE("A client that fails while the second connection is being made ends the request", "[upstream][retry]") {
  Rig rig;
  rig.warm_up();
  auto call = rig.with_body(Method::Put, "PUT", 9);
  rig.start(*call);
  rig.dialler->slow = std::make_unique<MemoryDialler::Slow>();
  rig.origin(0).close();
  rig.run();
  call->body->fail();
  rig.run();
  rig.dialler->slow->go.wake();
  rig.run();
  REQUIRE(call->done());
  CHECK(call->reply->outcome.reason == Reason::ClientClosed);
  CHECK(rig.counted().connections_active.get() == 0);
  CHECK(rig.counted().failures.get() == 0);
}

TEST_CASE("A connection that dies under a blocked write is replaced, and nothing is lost or sent twice",
          "[upstream][retry]") {
  Rig rig;
  rig.dialler->prepare = [](MemoryTransport& t) { t.set_send_capacity(100); };
  rig.warm_up();
  auto call = rig.with_body(Method::Put, "PUT", 2003);
  rig.start(*call);
  call->body->push(std::string(1000, 'a'));
  rig.run();
  rig.dialler->prepare = nullptr;
  rig.origin(0).close();
  rig.run();
  call->body->push("xyz");
  call->body->push(std::string(1000, 'b'), true);
  rig.run();
  REQUIRE(rig.origins() == 2);
  CHECK(rig.origin(1).pull() == "PUT / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 2003\r\n\r\n" +
                                    std::string(1000, 'a') + "xyz" + std::string(1000, 'b'));
}

TEST_CASE("Up to 64 KiB of a body are kept for another attempt, no more", "[upstream][retry]") {
  for (const int surplus : {-1, 0, 1}) {
    Rig rig;
    rig.warm_up();
    const std::size_t size = static_cast<std::size_t>(64 * 1024 + surplus);
    auto call = rig.with_body(Method::Put, "PUT", size);
    rig.start(*call);
    call->body->push(std::string(size, 'x'), true);
    rig.run();
    rig.origin(0).close();
    rig.run();
    CHECK(rig.origins() == (surplus <= 0 ? 2 : 1));
    CHECK(call->done() == (surplus > 0));
  }
}

TEST_CASE("After an interim answer nothing is sent again", "[upstream][retry]") {
  Rig rig;
  rig.warm_up();
  auto call = rig.get();
  rig.start(*call);
  rig.origin(0).push("HTTP/1.1 102 Processing\r\n\r\n");
  rig.run();
  rig.origin(0).close();
  rig.run();
  REQUIRE(call->done());
  CHECK(rig.origins() == 1);
  CHECK(call->reply->outcome.reason == Reason::ConnectionReset);
}

TEST_CASE("A POST whose reused connection dies leaves its body alone", "[upstream][retry]") {
  Rig rig;
  rig.warm_up();
  auto call = rig.with_body(Method::Post, "POST", 3);
  rig.start(*call);
  rig.origin(0).close();
  rig.run();
  REQUIRE(call->done());
  CHECK(rig.origins() == 1);
  CHECK(call->reply->outcome.reason == Reason::ConnectionReset);
  CHECK(call->body->cancelled);
  CHECK(call->body->destroyed);
}

TEST_CASE("A connection on which the origin has spoken or which it has closed is not taken",
          "[upstream][RFC 9112 9.3]") {
  enum class What { Close, Reset, Bytes };
  for (const What what : {What::Close, What::Reset, What::Bytes}) {
    Rig rig;
    rig.warm_up();
    if (what == What::Close) rig.origin(0).close();
    if (what == What::Reset) rig.origin(0).abort();
    if (what == What::Bytes) rig.origin(0).push("HTTP/1.1 408 Request Timeout\r\n\r\n");
    rig.run();
    auto call = rig.make(Method::Post, "POST");
    rig.start(*call);
    REQUIRE(rig.origins() == 2);
    CHECK(rig.counted().connections_reused.get() == 0);
    CHECK(rig.counted().connections_idle.get() == 0);
    rig.origin(1).push(kEmptyOk);
    rig.run();
    REQUIRE(call->done());
    CHECK(call->reply->head.status == 200);
  }
}
