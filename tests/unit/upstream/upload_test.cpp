// Bodies of requests: framing, early answers, Expect: 100-continue, and clients that fail.
#include <catch2/catch.hpp>
#include <new>

#include "origin_rig.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {
constexpr std::string_view kEmptyOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// A body that there is no memory for.
class ShortBody final : public BodySource {
 public:
  Task<Result<Piece>> read() override {
    throw std::bad_alloc();
    co_return Piece();
  }
};
}  // namespace

TEST_CASE("A body is sent as it comes, with its length or in chunks", "[upstream][RFC 9112 7.1]") {
  SECTION("length") {
    Rig rig;
    auto call = rig.with_body(Method::Post, "POST", 6);
    rig.start(*call);
    CHECK(rig.origin(0).pull() == "POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 6\r\n\r\n");
    call->body->push("abc");
    rig.run();
    CHECK(rig.origin(0).pull() == "abc");
    call->body->push("def", true);
    rig.run();
    CHECK(rig.origin(0).pull() == "def");
    CHECK(call->body->destroyed);
    rig.origin(0).push(kEmptyOk);
    rig.run();
    REQUIRE(call->done());
    CHECK(rig.pool->idle() == 1);
  }
  SECTION("chunks, an empty last piece, trailers") {
    Rig rig;
    auto call = rig.with_body(Method::Post, "POST", {});
    call->body->trailers.add("X-Sum", "9");
    rig.start(*call);
    CHECK(rig.origin(0).pull() == "POST / HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n");
    call->body->push("0123456789abcdef");
    call->body->push("");
    rig.run();
    CHECK(rig.origin(0).pull() == "10\r\n0123456789abcdef\r\n");
    call->body->push("", true);
    rig.run();
    CHECK(rig.origin(0).pull() == "0\r\nX-Sum: 9\r\n\r\n");
    rig.origin(0).push(kEmptyOk);
    rig.run();
    REQUIRE(call->done());
    CHECK(rig.pool->idle() == 1);
  }
}

TEST_CASE("A slow origin is the client's pace", "[upstream][back-pressure]") {
  Rig rig;
  rig.dialler->prepare = [](MemoryTransport& t) { t.set_send_capacity(200); };
  auto call = rig.with_body(Method::Post, "POST", 2000);
  for (int i = 0; i < 20; ++i) call->body->push(std::string(100, 'a'), i == 19);
  rig.start(*call);
  CHECK(call->body->reads <= 3);
  std::string got;
  for (int i = 0; i < 100; ++i) {
    got += rig.origin(0).pull();
    rig.run();
  }
  CHECK(got.size() == got.find("\r\n\r\n") + 4 + 2000);
  CHECK(call->body->destroyed);
}

TEST_CASE("A body that hesitates byte by byte on its way arrives whole", "[upstream]") {
  Rig rig;
  rig.dialler->prepare = [](MemoryTransport& t) {
    t.set_max_write(1);
    t.set_hesitant(true);
  };
  auto call = rig.with_body(Method::Put, "PUT", {});
  call->body->push("hello");
  call->body->push("world", true);
  rig.start(*call);
  CHECK(
      rig.origin(0).pull() ==
      "PUT / HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n");
}

TEST_CASE("An answer may come before the body is complete", "[upstream][RFC 9112 9.3]") {
  Rig rig;
  auto call = rig.with_body(Method::Post, "POST", {});
  rig.start(*call);
  call->body->push("ab");
  rig.run();
  rig.origin(0).push("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nAB\r\n");
  rig.run();
  REQUIRE(call->done());
  REQUIRE(call->reply->body.source);
  const Read first = run(rig.worker.loop(), read_once(*call->reply->body.source));
  CHECK(first.text == "AB");
  rig.origin(0).pull();
  SECTION("both go on") {
    call->body->push("cd", true);
    rig.run();
    CHECK(rig.origin(0).pull() == "2\r\ncd\r\n0\r\n\r\n");
    rig.origin(0).push("2\r\nCD\r\n0\r\n\r\n");
    CHECK(rig.body_of(*call).text == "CD");
    CHECK(rig.pool->idle() == 1);
    CHECK_FALSE(call->body->cancelled);
  }
  SECTION("an answer that ends first stops the body and closes the connection") {
    rig.origin(0).push("0\r\n\r\n");
    CHECK(rig.body_of(*call).last);
    rig.run();
    CHECK(call->body->cancelled);
    CHECK(call->body->destroyed);
    CHECK(rig.pool->idle() == 0);
    CHECK(rig.closed(0));
  }
  SECTION("a reply that is given up stops the body too") {
    call->reply.reset();
    rig.run();
    CHECK(call->body->cancelled);
    CHECK(call->body->destroyed);
    CHECK(rig.closed(0));
  }
  SECTION("a client that fails ends the answer") {
    call->body->fail();
    rig.run();
    const Read rest = rig.body_of(*call);
    REQUIRE(rest.failure);
    CHECK(rest.failure->reason == Reason::ClientClosed);
    CHECK(rig.closed(0));
  }
}

TEST_CASE("An early whole answer ends an upload that waits for its client", "[upstream][RFC 9112 9.3]") {
  Rig rig;
  auto call = rig.with_body(Method::Post, "POST", 1000);
  rig.start(*call);
  rig.origin(0).push("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
  rig.run();
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 413);
  CHECK(rig.body_of(*call).text == "big");
  CHECK(call->body->cancelled);
  CHECK(call->body->destroyed);
  CHECK(rig.pool->idle() == 0);
}

TEST_CASE("An answer that was sent before the origin closed its ears is read", "[upstream][RFC 9112 9.6]") {
  Rig rig;
  rig.dialler->prepare = [](MemoryTransport& t) { t.set_send_capacity(200); };
  auto call = rig.with_body(Method::Post, "POST", 100000);
  rig.start(*call);
  call->body->push(std::string(1000, 'x'));
  rig.run();
  rig.origin(0).push("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
  rig.origin(0).close();
  rig.run();
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 401);
  CHECK(rig.body_of(*call).text == "no");
  rig.run();
  CHECK(call->body->destroyed);
  CHECK(rig.pool->idle() == 0);
}

TEST_CASE("A client that fails in the middle of its body is the failure's reason", "[upstream]") {
  Rig rig(Rig::servers(2));
  auto call = rig.with_body(Method::Put, "PUT", 10);
  call->body->failure = Failure(Reason::BadChunk, Side::Client, 400);
  rig.start(*call);
  call->body->push("abc");
  call->body->fail();
  rig.run();
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 400);
  CHECK(call->reply->outcome.reason == Reason::BadChunk);
  CHECK(rig.closed(0));
  CHECK(rig.pool->server_healthy(0, 0));
  CHECK(rig.counted().failures.get() == 0);
  CHECK(call->body->destroyed);
}

TEST_CASE("A body that runs out of memory is not waited for", "[upstream][shortage]") {
  for (const auto& length : {std::optional<std::uint64_t>(6), std::optional<std::uint64_t>()}) {
    Rig rig;
    auto call = rig.make(Method::Post, "POST");
    call->request.body = std::make_unique<ShortBody>();
    call->request.body_length = length;
    rig.start(*call);
    REQUIRE(call->done());
    CHECK(call->reply->head.status == 503);
    CHECK(call->reply->outcome.reason == Reason::Internal);
    CHECK(rig.pool->idle() == 0);
  }
}

TEST_CASE("A source that breaks its promise about the length cannot smuggle a request", "[upstream][RFC 9112 11.2]") {
  for (const char* text : {"ab", "abcdGET /evil HTTP/1.1\r\n\r\n"}) {
    Rig rig;
    auto call = rig.with_body(Method::Post, "POST", 4);
    rig.start(*call);
    rig.origin(0).pull();
    call->body->push(text, true);
    rig.run();
    CHECK(rig.origin(0).pull().find("evil") == std::string::npos);
    CHECK(rig.closed(0));
    REQUIRE(call->done());
    CHECK(call->reply->outcome.reason == Reason::BadContentLength);
  }
}

TEST_CASE("Expect: 100-continue holds the body back until the origin has spoken", "[upstream][RFC 9110 10.1.1]") {
  Rig rig;
  auto call = rig.with_body(Method::Put, "PUT", 3);
  call->request.expects_continue = true;
  call->body->push("abc", true);
  rig.start(*call);
  CHECK(rig.origin(0).pull() ==
        "PUT / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  CHECK(call->body->reads == 0);

  SECTION("100: the client is told, and the body goes") {
    rig.origin(0).push(kContinue);
    rig.run();
    CHECK(call->interim.heads == std::vector<std::string>{"100\n"});
    CHECK(rig.origin(0).pull() == "abc");
    rig.origin(0).push(kEmptyOk);
    rig.run();
    REQUIRE(call->done());
    CHECK(rig.pool->idle() == 1);
  }
  SECTION("another interim answer is not what it waits for") {
    rig.origin(0).push("HTTP/1.1 103 Early Hints\r\n\r\n");
    rig.run();
    CHECK(call->body->reads == 0);
    CHECK(call->interim.heads == std::vector<std::string>{"103\n"});
    rig.origin(0).push(kContinue);
    rig.run();
    CHECK(rig.origin(0).pull() == "abc");
  }
  SECTION("a final answer: the body is not read, the connection not kept") {
    rig.origin(0).push("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    rig.run();
    REQUIRE(call->done());
    CHECK(call->reply->head.status == 417);
    CHECK(call->body->reads == 0);
    CHECK_FALSE(call->body->cancelled);
    CHECK(call->request.body != nullptr);
    CHECK(call->interim.heads.empty());
    CHECK(rig.pool->idle() == 0);
    CHECK(rig.closed(0));
  }
  SECTION("no answer: the body goes after a while") {
    rig.pass(Milliseconds(800));
    CHECK(call->body->reads == 0);
    rig.pass(Milliseconds(300));
    CHECK(rig.origin(0).pull() == "abc");
    CHECK(call->interim.heads.empty());
    rig.origin(0).push(kContinue);
    rig.origin(0).push(kEmptyOk);
    rig.run();
    REQUIRE(call->done());
    CHECK(call->reply->head.status == 200);
    CHECK(rig.pool->idle() == 1);
  }
  SECTION("half a head does not hold it back longer") {
    rig.origin(0).push("HTTP/1.1 10");
    rig.run();
    rig.pass(Milliseconds(1200));
    CHECK(rig.origin(0).pull() == "abc");
    rig.origin(0).push("0 Continue\r\n\r\n");
    rig.origin(0).push(kEmptyOk);
    rig.run();
    REQUIRE(call->done());
  }
  SECTION("the origin dies") {
    rig.origin(0).close();
    rig.run();
    REQUIRE(call->done());
    CHECK(call->reply->outcome.reason == Reason::ConnectionReset);
    CHECK(call->body->reads == 0);
  }
}

TEST_CASE("A reused connection that dies while the body is held back is replaced",
          "[upstream][RFC 9110 10.1.1][retry]") {
  Rig rig;
  rig.warm_up();
  auto call = rig.with_body(Method::Put, "PUT", 3);
  call->request.expects_continue = true;
  call->body->push("abc", true);
  rig.start(*call);
  rig.origin(0).close();
  rig.run();
  REQUIRE(rig.origins() == 2);
  CHECK(call->body->reads == 0);
  rig.origin(1).pull();
  rig.origin(1).push(kContinue);
  rig.run();
  CHECK(rig.origin(1).pull() == "abc");
  rig.origin(1).push(kEmptyOk);
  rig.run();
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 200);
}

TEST_CASE("A 100 that nobody waits for is passed on like any interim answer", "[upstream][RFC 9110 15.2]") {
  Rig rig;
  auto call = rig.get();
  rig.exchange(*call, 0, std::string(kContinue) + std::string(kEmptyOk));
  REQUIRE(call->done());
  CHECK(call->interim.heads == std::vector<std::string>{"100\n"});
}

TEST_CASE("A client that always has more to send lets others have their turn", "[upstream][back-pressure]") {
  constexpr std::size_t kPieces = 64, kPiece = 64 * 1024;
  Rig rig;
  auto call = rig.with_body(Method::Post, "POST", kPieces * kPiece);
  for (std::size_t i = 0; i < kPieces; ++i) call->body->push(std::string(kPiece, 'x'), i + 1 == kPieces);
  call->started.emplace(test::start(rig.worker.loop(), rig.pool->serve(call->request)));
  std::size_t turns = 0;
  while (rig.worker.loop().poll_one() > 0) ++turns;
  CHECK(turns >= kPieces - 1);
  CHECK(call->body->destroyed);
}
