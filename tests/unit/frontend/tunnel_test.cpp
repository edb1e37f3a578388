// CONNECT and Upgrade: both halves, their ends, idleness, refusals (RFC 9110 9.3.6, 7.8; RFC 9931).
#include <catch2/catch.hpp>

#include "freshet/async/spawn.hpp"
#include "session_rig.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

const std::string kConnect = "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n";
const std::string kUpgrade = "GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
constexpr std::string_view kNext = "GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// An origin at the other end of a tunnel: what it says, and what it hears.
struct FarEnd {
  std::shared_ptr<ScriptedSource::Script> says = script({});
  std::shared_ptr<Upload> hears = std::make_shared<Upload>();
  bool keep_source = false;

  Reply reply(Request& request) const {
    Reply made = empty_reply(request.head.method == Method::Connect ? 200 : 101);
    made.tunnel = true;
    made.upgrade = request.upgrade;
    made.body = Body(std::make_unique<ScriptedSource>(says));
    return made;
  }
  static Task<Reply> serve(Request& request, FarEnd& far) {
    Reply made = far.reply(request);
    Task<void> pumping = pump(std::move(request.body), far.hears, far.keep_source);
    co_await spawn(std::move(pumping));
    co_return std::move(made);
  }
};

void connect(Rig& rig, FarEnd& far) {
  rig.service.later = [&far](Request& request) { return FarEnd::serve(request, far); };
  rig.open();
}

const std::string kEstablished = "HTTP/1.1 200 OK\r\n" + std::string(kDate) + "\r\n";

}  // namespace

TEST_CASE("A CONNECT tunnel carries bytes both ways, the early ones too", "[frontend][rfc9110-9.3.6]") {
  Rig rig;
  FarEnd far;
  far.says = script({data("banner"), wait(), data("more"), wait(), last("end")});
  connect(rig, far);
  CHECK(rig.send(kConnect + "early") == kEstablished + "banner");
  CHECK(far.hears->data == "early");
  CHECK(rig.counters.tunnels_active.get() == 1);
  far.says->go();
  CHECK(rig.send("late\r\n\r\n") == "more");
  CHECK(far.hears->data == "earlylate\r\n\r\n");

  SECTION("the origin ends first: the client sees the end, and may go on sending") {
    far.says->go();
    CHECK(rig.receive() == "end");
    CHECK(rig.client->ended());
    CHECK(!rig.session_over());
    CHECK(rig.send("still here").empty());
    CHECK(far.hears->data == "earlylate\r\n\r\nstill here");
    CHECK(!far.hears->ended);
    rig.client->shutdown_write();
    rig.run();
    CHECK(far.hears->ended);
  }
  SECTION("the client ends first: the origin sees the end, and may go on sending") {
    rig.client->shutdown_write();
    rig.run();
    CHECK(far.hears->ended);
    CHECK(!rig.session_over());
    CHECK(!rig.client->ended());
    far.says->go();
    CHECK(rig.receive() == "end");
    CHECK(rig.client->ended());
  }
  CHECK(rig.session_over());
  CHECK(far.says->destroyed);
  CHECK(rig.counters.tunnels_active.get() == 0);
  CHECK(rig.counters.tunnel_bytes_in.get() == far.hears->data.size());
  CHECK(rig.counters.tunnel_bytes_out.get() == 13);
  REQUIRE(rig.log.lines.size() == 1);
  CHECK(rig.log.lines[0].method == "CONNECT");
  CHECK(rig.log.lines[0].status == 200);
  CHECK(rig.log.lines[0].reason == "none");
  CHECK(rig.log.lines[0].response_bytes == 13);
  CHECK(rig.log.lines[0].request_bytes == far.hears->data.size());
  CHECK(rig.listener().duration.sum_nanoseconds() == 0);
}

TEST_CASE("A tunnel carries a megabyte through a narrow and hesitant transport", "[frontend][rfc9110-9.3.6]") {
  Rig rig;
  FarEnd far;
  std::vector<ScriptedSource::Step> steps;
  for (int i = 0; i < 100; ++i) steps.push_back(data(std::string(1000, static_cast<char>('a' + i % 26))));
  steps.push_back(last());
  far.says = script(steps);
  rig.service.later = [&far](Request& request) { return FarEnd::serve(request, far); };
  rig.open([](MemoryTransport& end) {
    end.set_send_capacity(700);
    end.set_max_read(900);
    end.set_hesitant(true);
  });
  rig.client->push(kConnect + std::string(100000, 'u'));
  const std::string got = rig.receive();
  CHECK(got.size() == kEstablished.size() + 100000);
  CHECK(far.hears->data == std::string(100000, 'u'));
  CHECK(rig.client->ended());
  rig.client->shutdown_write();
  rig.run();
  CHECK(rig.session_over());
}

TEST_CASE("An accepted upgrade becomes a tunnel after its 101", "[frontend][rfc9110-7.8]") {
  Rig rig;
  FarEnd far;
  far.says = script({wait(), last("pong")});
  connect(rig, far);
  CHECK(rig.send(kUpgrade + "ping") ==
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  CHECK(far.hears->data == "ping");
  far.says->go();
  CHECK(rig.receive() == "pong");
  rig.client->shutdown_write();
  rig.run();
  CHECK(rig.session_over());
  CHECK(rig.service.seen.size() == 1);
}

TEST_CASE("What follows a refused CONNECT or Upgrade is never read as a request", "[frontend][P2][rfc9931]") {
  for (const std::string* request : {&kConnect, &kUpgrade}) {
    for (const int status : {403, 407, 502, 426, 200}) {
      if (request == &kConnect && status == 200) continue;
      for (const bool at_once : {false, true}) {
        INFO(*request << status);
        Rig rig;
        const auto answer = [status](Request&) { return text_reply(status, "no"); };
        if (at_once)
          rig.service.now = answer;
        else
          rig.service.later = [answer](Request& r) { return reply_later(answer(r)); };
        rig.open();
        std::string got = rig.send(*request + std::string(kNext));
        got += rig.send(kNext);
        CHECK(got.substr(0, 12) == "HTTP/1.1 " + std::to_string(status));
        CHECK(got.find("Connection: close\r\n") != std::string::npos);
        CHECK(got.find("HTTP/1.1", 12) == std::string::npos);
        CHECK(rig.client->ended());
        CHECK(rig.service.seen.size() == 1);
      }
    }
  }
}

TEST_CASE("An upgrade offered with a body is an ordinary request", "[frontend][rfc9110-7.8]") {
  Rig rig;
  bool offered = true;
  rig.service.now = [&](Request& request) -> std::optional<Reply> {
    if (!request.body) return text_reply(200, request.head.target);
    offered = !request.upgrade.empty();
    return {};
  };
  rig.service.later = echo;
  rig.open();
  CHECK(rig.send(
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi") ==
        ok("hi"));
  CHECK(!offered);
  CHECK(rig.send(kNext) == ok("/next"));
}

TEST_CASE("An idle tunnel is closed, and traffic either way keeps it", "[frontend][P15]") {
  Rig rig;
  rig.options.tunnel_idle = Milliseconds(60000);
  FarEnd far;
  far.says = script({data("1"), wait(), data("2"), wait(), last()});
  SECTION("while both ends could still speak") {
    connect(rig, far);
    rig.send(kConnect);
    rig.pass(Milliseconds(59000));
    far.says->go();
    CHECK(rig.receive() == "2");
    rig.pass(Milliseconds(59000));
    rig.send("x");
    rig.pass(Milliseconds(59000));
    CHECK(!rig.session_over());
    rig.pass(Milliseconds(1200));
    CHECK(far.says->cancelled);
    CHECK(far.hears->failure);
  }
  SECTION("when the origin has ended and the client says nothing") {
    far.says = script({last("1")});
    connect(rig, far);
    rig.send(kConnect);
    rig.pass(Milliseconds(59000));
    CHECK(!rig.session_over());
    rig.pass(Milliseconds(1200));
    CHECK(far.hears->failure);
  }
  SECTION("when the client takes nothing") {
    far.says = script({data(std::string(10000, 'x')), last()});
    rig.service.later = [&far](Request& request) { return FarEnd::serve(request, far); };
    rig.open([](MemoryTransport& end) { end.set_send_capacity(1000); });
    rig.client->push(kConnect);
    rig.run();
    rig.pass(Milliseconds(61000));
  }
  CHECK(rig.session_over());
  REQUIRE(rig.log.lines.size() == 1);
  CHECK(rig.log.lines[0].reason == "tunnel-idle");
  CHECK(rig.counters.tunnels_active.get() == 0);
}

TEST_CASE("A tunnel whose one end is gone is broken off at the other", "[frontend][rfc9110-9.3.6]") {
  Rig rig;
  FarEnd far;
  SECTION("the client resets: the origin's source is cancelled") {
    far.says = script({data("1"), wait(), last()});
    connect(rig, far);
    rig.send(kConnect);
    rig.client->abort();
    rig.run();
    CHECK(far.says->cancelled);
    CHECK(far.hears->failure);
    CHECK(rig.log.lines.at(0).reason == "client-closed");
  }
  SECTION("the origin fails: the client gets a reset, its half is stopped") {
    far.says = script({data("1"), wait(), fail()});
    connect(rig, far);
    rig.send(kConnect);
    far.says->go();
    rig.run();
    CHECK(rig.client->was_reset());
    CHECK(far.hears->failure);
    CHECK(rig.log.lines.at(0).reason == "response-cut-short");
  }
  SECTION("the service drops the client's half: what the client sends then goes nowhere") {
    far.says = script({data("1"), wait(), last("2")});
    rig.service.later = [&far](Request& request) {
      request.body.reset();
      return reply_later(far.reply(request));
    };
    rig.open();
    CHECK(rig.send(kConnect) == kEstablished + "1");
    far.says->go();
    CHECK(rig.send(kNext) == "2");
    CHECK(rig.client->ended());
    rig.client->close();
    rig.run();
  }
  CHECK(rig.session_over());
  CHECK(rig.service.seen.size() == 1);
  CHECK(rig.counters.tunnels_active.get() == 0);
}

TEST_CASE("A tunnel's source may outlive its session", "[frontend]") {
  Rig rig;
  FarEnd far;
  far.keep_source = true;
  far.says = script({wait(), fail()});
  connect(rig, far);
  rig.send(kConnect);
  far.says->go();
  rig.run();
  CHECK(rig.session_over());
  REQUIRE(far.hears->source);
  far.hears->source.reset();
}

TEST_CASE("An origin that always has another message for its tunnel lets others have their turn", "[frontend]") {
  constexpr std::size_t kMessages = 1000;
  Rig rig;
  FarEnd far;
  std::vector<ScriptedSource::Step> messages(kMessages, data("pong"));
  messages.push_back(last(""));
  far.says = script(std::move(messages));
  connect(rig, far);
  rig.client->push(kConnect);
  std::size_t turns = 0;
  while (rig.worker.loop().poll_one() > 0) ++turns;
  CHECK(rig.client->pull().size() == kEstablished.size() + 4 * kMessages);
  CHECK(turns >= kMessages / 32 - 2);
}
