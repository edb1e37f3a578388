// Replies: framing, streaming, sources that fail, clients that do not take what they get.
#include <catch2/catch.hpp>

#include "../../../src/frontend/reply_plan.hpp"
#include "session_rig.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
constexpr std::string_view kGet10 = "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n";
constexpr std::string_view kGet10KeepAlive = "GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n";

std::string head(std::string_view framing) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + std::string(kDate) + std::string(framing) + "\r\n";
}
const std::string kChunkedHead = head("Transfer-Encoding: chunked\r\n");

void serve_streamed(Rig& rig, std::shared_ptr<ScriptedSource::Script> steps, std::optional<std::uint64_t> length = {}) {
  rig.service.later = [steps, length](Request&) { return reply_later(streamed_reply(steps, length)); };
}

}  // namespace

TEST_CASE("The framing of a reply follows from request, status and body", "[frontend][rfc9112-6.3]") {
  enum class Has { Nothing, Whole5, Source, SourceOf7, Length9 };
  struct Row {
    Method method;
    Version version;
    int status;
    Has body;
    BodyForm form;
    std::optional<std::uint64_t> length;
    bool persistent;
  };
  const auto v11 = Version::Http11, v10 = Version::Http10;
  const Row rows[] = {
      {Method::Get, v11, 200, Has::Whole5, BodyForm::Whole, 5, true},
      {Method::Get, v11, 200, Has::Nothing, BodyForm::Whole, 0, true},
      {Method::Get, v11, 200, Has::Source, BodyForm::Chunked, {}, true},
      {Method::Get, v11, 200, Has::SourceOf7, BodyForm::Length, 7, true},
      {Method::Get, v10, 200, Has::Whole5, BodyForm::Whole, 5, true},
      {Method::Get, v10, 200, Has::SourceOf7, BodyForm::Length, 7, true},
      {Method::Get, v10, 200, Has::Source, BodyForm::UntilClose, {}, false},
      {Method::Head, v11, 200, Has::Whole5, BodyForm::None, 5, true},
      {Method::Head, v11, 200, Has::Length9, BodyForm::None, 9, true},
      {Method::Head, v11, 200, Has::Source, BodyForm::None, {}, true},
      {Method::Head, v10, 200, Has::Source, BodyForm::None, {}, true},
      {Method::Get, v11, 204, Has::Whole5, BodyForm::None, {}, true},
      {Method::Get, v11, 204, Has::Length9, BodyForm::None, {}, true},
      {Method::Get, v11, 304, Has::Nothing, BodyForm::None, {}, true},
      {Method::Get, v11, 304, Has::Length9, BodyForm::None, 9, true},
      {Method::Post, v11, 205, Has::Nothing, BodyForm::Whole, 0, true},
  };
  for (const Row& row : rows) {
    Reply reply;
    reply.head.status = row.status;
    if (row.body == Has::Whole5) reply.body = Body(Piece(as_bytes("12345"), Pin(), true));
    if (row.body == Has::Source || row.body == Has::SourceOf7)
      reply.body = Body(std::make_unique<ScriptedSource>(script({})));
    if (row.body == Has::SourceOf7) reply.length = 7;
    if (row.body == Has::Length9) reply.length = 9;
    ReplyFacts facts;
    facts.method = row.method;
    facts.version = row.version;
    for (const bool may : {true, false}) {
      facts.may_persist = may;
      INFO(row.status << " " << static_cast<int>(row.body) << " " << static_cast<int>(row.method));
      CHECK(is_sendable(facts, reply));
      const ReplyPlan plan = plan_reply(facts, reply);
      CHECK(plan.form == row.form);
      CHECK(plan.framing.length == row.length);
      CHECK(plan.framing.chunked == (row.form == BodyForm::Chunked));
      CHECK(plan.persistent == (may && row.persistent));
      CHECK(plan.framing.close == !plan.persistent);
      CHECK(plan.framing.keep_alive == (plan.persistent && row.version == v10));
    }
  }
}

TEST_CASE("What no session can send is told from what it can", "[frontend][rfc9110-15]") {
  struct Row {
    Method method;
    Version version;
    bool asks_upgrade;
    int status;
    bool tunnel;
    bool good;
  };
  const auto v11 = Version::Http11;
  const Row rows[] = {
      {Method::Get, v11, false, 200, false, true},     {Method::Get, v11, false, 999, false, true},
      {Method::Get, v11, false, 100, false, false},    {Method::Get, v11, false, 1000, false, false},
      {Method::Get, v11, false, 0, false, false},      {Method::Get, v11, false, 101, false, false},
      {Method::Get, v11, false, 101, true, false},     {Method::Get, v11, true, 101, true, true},
      {Method::Get, v11, true, 101, false, false},     {Method::Get, v11, true, 200, true, false},
      {Method::Get, v11, true, 200, false, true},      {Method::Get, Version::Http10, true, 101, true, false},
      {Method::Connect, v11, false, 200, true, true},  {Method::Connect, v11, false, 200, false, false},
      {Method::Connect, v11, false, 403, false, true}, {Method::Connect, v11, false, 403, true, false},
  };
  for (const Row& row : rows) {
    ReplyFacts facts;
    facts.method = row.method;
    facts.version = row.version;
    facts.asks_upgrade = row.asks_upgrade;
    Reply reply;
    reply.head.status = row.status;
    reply.tunnel = row.tunnel;
    INFO(row.status << " tunnel " << row.tunnel << " upgrade " << row.asks_upgrade);
    CHECK(is_sendable(facts, reply) == row.good);
  }
}

TEST_CASE("A streamed body goes out in chunks, by length, or until close", "[frontend][rfc9112-7.1]") {
  for (const bool slow : {false, true}) {
    Rig rig;
    const auto open = [&] {
      rig.open([&](MemoryTransport& end) {
        if (!slow) return;
        end.set_max_write(3);
        end.set_send_capacity(5);
        end.set_hesitant(true);
      });
    };
    SECTION(slow ? "chunked, slowly" : "chunked") {
      auto steps = script({data("hello"), data(""), data("0123456789abcdef0"), last("!")});
      serve_streamed(rig, steps);
      open();
      CHECK(rig.send(kGet) == kChunkedHead + "5\r\nhello\r\n11\r\n0123456789abcdef0\r\n1\r\n!\r\n0\r\n\r\n");
      CHECK(steps->destroyed);
      CHECK(!rig.client->ended());
      CHECK(rig.log.lines.at(0).response_bytes == 23);
    }
    SECTION(slow ? "chunked with trailers, slowly" : "chunked with trailers") {
      auto steps = script({data("x"), last()});
      steps->trailers.add("X-Sum", "1");
      serve_streamed(rig, steps);
      open();
      CHECK(rig.send(kGet) == kChunkedHead + "1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n");
    }
    SECTION(slow ? "empty, slowly" : "empty") {
      serve_streamed(rig, script({last()}));
      open();
      CHECK(rig.send(kGet) == kChunkedHead + "0\r\n\r\n");
    }
    SECTION(slow ? "by length, slowly" : "by length") {
      auto steps = script({data("hello"), wait(), last("world")});
      steps->trailers.add("X-Sum", "1");  // nowhere to put them
      serve_streamed(rig, steps, 10);
      open();
      CHECK(rig.send(kGet) == head("Content-Length: 10\r\n") + "hello");
      steps->go();
      CHECK(rig.receive() == "world");
      CHECK(!rig.client->ended());
    }
    SECTION(slow ? "until close, slowly" : "until close") {
      serve_streamed(rig, script({data("hello"), last("world")}));
      open();
      CHECK(rig.send(kGet10KeepAlive) == head("Connection: close\r\n") + "helloworld");
      CHECK(rig.client->ended());
    }
  }
}

TEST_CASE("The head goes with the first piece when that is there, and does not wait when it is not", "[frontend]") {
  Rig rig;
  SECTION("one write for head, piece and end") {
    MemoryTransport* end = nullptr;
    serve_streamed(rig, script({last("hello")}));
    rig.open([&](MemoryTransport& here) { end = &here; });
    const std::size_t before = end->writes();
    CHECK(rig.send(kGet) == kChunkedHead + "5\r\nhello\r\n0\r\n\r\n");
    CHECK(end->writes() == before + 1);
  }
  SECTION("the head alone, at once") {
    auto steps = script({wait(), last("hello")});
    serve_streamed(rig, steps);
    rig.open();
    CHECK(rig.send(kGet) == kChunkedHead);
    steps->go();
    CHECK(rig.receive() == "5\r\nhello\r\n0\r\n\r\n");
  }
  SECTION("the head alone, to a client that takes a byte at a time") {
    auto steps = script({wait(), last("hello")});
    serve_streamed(rig, steps);
    rig.open([](MemoryTransport& here) { here.set_send_capacity(1); });
    CHECK(rig.send(kGet) == kChunkedHead);
    steps->go();
    CHECK(rig.receive() == "5\r\nhello\r\n0\r\n\r\n");
  }
  SECTION("a piece that comes while the head is still on its way") {
    auto steps = script({wait(), last("hello")});
    serve_streamed(rig, steps);
    rig.open([](MemoryTransport& here) { here.set_send_capacity(10); });
    rig.client->push(kGet);
    rig.run();
    steps->go();
    CHECK(rig.receive() == kChunkedHead + "5\r\nhello\r\n0\r\n\r\n");
  }
}

TEST_CASE("A source that fails in the middle cannot be mistaken for a complete body", "[frontend][rfc9112-8]") {
  Rig rig;
  struct Row {
    std::string_view request;
    std::optional<std::uint64_t> length;
    std::vector<ScriptedSource::Step> steps;
    const char* reason;
  };
  const Row rows[] = {
      {kGet, {}, {data("abc"), wait(), fail()}, "response-cut-short"},
      {kGet, 10, {data("abc"), wait(), fail()}, "response-cut-short"},
      {kGet, 10, {data("abc"), wait(), last("d")}, "response-cut-short"},
      {kGet10, {}, {data("abc"), wait(), fail()}, "response-cut-short"},
      {kGet, {}, {wait(), fail()}, "response-cut-short"},
  };
  for (const Row& row : rows) {
    Rig one;
    auto steps = script(row.steps);
    serve_streamed(one, steps, row.length);
    one.open();
    const std::string got = one.send(row.request);
    CHECK(got.substr(0, 15) == "HTTP/1.1 200 OK");
    steps->go();
    CHECK(one.receive().find("0\r\n\r\n") == std::string::npos);
    CHECK(one.client->was_reset());
    CHECK(one.session_over());
    REQUIRE(one.log.lines.size() == 1);
    CHECK(one.log.lines[0].reason == row.reason);
    CHECK(steps->destroyed);
  }
}

TEST_CASE("A source that fails before anything was sent gives an error page instead", "[frontend]") {
  Rig rig;
  serve_streamed(rig, script({fail()}), 10);
  rig.open();
  const std::string got = rig.send(kGet);
  CHECK(got.substr(0, 12) == "HTTP/1.1 502");
  CHECK(got.find("HTTP/1.1 200") == std::string::npos);
  CHECK(!rig.client->was_reset());
  CHECK(!rig.client->ended());
  CHECK(rig.log.lines.at(0).status == 502);
  CHECK(rig.log.lines.at(0).reason == "response-cut-short");
  rig.service.later = nullptr;
  CHECK(rig.send(kGet) == ok("/"));
}

TEST_CASE("HEAD and 304 show the length, 204 does not, and their sources are not read", "[frontend][rfc9110-8.6]") {
  Rig rig;
  auto steps = script({last("hello")});
  rig.service.later = [&](Request& request) {
    Reply reply = streamed_reply(steps, 5);
    if (request.head.target == "/304") reply.head.status = 304;
    if (request.head.target == "/204") reply.head.status = 204;
    return reply_later(std::move(reply));
  };
  rig.open();
  CHECK(rig.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n") == head("Content-Length: 5\r\n"));
  CHECK(rig.send("GET /304 HTTP/1.1\r\nHost: a\r\n\r\n") ==
        "HTTP/1.1 304 Not Modified\r\nContent-Type: text/plain\r\n" + std::string(kDate) + "Content-Length: 5\r\n\r\n");
  CHECK(rig.send("GET /204 HTTP/1.1\r\nHost: a\r\n\r\n") ==
        "HTTP/1.1 204 No Content\r\nContent-Type: text/plain\r\n" + std::string(kDate) + "\r\n");
  CHECK(steps->reads == 0);
  CHECK(steps->destroyed);
}

TEST_CASE("A client that takes nothing is given up after the write timeout", "[frontend][P14]") {
  for (const bool streamed : {false, true}) {
    Rig rig;
    rig.options.write_timeout = Milliseconds(20000);
    std::vector<ScriptedSource::Step> many;
    for (int i = 0; i < 100; ++i) many.push_back(data(std::string(1000, 'x')));
    auto steps = script(many);
    rig.service.later = [&](Request&) {
      return reply_later(streamed ? streamed_reply(steps) : text_reply(200, std::string(100000, 'x')));
    };
    rig.open([](MemoryTransport& end) { end.set_send_capacity(5000); });
    rig.client->push(kGet);
    rig.run();
    rig.pass(Milliseconds(19000));
    CHECK(rig.client->pull(1000).size() == 1000);  // a little is enough
    rig.run();
    rig.pass(Milliseconds(19000));
    CHECK(!rig.session_over());
    if (streamed) CHECK(steps->reads < 10);  // back-pressure
    rig.pass(Milliseconds(1200));
    CHECK(rig.session_over());
    CHECK(rig.client->was_reset());
    REQUIRE(rig.log.lines.size() == 1);
    CHECK(rig.log.lines[0].reason == "reads-too-slowly");
    CHECK(rig.log.lines[0].response_bytes > 5000);
    CHECK(rig.log.lines[0].response_bytes < 6000);
  }
}

TEST_CASE("A client that goes away in the middle of a reply is logged so, and its source is let go", "[frontend]") {
  Rig rig;
  auto steps = script({data("one"), wait(), data("two"), wait(), last()});
  serve_streamed(rig, steps);
  rig.open();
  rig.send(kGet);
  rig.client->close();
  steps->go();
  rig.run();
  CHECK(steps->destroyed);
  CHECK(rig.session_over());
  REQUIRE(rig.log.lines.size() == 1);
  CHECK(rig.log.lines[0].reason == "client-closed");
  CHECK(rig.log.lines[0].status == 200);
  CHECK(rig.log.lines[0].response_bytes == 3);
}

TEST_CASE("A client that leaves while the origin says nothing is noticed", "[frontend][rfc9112-9.6]") {
  for (const bool reset : {false, true}) {
    Rig rig;
    auto steps = script({data("one"), wait(), last("two")});
    serve_streamed(rig, steps);
    rig.open();
    rig.send(kGet);
    rig.pass(Milliseconds(60'000));
    CHECK_FALSE(steps->destroyed);  // it is still there
    if (reset)
      rig.client->abort();
    else
      rig.client->shutdown_write();  // to us it looks the same as one that has closed
    rig.run();
    if (!reset) {
      rig.pass(Milliseconds(4900));
      CHECK_FALSE(steps->cancelled);  // it may still be reading
    }
    rig.pass(Milliseconds(1600));
    CHECK(steps->cancelled);
    CHECK(steps->destroyed);
    CHECK(rig.session_over());
    REQUIRE(rig.log.lines.size() == 1);
    CHECK(rig.log.lines[0].reason == "client-closed");
    CHECK(rig.log.lines[0].response_bytes == 3);
  }
}

TEST_CASE("A client that has finished sending gets its answer as long as it comes along", "[frontend][rfc9112-9.6]") {
  Rig rig;
  auto steps = script({data("1"), wait(), data("2"), wait(), data("3"), wait(), last("4")});
  rig.service.later = [&](Request&) { return reply_later(streamed_reply(steps, 4)); };
  rig.open();
  rig.send(kGet);
  rig.client->shutdown_write();
  for (int i = 0; i < 3; ++i) {
    rig.pass(Milliseconds(4500));
    steps->go();
    rig.run();
  }
  CHECK_FALSE(steps->cancelled);
  CHECK(rig.receive() == "234");  // the first byte came with the head
}
