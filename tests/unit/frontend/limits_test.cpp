// Clients that take more than their share: of connections, tunnels, time, memory.
#include <catch2/catch.hpp>

#include "freshet/exchange/error_reply.hpp"
#include "session_rig.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kConnect = "CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n";
constexpr Milliseconds kSecond(1000);

std::string upgrade_to(std::string_view protocol) {
  return "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: " + std::string(protocol) + "\r\n\r\n";
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// At any time of day.
bool is_ok(std::string_view answer, std::string_view body) {
  return answer.substr(0, 15) == "HTTP/1.1 200 OK" && answer.ends_with("\r\n\r\n" + std::string(body));
}

std::uint64_t denied(Rig& rig, Reason reason) { return rig.counters.denied[static_cast<std::size_t>(reason)].get(); }
std::uint64_t errors(Rig& rig, Reason reason) {
  return rig.counters.protocol_errors[static_cast<std::size_t>(reason)].get();
}

/// A reply that is a tunnel, to a CONNECT.
Reply tunnel_reply(std::shared_ptr<ScriptedSource::Script> steps) {
  Reply reply = streamed_reply(std::move(steps));
  reply.tunnel = true;
  return reply;
}

/// Lets a tunnel through when there is a place for it.
Task<Reply> tunnel_or_refuse(Request& request, std::shared_ptr<ScriptedSource::Script> steps) {
  if (!request.interim.take_tunnel_place())
    return reply_later(make_error_reply(request, {Reason::TooManyTunnels, Side::Client, 503}, "freshet"));
  request.body.reset();
  return reply_later(tunnel_reply(std::move(steps)));
}

std::string padded(std::string text, std::size_t size) {
  text.resize(size, 'a');
  return text;
}

}  // namespace

TEST_CASE("One connection too many from a client gets 429 and is closed, and costs the others nothing",
          "[frontend][P15]") {
  ClientTable table(1);
  Rig rig;
  rig.limits.clients = &table;
  const ClientKey key = *client_key("192.0.2.7");
  REQUIRE(table.enter(key));
  rig.open();
  const std::string answer = rig.send(kGet);
  CHECK(answer.substr(0, 12) == "HTTP/1.1 429");
  CHECK(contains(answer, "Retry-After: 1\r\n"));
  CHECK(contains(answer, "Connection: close\r\n"));
  CHECK(contains(answer, "detail=too-many-from-client"));
  CHECK(rig.client->ended());
  CHECK(rig.limits.open == 0);
  CHECK(rig.limits.turned_away == 1);
  rig.pass(2 * kSecond);
  CHECK(rig.session_over());
  CHECK(rig.limits.turned_away == 0);
  CHECK(rig.service.seen.empty());
  CHECK(denied(rig, Reason::TooManyFromClient) == 1);
  CHECK(errors(rig, Reason::TooManyFromClient) == 0);
  REQUIRE(rig.log.lines.size() == 1);
  CHECK(rig.log.lines[0].reason == "too-many-from-client");

  table.leave(key);
  rig.open();
  CHECK(is_ok(rig.send(kGet), "/"));
  CHECK(table.is_full(key));
  rig.client->close();
  rig.run();
  CHECK(table.addresses() == 0);
}

TEST_CASE("Of many that are refused at once only some may take their time", "[frontend][P15]") {
  for (const std::size_t others : {kRefusedAtOnce - 1, kRefusedAtOnce}) {
    Rig rig;
    rig.limits.max_connections = 0;
    rig.limits.turned_away = others;
    rig.open();
    CHECK(rig.session_over() == (others == kRefusedAtOnce));
    CHECK(rig.receive().substr(0, 12) == "HTTP/1.1 503");
    rig.pass(2 * kSecond);
    CHECK(rig.closed_cleanly());
    CHECK(rig.limits.turned_away == others);
  }
}

TEST_CASE("One that is refused and does not read is not waited for", "[frontend][P14]") {
  Rig rig;
  rig.limits.max_connections = 0;
  rig.open([](MemoryTransport& end) { end.set_send_capacity(10); });
  rig.pass(2 * kSecond);
  CHECK(rig.session_over());
}

TEST_CASE("A tunnel too many gets 503, and a place is free again when a tunnel ends", "[frontend][P15]") {
  auto steps = script({wait(), last()});
  Rig rig;
  rig.limits.max_tunnels = 1;
  rig.service.later = [&](Request& request) { return tunnel_or_refuse(request, steps); };
  rig.open();
  CHECK(rig.send(kConnect).substr(0, 12) == "HTTP/1.1 200");
  CHECK(rig.limits.tunnels == 1);
  const std::unique_ptr<MemoryTransport> first = std::move(rig.client);

  Rig second;
  second.limits.max_tunnels = 1;
  second.limits.tunnels = 1;
  second.service.later = rig.service.later;
  for (const std::string& request : {std::string(kConnect), upgrade_to("websocket"), upgrade_to("WebSocket")}) {
    INFO(request);
    second.open();
    const std::string answer = second.send(request);
    CHECK(answer.substr(0, 12) == "HTTP/1.1 503");
    CHECK(contains(answer, "Retry-After: 1\r\n"));
    CHECK(contains(answer, "Connection: close\r\n"));
    second.client->close();
    second.run();
    CHECK(second.session_over());
  }
  CHECK(denied(second, Reason::TooManyTunnels) == 3);
  CHECK(second.limits.tunnels == 1);

  steps->go();
  first->close();
  rig.run();
  CHECK(rig.session_over());
  CHECK(rig.limits.tunnels == 0);
}

TEST_CASE("Where there is no place for a tunnel, an offer of another protocol is ignored", "[frontend][rfc9110-7.8]") {
  Rig rig;
  rig.limits.max_tunnels = rig.limits.tunnels = 5;
  std::string offered = "?";
  rig.service.now = [&](Request& request) -> std::optional<Reply> {
    CHECK(request.interim.take_tunnel_place());
    offered = request.upgrade;
    CHECK_FALSE(request.body);
    return text_reply(200, "plain");
  };
  rig.open();
  CHECK(rig.send(upgrade_to("irc/6.9")) == ok("plain"));
  CHECK(offered.empty());
  CHECK(rig.send(kGet) == ok("plain"));
  CHECK(rig.limits.tunnels == 5);
}

TEST_CASE("A request for a tunnel holds no place before it is let through, and none when it is refused", "[frontend][P2][P15]") {
  Rig rig;
  rig.limits.max_tunnels = 1;
  std::size_t before = 99, while_asked = 0;
  rig.service.now = [&](Request& request) -> std::optional<Reply> {
    before = rig.limits.tunnels;
    for (int i = 0; i < 2; ++i) CHECK(request.interim.take_tunnel_place());  // one place, however often
    while_asked = rig.limits.tunnels;
    return text_reply(502, "no");
  };
  for (const std::string& request : {std::string(kConnect), upgrade_to("websocket")}) {
    rig.open();
    CHECK(rig.send(request).substr(0, 12) == "HTTP/1.1 502");
    CHECK(before == 0);
    CHECK(while_asked == 1);
    CHECK(rig.limits.tunnels == 0);
    rig.client->close();
    rig.run();
  }
}

TEST_CASE("A client that takes a response drop by drop is cut off, and its source let go", "[frontend][P14]") {
  for (const bool streamed : {false, true}) {
    INFO(streamed);
    Rig rig;
    rig.options.rate = {256, Milliseconds(60000)};
    std::vector<ScriptedSource::Step> many;
    for (int i = 0; i < 1000; ++i) many.push_back(data(std::string(1000, 'x')));
    auto steps = script(many);
    rig.service.later = [&](Request&) {
      return reply_later(streamed ? streamed_reply(steps) : text_reply(200, std::string(1000000, 'x')));
    };
    rig.open([](MemoryTransport& end) { end.set_send_capacity(5000); });
    rig.client->push(kGet);
    int seconds = 0;
    for (rig.run(); !rig.session_over() && seconds < 300; ++seconds) {
      rig.client->pull(1);  // never silent for as long as client_write
      rig.pass(kSecond);
    }
    CHECK(seconds >= 60);
    CHECK(seconds <= 121);
    CHECK(rig.client->was_reset());
    if (streamed) CHECK(steps->destroyed);
    REQUIRE(rig.log.lines.size() == 1);
    CHECK(rig.log.lines[0].reason == "reads-too-slowly");
    CHECK(errors(rig, Reason::ReadsTooSlowly) == 1);
  }
}

TEST_CASE("A client that takes a response at the least rate may take as long as that needs", "[frontend][P14]") {
  Rig rig;
  rig.options.rate = {256, Milliseconds(60000)};
  rig.service.now = [](Request&) { return text_reply(200, std::string(300000, 'x')); };
  rig.open([](MemoryTransport& end) { end.set_send_capacity(5000); });
  rig.client->push(kGet);
  std::size_t got = 0;
  for (int seconds = 0; got <= 300000 && seconds < 1200; ++seconds) {
    rig.run();
    got += rig.client->pull(260).size();
    rig.pass(kSecond);
  }
  CHECK(got > 300000);
  CHECK(!rig.session_over());
  CHECK(rig.log.lines.at(0).reason == "none");
}

TEST_CASE("What a client has taken counts, also while the buffer before it has no room to tell of", "[frontend][P14]") {
  for (const bool limited : {false, true}) {
    INFO(limited);
    Rig rig;
    if (limited) rig.options.rate = {900, Milliseconds(10000)};
    rig.options.write_timeout = 20 * kSecond;
    rig.service.now = [](Request&) { return text_reply(200, std::string(300000, 'x')); };
    rig.open([](MemoryTransport& end) {
      end.set_send_capacity(100000);
      end.set_write_grain(50000);
    });
    rig.client->push(kGet);
    rig.run();
    for (int seconds = 0; seconds < 49; ++seconds) {
      rig.client->pull(1000);
      rig.pass(kSecond);
    }
    CHECK(!rig.session_over());
    int silence = 0;
    for (; !rig.session_over() && silence < 100; ++silence) rig.pass(kSecond);
    CHECK(silence >= (limited ? 10 : 20));
    CHECK(silence <= (limited ? 20 : 40));
    CHECK(rig.log.lines.at(0).reason == "reads-too-slowly");
  }
}

TEST_CASE("An origin's slowness is not the client's", "[frontend][P14][P15]") {
  Rig rig;
  rig.options.rate = {1000, Milliseconds(60000)};
  std::shared_ptr<ScriptedSource::Script> steps = script({data("one"), wait(), data("two"), wait(), last("three")});
  rig.service.later = [&](Request&) { return reply_later(streamed_reply(steps)); };
  rig.open();
  std::string all = rig.send(kGet);
  for (int i = 0; i < 2; ++i) {
    rig.pass(600 * kSecond);
    steps->go();
    all += rig.receive();
  }
  CHECK(contains(all, "three"));
  CHECK(!rig.session_over());
  CHECK(rig.log.lines.at(0).reason == "none");
}

TEST_CASE("A client that sends a body drop by drop gets 408 in the end", "[frontend][P15][rfc9110-15.5.9]") {
  struct Row {
    const char* fields;
    const char* drop;
  };
  for (const Row& row : {Row{"Content-Length: 100000\r\n", "x"}, Row{"Transfer-Encoding: chunked\r\n", "1\r\nx\r\n"},
                         Row{"Transfer-Encoding: chunked\r\n", "001\r\nx\r\n"}}) {
    INFO(row.fields << row.drop);
    Rig rig;
    rig.options.rate = {256, Milliseconds(60000)};
    rig.service.later = echo;
    rig.open();
    rig.client->push("POST / HTTP/1.1\r\nHost: a\r\n" + std::string(row.fields) + "\r\n");
    int seconds = 0;
    std::string answer;
    for (rig.run(); answer.empty() && seconds < 300; ++seconds) {
      rig.client->push(row.drop);  // never silent for as long as client_body
      rig.pass(kSecond);
      answer = rig.receive();
    }
    CHECK(seconds >= 60);
    CHECK(seconds <= 61);
    CHECK(answer.substr(0, 12) == "HTTP/1.1 408");
    CHECK(contains(answer, "Connection: close\r\n"));
    CHECK(errors(rig, Reason::SendsTooSlowly) == 1);
    REQUIRE(rig.log.lines.size() == 1);
    CHECK(rig.log.lines[0].reason == "sends-too-slowly");
    rig.pass(6 * kSecond);
    CHECK(rig.session_over());
  }
}

TEST_CASE("A body at the least rate comes through, and silence in it has its own limit", "[frontend][P15]") {
  Rig rig;
  rig.options.rate = {256, Milliseconds(60000)};
  rig.service.later = echo;
  rig.open();
  rig.client->push("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 102400\r\n\r\n");
  rig.run();
  for (int seconds = 0; seconds < 390; ++seconds) {
    rig.client->push(std::string(260, 'x'));
    rig.pass(kSecond);
  }
  rig.client->push(std::string(102400 - 390 * 260, 'x'));
  CHECK(rig.receive().substr(0, 15) == "HTTP/1.1 200 OK");

  rig.client->push("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 102400\r\n\r\nabc");
  rig.run();
  rig.pass(29 * kSecond);
  CHECK(rig.receive().empty());
  rig.pass(2 * kSecond);
  CHECK(rig.receive().substr(0, 12) == "HTTP/1.1 408");
  CHECK(rig.log.lines.at(1).reason == "request-timeout");
  CHECK(errors(rig, Reason::RequestTimeout) == 1);
}

TEST_CASE("A body that nobody asks for is not slow", "[frontend][P15]") {
  Rig rig;
  rig.options.rate = {256, Milliseconds(60000)};
  Wakeup origin;
  rig.service.later = [&](Request& request) -> Task<Reply> {
    co_await origin.wait();
    Reply reply = co_await echo(request);
    co_return std::move(reply);
  };
  rig.open();
  rig.client->push("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
  rig.run();
  rig.pass(600 * kSecond);
  rig.client->push("abc");
  origin.wake();
  CHECK(is_ok(rig.receive(), "abc"));
}

TEST_CASE("Tunnels may be slow, but not silent", "[frontend][P15]") {
  Rig rig;
  rig.options.rate = {1000, Milliseconds(60000)};
  std::vector<ScriptedSource::Step> pieces(20, data(std::string(1000, 'x')));
  pieces.push_back(wait());
  auto steps = script(pieces);
  rig.service.later = [&](Request&) { return reply_later(tunnel_reply(steps)); };
  rig.open([](MemoryTransport& end) { end.set_send_capacity(5000); });
  rig.client->push(kConnect);
  rig.run();
  for (int i = 0; i < 20; ++i) {
    rig.client->pull(1000);
    rig.pass(60 * kSecond);
  }
  CHECK(!rig.session_over());
  rig.pass(rig.options.tunnel_idle);
  rig.pass(kSecond);
  CHECK(rig.session_over());
  REQUIRE(rig.log.lines.size() == 1);
  CHECK(rig.log.lines[0].reason == "tunnel-idle");
  CHECK(errors(rig, Reason::TunnelIdle) == 1);
  CHECK(rig.limits.tunnels == 0);
}

TEST_CASE("A client that asks and asks and never reads is not read from any more", "[frontend][P14]") {
  Rig rig;
  rig.open([](MemoryTransport& end) { end.set_send_capacity(2000); });
  std::string many;
  for (int i = 0; i < 20000; ++i) many += kGet;
  rig.client->push(many);
  rig.run();
  CHECK(rig.service.seen.size() < 30);
  CHECK(rig.client->unacknowledged() > many.size() - 3 * 4096);
  rig.pass(rig.options.write_timeout);
  rig.pass(kSecond);
  CHECK(rig.session_over());
  CHECK(rig.service.seen.size() < 30);
}

TEST_CASE("A head that never ends is refused at its limit, and not buffered beyond", "[frontend][P15][rfc6585-5]") {
  constexpr std::size_t kLimit = 4096;
  struct Row {
    std::string name, begin;
    int status;
  };
  const Row rows[] = {
      {"a field line", "GET / HTTP/1.1\r\nHost: a\r\nX: ", 431},
      {"a field name", "GET / HTTP/1.1\r\nHost: a\r\nX", 431},
      {"the request target", "GET /", 414},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    Rig rig;
    rig.options.head.bytes = kLimit;
    rig.options.head.target_bytes = kLimit / 2;
    rig.open();
    const std::size_t limit = row.status == 414 ? kLimit / 2 : kLimit;
    CHECK(rig.send(padded(row.begin, limit - 1)).empty());
    const std::string answer = rig.send("aaaaaa");
    CHECK(answer.substr(0, 12) == "HTTP/1.1 " + std::to_string(row.status));
    CHECK(contains(answer, "Connection: close\r\n"));
    CHECK(rig.service.seen.empty());
    // A flood in one go: what is not yet read when the answer is due is only thrown away.
    rig.open();
    rig.client->push(padded(row.begin, 32u << 20));
    CHECK(rig.receive().substr(0, 12) == "HTTP/1.1 " + std::to_string(row.status));
    CHECK(rig.session_over());
    CHECK(rig.client->unacknowledged() >= 20u << 20);
  }
}

TEST_CASE("An endless body to a hit is not taken for a request, and not read for long", "[frontend][P1]") {
  for (const bool chunked : {false, true}) {
    INFO(chunked);
    Rig rig;
    rig.open();
    std::string request = "GET /hit HTTP/1.1\r\nHost: a\r\n";
    request += chunked ? "Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n" : "Content-Length: 9999999999\r\n\r\n";
    rig.client->push(request);
    rig.client->push("GET /evil HTTP/1.1\r\nHost: a\r\n\r\n");
    rig.client->push(std::string(32u << 20, 'x'));
    const std::string answer = rig.receive();
    CHECK(answer == ok("/hit", "close"));
    CHECK(rig.service.seen.size() == 1);
    CHECK(rig.session_over());
    CHECK(rig.client->unacknowledged() >= 20u << 20);
  }
}

TEST_CASE("Nobody is waited for long who does not let go", "[frontend][P15][rfc9112-9.6]") {
  Rig rig;
  rig.open();
  CHECK(rig.send("BAD\r\n\r\n").substr(0, 12) == "HTTP/1.1 400");
  CHECK(rig.client->ended());
  for (int half_seconds = 0; half_seconds < 9; ++half_seconds) {
    rig.client->push("x");
    rig.pass(kSecond / 2);
    CHECK(!rig.session_over());
  }
  rig.client->push("x");
  rig.pass(kSecond);
  CHECK(rig.session_over());
}

TEST_CASE("Every limit on a request has its status, and ends the connection", "[frontend][P15]") {
  struct Row {
    std::string request;
    int status;
    Reason reason;
  };
  std::string fields;
  for (int i = 0; i < 20; ++i) fields += "X-" + std::to_string(i) + ": y\r\n";
  const Row rows[] = {
      {"GET /" + std::string(200, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414, Reason::TargetTooLong},
      {"GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n", 431, Reason::TooManyFields},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(2000, 'a') + "\r\n\r\n", 431, Reason::FieldsTooLarge},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", 413, Reason::BodyTooLarge},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') +
           "\r\n0\r\n\r\n",
       413, Reason::BodyTooLarge},
  };
  for (const Row& row : rows) {
    INFO(row.request);
    Rig rig;
    rig.options.head = {1000, 100, 10};
    rig.options.max_request_body = 100;
    rig.service.later = echo;
    rig.open();
    const std::string answer = rig.send(row.request);
    CHECK(answer.substr(0, 12) == "HTTP/1.1 " + std::to_string(row.status));
    CHECK(contains(answer, "Connection: close\r\n"));
    CHECK(rig.client->ended());
    CHECK(errors(rig, row.reason) == 1);
  }
}

TEST_CASE("A silent connection holds no buffer, and goes on where it was", "[frontend][P15][P24]") {
  Rig rig;
  MemoryTransport* end = nullptr;
  rig.open([&](MemoryTransport& here) { end = &here; });
  CHECK(end->reads() == 0);  // a read needs a buffer
  rig.pass(20 * kSecond);
  CHECK(is_ok(rig.send(kGet), "/"));
  const std::size_t awake = end->reads();
  rig.pass(4 * kSecond);
  CHECK(end->reads() == awake);
  rig.pass(20 * kSecond);
  CHECK(is_ok(rig.send(kGet), "/"));

  const std::string_view half = kGet.substr(0, 20), rest = kGet.substr(20);
  CHECK(rig.send(half).empty());
  rig.pass(8 * kSecond);  // longer than buffers are kept, shorter than a head may take
  CHECK(is_ok(rig.send(rest), "/"));

  rig.pass(rig.options.idle_timeout - kSecond);
  CHECK(!rig.session_over());
  rig.pass(2 * kSecond);
  CHECK(rig.closed_cleanly());
}
