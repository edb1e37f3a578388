// Several requests on one connection: order, persistence, pipelining, idle memory, the heap.
#include <algorithm>
#include <catch2/catch.hpp>
#include <stdexcept>

#include "session_rig.hpp"
#include "support/alloc_counter.hpp"
#include "support/tireless_client.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

std::string get(std::string_view path, std::string_view more = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a.test\r\n" + std::string(more) + "\r\n";
}

}  // namespace

TEST_CASE("A request is answered and the connection stays open", "[frontend][rfc9112-9.3]") {
  Rig rig;
  rig.open();
  CHECK(rig.send(get("/one")) == ok("/one"));
  CHECK(rig.send(get("/two")) == ok("/two"));
  CHECK(!rig.session_over());
  CHECK(rig.service.seen == std::vector<std::string>{"GET a.test /one", "GET a.test /two"});
  CHECK(rig.listener().connections_open.get() == 1);
  CHECK(rig.listener().connections_idle.get() == 1);
  CHECK(rig.limits.open == 1);
  CHECK(rig.requests(Method::Get, 200) == 2);

  rig.client->close();
  rig.run();
  CHECK(rig.session_over());
  CHECK(rig.listener().connections_open.get() == 0);
  CHECK(rig.listener().connections_idle.get() == 0);
  CHECK(rig.limits.open == 0);
}

TEST_CASE("The service hears of a target as soon as its line has come, and of none that is no good", "[frontend]") {
  Rig rig;
  rig.open();
  rig.send("GET /one HTTP/1.1\r\nHost");
  CHECK(rig.service.expected == std::vector<std::string>{"/one"});
  CHECK(rig.service.seen.empty());
  CHECK(rig.send(": a.test\r\n\r\n" + get("http://a.test/two") + "GET /thr") == ok("/one") + ok("/two"));
  CHECK(rig.service.expected == std::vector<std::string>{"/one", "/one", "http://a.test/two"});
  rig.send("ee HTTP/5.0\r\n");
  CHECK(rig.service.expected.size() == 3);
}

TEST_CASE("A pipelined stream gives the same answers in order wherever it is cut", "[frontend][rfc9112-9.3.2]") {
  const std::string stream =
      get("/1") + "POST /2 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello" + get("/3") +
      "POST /4 HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n"
      "0\r\nX-T: v\r\n\r\n" +
      "HEAD /5 HTTP/1.1\r\nHost: a.test\r\n\r\n" + get("/6", "Connection: close\r\n");
  std::string head_only = ok("/5");
  head_only.resize(head_only.size() - 2);
  const std::string expected =
      ok("/1") + ok("hello") + ok("/3") + ok("abcdefgX-T: v\n") + head_only + ok("/6", "close");
  const auto answer = [](Request& request) -> std::optional<Reply> {
    if (request.body) return {};
    return text_reply(200, request.head.target);
  };
  const auto start = [&](Rig& rig) {
    rig.service.now = answer;
    rig.service.later = echo;
  };

  SECTION("at every byte once") {
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
      Rig rig;
      start(rig);
      rig.open();
      std::string got = rig.send(stream.substr(0, cut));
      got += rig.send(stream.substr(cut));
      INFO("cut at " << cut);
      REQUIRE(got == expected);
      REQUIRE(rig.closed_cleanly());
      REQUIRE(rig.log.lines.size() == 6);
    }
  }
  SECTION("at every byte, both ways, over a transport that blocks every other time") {
    for (const bool hesitant : {false, true}) {
      Rig rig;
      start(rig);
      rig.open([&](MemoryTransport& end) {
        end.set_max_read(1);
        end.set_max_write(1);
        end.set_send_capacity(3);
        end.set_hesitant(hesitant);
      });
      CHECK(rig.send(stream) == expected);
      CHECK(rig.closed_cleanly());
    }
  }
  SECTION("not at all") {
    Rig rig;
    start(rig);
    rig.open();
    CHECK(rig.send(stream) == expected);
    CHECK(rig.closed_cleanly());
    CHECK(rig.requests(Method::Post, 200) == 2);
    CHECK(rig.listener().request_bytes.get() == 12);
  }
}

TEST_CASE("The connection goes on exactly when client, reply and proxy all want it to", "[frontend][rfc9112-9.3]") {
  struct Row {
    const char* request;
    bool reply_close;
    bool draining;
    const char* connection;  // the field in the answer
    bool goes_on;
  };
  const Row rows[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false, false, "", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, false, "close", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive, Close\r\n\r\n", false, false, "close", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", false, false, "", true},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, false, "close", false},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false, true, "close", false},
      {"GET / HTTP/1.0\r\nHost: a\r\n\r\n", false, false, "close", false},
      {"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", false, false, "keep-alive", true},
      {"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", true, false, "close", false},
      {"GET / HTTP/1.0\r\n\r\n", false, false, "close", false},
  };
  for (const bool suspended : {false, true}) {
    for (const Row& row : rows) {
      INFO(row.request << " reply.close " << row.reply_close << " draining " << row.draining);
      Rig rig;
      rig.service.now = [&](Request& request) -> std::optional<Reply> {
        rig.limits.draining = row.draining;
        if (suspended) return {};
        Reply reply = text_reply(200, request.head.target);
        reply.close = row.reply_close;
        return reply;
      };
      rig.service.later = [&](Request& request) {
        Reply reply = text_reply(200, request.head.target);
        reply.close = row.reply_close;
        return reply_later(std::move(reply));
      };
      rig.open();
      CHECK(rig.send(row.request) == ok("/", row.connection));
      // A client that is told to close takes the answer and closes; one that asked for it is not waited for.
      CHECK(rig.client->ended() == !row.goes_on);
      rig.client->shutdown_write();
      rig.run();
      CHECK(rig.session_over());
      CHECK(rig.client->ended());
      CHECK(rig.log.lines.size() == 1);
    }
  }
}

TEST_CASE("After the last answer the rest of the pipeline is read and thrown away", "[frontend][rfc9112-9.6]") {
  Rig rig;
  rig.service.now = [](Request& request) -> std::optional<Reply> {
    Reply reply = text_reply(200, request.head.target);
    reply.close = true;
    return reply;
  };
  rig.open();
  CHECK(rig.send(get("/1") + get("/2")) == ok("/1", "close"));
  CHECK(rig.client->ended());
  CHECK(!rig.session_over());  // lingers: a reset would destroy the answer
  CHECK(rig.send(std::string(100000, 'x')).empty());
  CHECK(!rig.session_over());
  SECTION("until the client closes") {
    rig.client->shutdown_write();
    rig.run();
    CHECK(rig.session_over());
  }
  SECTION("but not for ever") {
    rig.pass(Milliseconds(6000));
    CHECK(rig.session_over());
  }
  SECTION("and not without end") {
    for (int i = 0; i < 100 && !rig.session_over(); ++i) rig.send(std::string(200000, 'x'));
    CHECK(rig.session_over());
  }
  CHECK(rig.service.seen.size() == 1);
}

TEST_CASE("A connection that says nothing is closed without a word", "[frontend][rfc9112-9.5]") {
  Rig rig;
  rig.options.idle_timeout = Milliseconds(60000);
  rig.open();
  SECTION("before its first request") {}
  SECTION("after a request") {
    CHECK(rig.send(get("/")) == ok("/"));
    rig.pass(Milliseconds(59000));
    CHECK(rig.send(get("/again")) == ok("/again").replace(ok("/again").find("00:00:00"), 8, "00:00:59"));
  }
  rig.pass(Milliseconds(59000));
  CHECK(!rig.session_over());
  rig.pass(Milliseconds(1200));
  CHECK(rig.session_over());
  CHECK(rig.client->pull().empty());
  CHECK(rig.client->ended());
  CHECK(rig.listener().connections_idle.get() == 0);
}

TEST_CASE("A head that does not come to its end in time gets 408", "[frontend][rfc9110-15.5.9]") {
  Rig rig;
  rig.options.head_timeout = Milliseconds(10000);
  rig.open();
  rig.pass(Milliseconds(30000));  // idle time does not count
  CHECK(rig.send("GET / HTTP/1.1\r\n").empty());
  rig.pass(Milliseconds(6000));
  CHECK(rig.send("Host: a\r\nX: ").empty());  // a drip does not extend it
  rig.pass(Milliseconds(3900));
  CHECK(rig.client->pull().empty());
  rig.pass(Milliseconds(300));
  const std::string answer = rig.receive();
  CHECK(answer.substr(0, 32) == "HTTP/1.1 408 Request Timeout\r\nCo");
  CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(rig.client->ended());
  REQUIRE(rig.log.lines.size() == 1);
  CHECK(rig.log.lines[0].status == 408);
  CHECK(rig.log.lines[0].reason == "request-timeout");
  CHECK(rig.counters.protocol_errors[static_cast<std::size_t>(Reason::RequestTimeout)].get() == 1);
  rig.pass(Milliseconds(6000));
  CHECK(rig.session_over());
}

TEST_CASE("What is not HTTP/1 is refused with its status, and nothing after it is read as a request",
          "[frontend][rfc9112-2.2]") {
  struct Row {
    std::string request;
    int status;
  };
  const Row rows[] = {
      {"GET /\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(40000, 'x') + "\r\n\r\n", 431},
      {"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nContent-Length: 3\r\n\r\nabc", 400},
  };
  for (const Row& row : rows) {
    INFO(row.request.substr(0, 80));
    Rig rig;
    rig.open();
    const std::string answer = rig.send(get("/first") + row.request + get("/evil"));
    const std::string first = ok("/first");
    REQUIRE(answer.substr(0, first.size()) == first);
    CHECK(answer.substr(first.size(), 12) == "HTTP/1.1 " + std::to_string(row.status));
    CHECK(answer.find("HTTP/1.1 ", first.size() + 12) == std::string::npos);
    CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK(answer.find(kDate, first.size()) != std::string::npos);
    CHECK(rig.service.seen.size() == 1);
    REQUIRE(rig.log.lines.size() == 2);
    CHECK(rig.log.lines[1].status == row.status);
    std::uint64_t errors = 0;
    for (const Count& count : rig.counters.protocol_errors) errors += count.get();
    CHECK(errors == 1);
    rig.client->close();
    rig.run();
    CHECK(rig.session_over());
  }
}

TEST_CASE("A head that the client breaks off gets 400, and a clean end between requests gets nothing",
          "[frontend][rfc9112-8]") {
  Rig rig;
  rig.open();
  SECTION("in the middle of a head") {
    CHECK(rig.send("GET / HT").empty());
    rig.client->shutdown_write();
    CHECK(rig.receive().substr(0, 12) == "HTTP/1.1 400");
    CHECK(rig.log.lines.size() == 1);
  }
  SECTION("between requests") {
    CHECK(rig.send(get("/")) == ok("/"));
    rig.client->shutdown_write();
    CHECK(rig.receive().empty());
    CHECK(rig.log.lines.size() == 1);
  }
  SECTION("by a reset") {
    CHECK(rig.send("GET / HT").empty());
    rig.client->abort();
    CHECK(rig.receive().empty());
    CHECK(rig.log.lines.empty());
  }
  CHECK(rig.session_over());
}

TEST_CASE("One connection too many gets 503 and is closed", "[frontend]") {
  Rig rig;
  rig.limits.max_connections = 2;
  rig.limits.open = 2;
  rig.open();
  const std::string answer = rig.send(get("/"));
  CHECK(answer.substr(0, 12) == "HTTP/1.1 503");
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  CHECK(rig.client->ended());
  rig.pass(Milliseconds(2000));
  CHECK(rig.session_over());
  CHECK(rig.limits.open == 2);
  CHECK(rig.service.seen.empty());
  REQUIRE(rig.log.lines.size() == 1);
  CHECK(rig.log.lines[0].reason == "too-many-connections");
}

TEST_CASE("A service that throws costs its request and nothing else", "[frontend]") {
#ifdef NDEBUG  // BUG() is fatal in debug builds
  Rig rig;
  rig.service.now = [](Request& request) -> std::optional<Reply> {
    if (request.head.target == "/throw") return {};
    return text_reply(200, request.head.target);
  };
  rig.service.later = [](Request&) -> Task<Reply> { throw std::runtime_error("no"); };
  rig.open();
  const unsigned long before = bugs_found();
  CHECK(rig.send(get("/throw")).substr(0, 12) == "HTTP/1.1 500");
  CHECK(bugs_found() == before + 1);
  CHECK(rig.send(get("/next")) == ok("/next"));
#endif
}

TEST_CASE("The log has what was asked for, by whom, and what came of it", "[frontend]") {
  Rig rig;
  rig.service.now = [&](Request& request) -> std::optional<Reply> {
    rig.clock.advance(Milliseconds(7));
    if (request.head.target == "/later") return {};
    Reply reply = text_reply(403, "no");
    reply.outcome.reason = Reason::PortRefused;
    reply.outcome.cache = CacheResult::Hit;
    return reply;
  };
  rig.service.later = [&](Request& request) {
    request.head.fields.clear();  // as an upstream may, that takes the head over
    return reply_later(text_reply(200, "hello"));
  };
  rig.open();
  rig.send(get("/now", "User-Agent: one\r\n"));
  rig.send(get("/later", "User-Agent: two\r\n"));
  REQUIRE(rig.log.lines.size() == 2);
  const LogLine& first = rig.log.lines[0];
  CHECK(first.method == "GET");
  CHECK(first.target == "/now");
  CHECK(first.user_agent == "one");
  CHECK(first.client == "192.0.2.7");
  CHECK(first.version == "HTTP/1.1");
  CHECK(first.status == 403);
  CHECK(first.reason == "port-refused");
  CHECK(first.cache_result == "hit");
  CHECK(first.response_bytes == 2);
  CHECK(first.duration == Milliseconds(7));
  CHECK(rig.log.lines[1].user_agent == "two");
  CHECK(rig.log.lines[1].response_bytes == 5);
  CHECK(rig.counters.denied[static_cast<std::size_t>(Reason::PortRefused)].get() == 1);
  CHECK(rig.counters.cache_requests[static_cast<std::size_t>(CacheResult::Hit)].get() == 1);
  CHECK(rig.requests(Method::Get, 403) == 1);
  CHECK(rig.listener().response_bytes.get() == 7);
}

TEST_CASE("What one request on a connection has proven does not count for the next", "[frontend][9110-11.7.2]") {
  Rig rig;
  std::vector<std::string> known;
  rig.service.now = [&](Request& request) -> std::optional<Reply> {
    known.emplace_back(request.user);
    if (!request.proxy_credentials.empty()) request.user = request.arena.copy("alice");
    return text_reply(200, request.proxy_credentials);
  };
  rig.open();
  const std::string proven = get("/a", "Proxy-Authorization: Basic YTpi\r\n");
  CHECK(rig.send(proven + get("/b") + proven) == ok("Basic YTpi") + ok("") + ok("Basic YTpi"));
  CHECK(known == std::vector<std::string>{"", "", ""});
  REQUIRE(rig.log.lines.size() == 3);
  CHECK(rig.log.lines[0].user == "alice");
  CHECK(rig.log.lines[1].user.empty());
  CHECK(rig.log.lines[2].user == "alice");
  // Nor for what cannot be read.
  rig.send("nonsense\r\n\r\n");
  REQUIRE(rig.log.lines.size() == 4);
  CHECK(rig.log.lines[3].status == 400);
  CHECK(rig.log.lines[3].user.empty());
}

TEST_CASE("A connection that waits has given back what a large request took", "[frontend][P24]") {
  Rig rig;
  rig.open();
  const std::string large = get("/", "X-Big: " + std::string(20000, 'b') + "\r\n");
  const std::string small = get("/");
  const auto takes = [&rig](const std::string& request) {
    AllocCounter counter;
    rig.send(request);
    return counter.bytes();
  };
  takes(large);                 // the transport's own memory grows once
  CHECK(takes(large) > 40000);  // a read buffer and two field blocks, anew each time
  takes(small);
  CHECK(takes(small) < 4096);
}

TEST_CASE("Date is added where it is missing and nowhere else", "[frontend][rfc9110-6.6.1]") {
  Rig rig;
  Fields fields;
  fields.add(FieldId::Date, "Wed, 31 Dec 2025 00:00:00 GMT");
  rig.service.now = [&](Request& request) -> std::optional<Reply> {
    Reply reply = empty_reply(204);
    if (request.head.target == "/own") reply.head.fields = fields;
    if (request.head.target == "/added") reply.added.add(FieldId::Date, "Tue, 30 Dec 2025 00:00:00 GMT");
    return reply;
  };
  rig.open();
  CHECK(rig.send(get("/own")) == "HTTP/1.1 204 No Content\r\nDate: Wed, 31 Dec 2025 00:00:00 GMT\r\n\r\n");
  CHECK(rig.send(get("/added")) == "HTTP/1.1 204 No Content\r\nDate: Tue, 30 Dec 2025 00:00:00 GMT\r\n\r\n");
  CHECK(rig.send(get("/none")) == "HTTP/1.1 204 No Content\r\n" + std::string(kDate) + "\r\n");
  rig.clock.advance(Milliseconds(61000));
  CHECK(rig.send(get("/none")) == "HTTP/1.1 204 No Content\r\nDate: Thu, 01 Jan 2026 00:01:01 GMT\r\n\r\n");
}

namespace {

/// A stored answer, as the cache gives it: pinned, its head rendered once.
class HitService final : public Service {
 public:
  HitService() { kept_.emplace(text_reply(200, std::string(1024, 'x'))); }
  std::optional<Reply> try_now(Request& request) noexcept override {
    ++hits;
    Reply reply;
    reply.head = kept_->head;
    reply.length = kept_->length;
    reply.pin = kept_->pin;
    reply.body = Body(Piece(kept_->body.whole.bytes, kept_->body.whole.pin, true));
    reply.added.add(FieldId::Age, "1");
    reply.outcome.cache_status = request.arena.join({"freshet", "; hit"});
    reply.added.add(FieldId::CacheStatus, reply.outcome.cache_status);
    return reply;
  }
  Task<Reply> serve(Request&) override { return reply_later(text_reply(500, "")); }
  std::size_t hits = 0;

 private:
  std::optional<Reply> kept_;
};

}  // namespace

TEST_CASE("A keep-alive hit takes nothing from the heap", "[frontend][allocation]") {
  const std::string one = get("/", "User-Agent: test\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n");
  struct Row {
    const char* name;
    std::string requests;
    std::size_t each;
  };
  const Row rows[] = {{"one by one", one, 1}, {"pipelined", one + one + one, 3}};
  for (const Row& row : rows) {
    INFO(row.name);
    constexpr std::size_t kRounds = 500;
    std::size_t allocations = 999;
    Rig rig;
    HitService hits;
    Peer peer;
    auto client = std::make_unique<TirelessClient>(row.requests, kRounds, allocations);
    auto session = start(rig.worker.loop(), run_h1_session(std::move(client), std::move(peer), rig.worker, hits,
                                                           rig.options, rig.limits, rig.counters, nullptr));
    run_ready(rig.worker.loop());
    REQUIRE(session.done());
    CHECK(hits.hits == kRounds * row.each);
    CHECK(rig.requests(Method::Get, 200) == kRounds * row.each);
    CHECK(allocations == 0);
  }
}

TEST_CASE("A client that takes whatever comes lets others have their turn, however large the answer", "[frontend]") {
  Rig rig;
  const std::string body(4 * 1024 * 1024, 'x');
  rig.service.now = [&](Request&) { return std::optional<Reply>(text_reply(200, body)); };
  rig.open();
  rig.client->push(get("/"));
  std::size_t turns = 0;
  while (rig.worker.loop().poll_one() > 0) ++turns;
  CHECK(rig.client->pull().size() > body.size());
  CHECK(turns >= body.size() / (64 * 1024) - 1);
}

TEST_CASE("A connection that always has another request ready lets others have their turn", "[frontend]") {
  std::size_t allocations = 0;
  Rig rig;
  HitService hits;
  Peer peer;
  auto client = std::make_unique<TirelessClient>(get("/"), 1000, allocations);
  auto session = start(rig.worker.loop(), run_h1_session(std::move(client), std::move(peer), rig.worker, hits,
                                                         rig.options, rig.limits, rig.counters, nullptr));
  int turns = 0;
  while (!session.done() && rig.worker.loop().poll_one() > 0) ++turns;
  CHECK(session.done());
  CHECK(turns > 10);
}
