// One request and its answer: heads, bodies, interim answers, and what a broken origin can do.
#include <catch2/catch.hpp>

#include "origin_rig.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

struct Answer {
  const char* wire;
  int status;
  std::optional<std::uint64_t> length;
  const char* body;
  const char* trailers;
  bool kept;  // the connection, afterwards
};

const Answer kAnswers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, 5, "hello", "", true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0, "", "", true},
    {"HTTP/1.1 204 No Content\r\n\r\n", 204, {}, "", "", true},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, 7, "", "", true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n",
     200,
     {},
     "abcde",
     "X-Sum: 1\n",
     true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", 200, 3, "abc", "", false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, 3, "abc", "", false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc", 200, 3, "abc", "", true},
    {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, 2, "hi", "",
     true},
};

std::size_t answer_size(const Answer& answer) { return std::string_view(answer.body).size(); }

}  // namespace

TEST_CASE("Every kind of body arrives as it was sent, in one piece or byte by byte", "[upstream][RFC 9112 6.3]") {
  for (const Answer& answer : kAnswers) {
    const std::string wire = answer.wire;
    for (std::size_t split = 0; split <= wire.size(); ++split) {
      Rig rig;
      auto call = rig.get();
      rig.start(*call);
      if (split < wire.size()) {
        rig.origin(0).push(wire.substr(0, split));
        rig.run();
        const bool early = call->done();
        std::optional<Started<Read>> body;
        if (early && call->reply->body.source)
          body = freshet::test::start(rig.worker.loop(), read_all(*call->reply->body.source));
        rig.origin(0).push(wire.substr(split));
        rig.run();
        INFO(wire << "\nsplit at " << split);
        REQUIRE(call->done());
        CHECK(call->reply->head.status == answer.status);
        if (!early) {
          const Read read = rig.body_of(*call);
          CHECK(read.text == answer.body);
          CHECK(read.trailers == answer.trailers);
        } else if (call->reply->body.source) {
          REQUIRE(body->done());
          const Read read = body->get();
          CHECK_FALSE(read.failure);
          CHECK(read.text == answer.body);
          CHECK(read.trailers == answer.trailers);
        }
        if (!call->reply->body.whole.bytes.empty())
          CHECK(call->reply->length == answer_size(answer));
        else
          CHECK(call->reply->length == answer.length);
      } else {
        rig.origin(0).set_max_write(1);
        rig.origin(0).push(wire);
        rig.run();
        REQUIRE(call->done());
        CHECK(rig.body_of(*call).text == answer.body);
      }
      CHECK(rig.pool->idle() == (answer.kept ? 1 : 0));
      CHECK(rig.closed(0) == !answer.kept);
      CHECK(rig.counted().connections_active.get() == 0);
      CHECK(rig.counted().connections_idle.get() == (answer.kept ? 1 : 0));
    }
  }
}

TEST_CASE("A body arrives whole from a connection that gives one byte at a time and hesitates",
          "[upstream][RFC 9112 6.3]") {
  for (const Answer& answer : kAnswers) {
    Rig rig;
    rig.dialler->prepare = [](MemoryTransport& t) {
      t.set_max_read(1);
      t.set_max_write(1);
      t.set_hesitant(true);
    };
    auto call = rig.get();
    rig.start(*call);
    CHECK(rig.origin(0).pull() == "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    rig.origin(0).push(answer.wire);
    rig.run();
    INFO(answer.wire);
    REQUIRE(call->done());
    const Read read = rig.body_of(*call);
    CHECK_FALSE(read.failure);
    CHECK(read.text == answer.body);
    CHECK(read.trailers == answer.trailers);
  }
}

TEST_CASE("A small body that came with its head needs no source", "[upstream]") {
  Rig rig;
  auto call = rig.get();
  rig.exchange(*call, 0, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello");
  REQUIRE(call->done());
  CHECK(call->reply->body.source == nullptr);
  CHECK(call->reply->body.whole.last);
  CHECK(as_text(call->reply->body.whole.bytes) == "hello");
  CHECK(block_of(call->reply->head.fields) == "X-A: b\n");
  CHECK(call->reply->outcome.origin_status == 200);
  CHECK(call->reply->outcome.origin_asked);
  CHECK(rig.pool->idle() == 1);
  // It stands on its own: the connection carries another exchange while it is kept.
  auto other = rig.get();
  rig.exchange(*other, 0, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwoops");
  CHECK(as_text(call->reply->body.whole.bytes) == "hello");
}

TEST_CASE("A whole chunked body gets the length that it turned out to have", "[upstream]") {
  Rig rig;
  auto call = rig.get();
  rig.exchange(*call, 0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  REQUIRE(call->done());
  CHECK(call->reply->length == 3);
  CHECK(rig.body_of(*call).text == "abc");
}

TEST_CASE("A body without a length ends when the connection does", "[upstream][RFC 9112 6.3]") {
  Rig rig;
  auto call = rig.get();
  rig.exchange(*call, 0, "HTTP/1.1 200 OK\r\n\r\nab");
  REQUIRE(call->done());
  CHECK_FALSE(call->reply->length);
  REQUIRE(call->reply->body.source);
  auto read = start(rig.worker.loop(), read_all(*call->reply->body.source));
  rig.origin(0).push("cd");
  rig.run();
  CHECK_FALSE(read.done());
  SECTION("by an orderly end") {
    rig.origin(0).shutdown_write();
    rig.run();
    REQUIRE(read.done());
    const Read body = read.get();
    CHECK(body.text == "abcd");
    CHECK_FALSE(body.failure);
  }
  SECTION("but not by a reset, which is a body cut short") {
    rig.origin(0).abort();
    rig.run();
    REQUIRE(read.done());
    const Read body = read.get();
    REQUIRE(body.failure);
    CHECK(body.failure->reason == Reason::ResponseCutShort);
  }
  CHECK(rig.pool->idle() == 0);
}

TEST_CASE("A body cut short is a failure of its source", "[upstream][RFC 9112 8]") {
  const char* const wires[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
  };
  for (const char* wire : wires) {
    for (const bool reset : {false, true}) {
      Rig rig;
      auto call = rig.get();
      rig.exchange(*call, 0, wire);
      REQUIRE(call->done());
      REQUIRE(call->reply->body.source);
      auto reading = start(rig.worker.loop(), read_all(*call->reply->body.source));
      rig.run();
      CHECK_FALSE(reading.done());
      if (reset)
        rig.origin(0).abort();
      else
        rig.origin(0).close();
      rig.run();
      REQUIRE(reading.done());
      const Read body = reading.get();
      CHECK(body.text == "abc");
      REQUIRE(body.failure);
      CHECK(body.failure->reason == Reason::ResponseCutShort);
      CHECK(body.failure->side == Side::Origin);
      CHECK(body.failure->status == 502);
      // A failure is final.
      const Read again = rig.body_of(*call);
      REQUIRE(again.failure);
      CHECK(again.failure->reason == Reason::ResponseCutShort);
      call->reply.reset();
      CHECK(rig.pool->idle() == 0);
      CHECK(rig.counted().connections_active.get() == 0);
    }
  }
}

TEST_CASE("Malformed chunks end the body with a failure after the good bytes", "[upstream][RFC 9112 7.1]") {
  Rig rig;
  auto call = rig.get();
  rig.exchange(*call, 0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n");
  REQUIRE(call->done());
  const Read body = rig.body_of(*call);
  CHECK(body.text == "abc");
  REQUIRE(body.failure);
  CHECK(body.failure->reason == Reason::BadResponse);
  call->reply.reset();
  CHECK(rig.closed(0));
}

TEST_CASE("Bytes behind the declared end are not a body, and the connection is not used again",
          "[upstream][RFC 9112 9.2]") {
  const char* const wires[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdefg",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1 304 Not Modified\r\n\r\nabc",
  };
  for (const char* wire : wires) {
    Rig rig;
    auto call = rig.get();
    rig.exchange(*call, 0, wire);
    REQUIRE(call->done());
    const Read body = rig.body_of(*call);
    CHECK((body.text == "abc" || call->reply->head.status == 304));
    CHECK(rig.pool->idle() == 0);
    CHECK(rig.closed(0));
  }
}

TEST_CASE("An answer to HEAD has no body, whatever its fields say", "[upstream][RFC 9110 9.3.2]") {
  Rig rig;
  auto call = rig.make(Method::Head, "HEAD");
  rig.exchange(*call, 0, "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n");
  REQUIRE(call->done());
  CHECK(call->reply->length == 12345);
  CHECK(call->reply->body.source == nullptr);
  CHECK(call->reply->body.whole.bytes.empty());
  CHECK(rig.pool->idle() == 1);
}

TEST_CASE("A large body is read as it is pulled, and arrives whole", "[upstream][back-pressure]") {
  Rig rig;
  std::string text;
  for (int i = 0; text.size() < 1000000; ++i) text += std::to_string(i) + ",";
  auto call = rig.get();
  rig.exchange(*call, 0, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n");
  REQUIRE(call->done());
  rig.origin(0).push(text);
  rig.run();
  const std::size_t unread = text.size();
  CHECK(rig.counted().connections_active.get() == 1);
  const Read first = run(rig.worker.loop(), read_once(*call->reply->body.source));
  CHECK(first.text.size() <= 64 * 1024);
  CHECK(first.text.size() < unread);
  const Read rest = rig.body_of(*call);
  CHECK(first.text + rest.text == text);
  CHECK(rig.pool->idle() == 1);
}

TEST_CASE("Destroying a body before its end closes the connection", "[upstream]") {
  Rig rig;
  auto call = rig.get();
  rig.exchange(*call, 0, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  REQUIRE(call->done());
  CHECK(rig.counted().connections_active.get() == 1);
  call->reply.reset();
  CHECK(rig.closed(0));
  CHECK(rig.pool->idle() == 0);
  CHECK(rig.counted().connections_active.get() == 0);
}

TEST_CASE("A body that is cancelled fails the read that waits", "[upstream]") {
  Rig rig;
  auto call = rig.get();
  rig.exchange(*call, 0, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
  REQUIRE(call->done());
  auto reading = start(rig.worker.loop(), read_all(*call->reply->body.source));
  rig.run();
  CHECK_FALSE(reading.done());
  call->reply->body.source->cancel();
  rig.run();
  REQUIRE(reading.done());
  CHECK(reading.get().failure);
  CHECK(rig.body_of(*call).failure);
}

TEST_CASE("What is not a response is answered with 502", "[upstream][RFC 9112 4]") {
  struct Row {
    std::string wire;
    Reason reason;
  };
  const std::string big(70 * 1024, 'x');
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 300; ++i) many += "A: b\r\n";
  const Row rows[] = {
      {"HTTP/2 200\r\n\r\n", Reason::BadResponse},
      {"garbage\r\n\r\n", Reason::BadResponse},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", Reason::BadResponse},
      {"HTTP/1.1 200 OK\r\nX: " + big + "\r\n\r\n", Reason::ResponseFieldsTooLarge},
      {many + "\r\n", Reason::ResponseFieldsTooLarge},
      {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", Reason::BadResponse},
  };
  for (const Row& row : rows) {
    Rig rig;
    auto call = rig.get();
    rig.exchange(*call, 0, row.wire);
    REQUIRE(call->done());
    CHECK(call->reply->head.status == 502);
    CHECK(call->reply->outcome.reason == row.reason);
    CHECK(call->reply->outcome.origin_status == 0);
    CHECK(call->reply->outcome.origin_asked);
    CHECK(call->reply->outcome.origin_address == "10.0.0.1:80");
    CHECK(rig.closed(0));
    CHECK(rig.counted().failures.get() == 1);
    CHECK(rig.counted().requests[code_class(200)].get() == 0);
  }
}

TEST_CASE("A head may be as large as the limit, and no larger", "[upstream][limits]") {
  OriginPoolOptions options = Rig::one_server();
  options.limits.head_bytes = 40000;
  const std::string start = "HTTP/1.1 204 No Content\r\nX: ", end = "\r\n\r\n";
  for (const int surplus : {-1, 0, 1}) {
    Rig rig(options);
    const std::string value(static_cast<std::size_t>(40000 + surplus) - start.size() - end.size(), 'v');
    auto call = rig.get();
    rig.exchange(*call, 0, start + value + end);
    INFO(surplus);
    REQUIRE(call->done());
    CHECK(call->reply->head.status == (surplus <= 0 ? 204 : 502));
  }
}

TEST_CASE("Interim answers are passed on in order", "[upstream][RFC 9110 15.2]") {
  Rig rig;
  auto call = rig.get();
  rig.exchange(
      *call, 0,
      "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\nConnection: close\r\n\r\n");
  CHECK_FALSE(call->done());
  CHECK(call->interim.heads == std::vector<std::string>{"102\n", "103\nLink: </s.css>\n"});
  rig.origin(0).push("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  rig.run();
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 200);
}

TEST_CASE("Endless interim answers are cut off", "[upstream][RFC 9110 15.2]") {
  for (const int count : {31, 32, 33}) {
    Rig rig;
    auto call = rig.get();
    std::string wire;
    for (int i = 0; i < count; ++i) wire += "HTTP/1.1 103 Early Hints\r\n\r\n";
    rig.exchange(*call, 0, wire + "HTTP/1.1 204 No Content\r\n\r\n");
    REQUIRE(call->done());
    CHECK(call->reply->head.status == (count <= 32 ? 204 : 502));
    CHECK(call->reply->outcome.reason == (count <= 32 ? Reason::None : Reason::TooManyInterim));
    if (count > 32) CHECK(rig.closed(0));
    CHECK(call->interim.heads.size() == static_cast<std::size_t>(std::min(count, 32)));
  }
}

TEST_CASE("Requests without a body say so where a body is usual", "[upstream][RFC 9110 8.6]") {
  struct Row {
    Method method;
    const char* name;
    std::optional<std::uint64_t> length;
    const char* line;
  };
  const Row rows[] = {{Method::Get, "GET", {}, ""},
                      {Method::Delete, "DELETE", {}, ""},
                      {Method::Delete, "DELETE", 0, "Content-Length: 0\r\n"},
                      {Method::Post, "POST", {}, "Content-Length: 0\r\n"},
                      {Method::Put, "PUT", {}, "Content-Length: 0\r\n"},
                      {Method::Patch, "PATCH", 0, "Content-Length: 0\r\n"}};
  for (const Row& row : rows) {
    Rig rig;
    auto call = rig.make(row.method, row.name, "/x");
    call->request.body_length = row.length;
    call->request.head.fields.add("X-A", "b");
    rig.start(*call);
    CHECK(rig.origin(0).pull() ==
          std::string(row.name) + " /x HTTP/1.1\r\nHost: example.com\r\nX-A: b\r\n" + row.line + "\r\n");
  }
}

TEST_CASE("What is counted about an exchange", "[upstream][metrics]") {
  Rig rig;
  auto call = rig.get();
  rig.start(*call);
  CHECK(rig.counted().connections_active.get() == 1);
  CHECK(rig.counted().connections_opened.get() == 1);
  rig.clock.advance(Milliseconds(120));
  rig.origin(0).push("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  rig.run();
  REQUIRE(call->done());
  CHECK(call->reply->outcome.origin_head_time == Milliseconds(120));
  CHECK(call->reply->outcome.upstream == 0);
  CHECK(rig.counted().requests[code_class(404)].get() == 1);
  CHECK(rig.counted().duration.sum_nanoseconds() == 120000000);
  CHECK(rig.counted().connections_active.get() == 0);
  CHECK(rig.counted().connections_idle.get() == 1);
  CHECK(rig.counted().failures.get() == 0);
  CHECK(rig.counters.forward().connections_opened.get() == 0);
}

TEST_CASE("A connection that ends after any number of bytes leaves nothing behind", "[upstream][RFC 9112 8]") {
  for (const Answer& answer : kAnswers) {
    const std::string wire = answer.wire;
    for (std::size_t end = 0; end < wire.size(); ++end) {
      for (const bool reset : {false, true}) {
        Rig rig;
        auto call = rig.get();
        rig.exchange(*call, 0, wire.substr(0, end));
        const bool answered = call->done();
        if (reset)
          rig.origin(0).abort();
        else
          rig.origin(0).close();
        rig.run();
        INFO(wire << "\nended after " << end);
        REQUIRE(call->done());
        if (answered) {
          const Read read = rig.body_of(*call);
          CHECK(read.failure.has_value());
          if (read.failure) CHECK(read.failure->reason == Reason::ResponseCutShort);
          CHECK(std::string_view(answer.body).substr(0, read.text.size()) == read.text);
        } else {
          CHECK(call->reply->head.status == 502);
          CHECK(call->reply->outcome.reason == Reason::ConnectionReset);
        }
        call->reply.reset();
        CHECK(rig.pool->idle() == 0);
        CHECK(rig.counted().connections_active.get() == 0);
        CHECK(rig.worker.deadlines().armed() == 0);
      }
    }
  }
}
