// Request bodies: streamed, bounded, asked for, left unread, and read by somebody else while the reply goes out.
#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>

#include "freshet/async/spawn.hpp"
#include "session_rig.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

std::string post(std::string_view fields, std::string_view body) {
  return "POST /p HTTP/1.1\r\nHost: a.test\r\n" + std::string(fields) + "\r\n" + std::string(body);
}
std::string post_length(std::size_t length, std::string_view body, std::string_view more = {}) {
  return post("Content-Length: " + std::to_string(length) + "\r\n" + std::string(more), body);
}
std::string post_chunked(std::string_view body, std::string_view more = {}) {
  return post("Transfer-Encoding: chunked\r\n" + std::string(more), body);
}
constexpr std::string_view kNext = "GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n";
constexpr std::string_view k100 = "HTTP/1.1 100 Continue\r\n\r\n";

std::string status_of(const std::string& answer) { return answer.substr(0, 12); }
bool says_close(const std::string& answer) { return answer.find("\r\nConnection: close\r\n") != std::string::npos; }

std::optional<Reply> answer_bodiless(Request& request) {
  if (request.body) return {};
  return text_reply(200, request.head.target);
}

/// Starts a pump that outlives the reply, waits for `pieces` reads or not, then replies.
Task<Reply> pump_aside(Request& request, std::shared_ptr<Upload> upload, bool keep, Reply reply) {
  Task<void> pumping = pump(std::move(request.body), upload, keep);
  co_await spawn(std::move(pumping));
  co_return std::move(reply);
}

}  // namespace

TEST_CASE("A body reaches the service as it comes, and is never held whole", "[frontend][rfc9112-6]") {
  Rig rig;
  auto upload = std::make_shared<Upload>();
  rig.service.now = answer_bodiless;
  rig.service.later = [&](Request& request) {
    CHECK(request.body_length == std::optional<std::uint64_t>(10000000));
    return pump_aside(request, upload, false, streamed_reply(script({wait(), last("done")}), 4));
  };
  rig.open();
  CHECK(says_close(rig.send(post_length(10000000, "first"))));
  CHECK(upload->data == "first");
  rig.client->push(std::string(500000, 'x'));
  rig.run();
  CHECK(upload->data.size() == 500005);
}

TEST_CASE("A body of 100 000 bytes is echoed, by length and in chunks, with its trailers", "[frontend][rfc9112-7.1]") {
  const std::string body(100000, 'b');
  for (const std::size_t max_read : {std::size_t(1000), MemoryTransport::kUnlimited}) {
    Rig rig;
    rig.service.now = answer_bodiless;
    rig.service.later = echo;
    rig.open([&](MemoryTransport& end) { end.set_max_read(max_read); });
    CHECK(rig.send(post_length(body.size(), body)) == ok(body));
    std::string chunked;
    for (std::size_t at = 0; at < body.size(); at += 100) chunked += "64\r\n" + body.substr(at, 100) + "\r\n";
    CHECK(rig.send(post_chunked(chunked + "0\r\nX-Sum: 1\r\n\r\n")) == ok(body + "X-Sum: 1\n"));
    CHECK(rig.send(kNext) == ok("/next"));
    CHECK(rig.listener().request_bytes.get() == 2 * body.size());
  }
}

TEST_CASE("P4: a trailer that carries framing is answered with 400, and the connection closes",
          "[frontend][rfc9110-6.5.1]") {
  Rig rig;
  rig.service.now = answer_bodiless;
  rig.service.later = echo;
  rig.open();
  const std::string answer = rig.send(post_chunked("1\r\nb\r\n0\r\nContent-Length: 5\r\n\r\n") + std::string(kNext));
  CHECK(answer.starts_with("HTTP/1.1 400 "));
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  CHECK(answer.find("/next") == std::string::npos);
}

TEST_CASE("A body is limited to max_request_body, to the byte", "[frontend][rfc9110-15.5.14]") {
  for (const std::size_t size : {9u, 10u, 11u, 1000u}) {
    const std::string body(size, 'x');
    const bool fits = size <= 10;
    INFO(size);
    SECTION("known length: refused before the service is called " + std::to_string(size)) {
      Rig rig;
      rig.options.max_request_body = 10;
      rig.service.later = echo;
      rig.open();
      const std::string answer = rig.send(post_length(size, body) + std::string(kNext));
      CHECK(rig.service.seen.size() == (fits ? 2 : 0));
      CHECK(status_of(answer) == (fits ? "HTTP/1.1 200" : "HTTP/1.1 413"));
      CHECK(says_close(answer) == !fits);
      CHECK(rig.client->ended() == !fits);
      CHECK(rig.log.lines[0].status == (fits ? 200 : 413));
    }
    SECTION("chunked: read() fails " + std::to_string(size)) {
      Rig rig;
      rig.options.max_request_body = 10;
      rig.service.later = echo;
      rig.open();
      std::string chunked;
      for (std::size_t i = 0; i < size; ++i) chunked += "1\r\nx\r\n";
      const std::string answer = rig.send(post_chunked(chunked + "0\r\n\r\n") + std::string(kNext));
      CHECK(rig.service.seen.size() == (fits ? 2 : 1));
      CHECK(status_of(answer) == (fits ? "HTTP/1.1 200" : "HTTP/1.1 413"));
      CHECK(rig.client->ended() == !fits);
    }
  }
}

TEST_CASE("A malformed or broken body fails for the service and ends the connection", "[frontend][rfc9112-7.1]") {
  Rig rig;
  rig.service.later = echo;
  rig.open();
  SECTION("a bad chunk") {
    const std::string answer = rig.send(post_chunked("3\r\nabcX\r\n") + std::string(kNext));
    CHECK(status_of(answer) == "HTTP/1.1 400");
    CHECK(says_close(answer));
    CHECK(rig.log.lines.at(0).reason == "bad-chunk");
  }
  SECTION("the client's end in the middle") {
    rig.client->push(post_length(10, "abc"));
    rig.client->shutdown_write();
    CHECK(status_of(rig.receive()) == "HTTP/1.1 400");
    CHECK(rig.log.lines.at(0).reason == "client-closed");
  }
  SECTION("a pause that is too long") {
    CHECK(rig.send(post_length(10, "abc")).empty());
    rig.pass(Milliseconds(29000));
    CHECK(rig.send("def").empty());
    rig.pass(Milliseconds(29000));
    CHECK(rig.receive().empty());
    rig.pass(Milliseconds(1200));
    const std::string answer = rig.receive();
    CHECK(status_of(answer) == "HTTP/1.1 408");
    CHECK(says_close(answer));
  }
  CHECK(rig.service.seen.size() == 1);
  CHECK(rig.client->ended());
}

TEST_CASE("A client that expects 100 gets it when its body is wanted, and only then", "[frontend][rfc9110-10.1.1]") {
  Rig rig;
  rig.service.now = answer_bodiless;
  const std::string head = post_length(5, "", "Expect: 100-continue\r\n");
  SECTION("the body is read: 100, then the answer") {
    rig.service.later = echo;
    rig.open();
    CHECK(rig.send(head) == k100);
    CHECK(rig.send("hello") == ok("hello"));
    CHECK(rig.send(kNext) == ok("/next"));
  }
  SECTION("the same over a transport that blocks") {
    rig.service.later = echo;
    rig.open([](MemoryTransport& end) {
      end.set_send_capacity(1);
      end.set_hesitant(true);
    });
    CHECK(rig.send(head) == k100);
    CHECK(rig.send("hello") == ok("hello"));
  }
  SECTION("the body has come already: no 100") {
    rig.service.later = echo;
    rig.open();
    CHECK(rig.send(head + "hel") == "");
    CHECK(rig.send("lo") == ok("hello"));
  }
  SECTION("HTTP/1.0: no 100") {
    rig.service.later = echo;
    rig.open();
    CHECK(rig.send("POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n").empty());
    CHECK(rig.send("hello") == ok("hello", "close"));
  }
  SECTION("the origin's 100 is passed on: no second one") {
    struct Origin {
      static Task<Reply> serve(Request& request) {
        ResponseHead interim(100, FieldsView());
        co_await request.interim.send(interim);
        co_await request.interim.send(interim);
        Reply reply = co_await echo(request);
        co_return std::move(reply);
      }
    };
    rig.service.later = Origin::serve;
    rig.open();
    CHECK(rig.send(head) == std::string(k100));
    CHECK(rig.send("hello") == ok("hello"));
    CHECK(rig.send(kNext) == ok("/next"));
  }
  SECTION("an answer without the body, nothing of it there: close, since the client may send it or not") {
    rig.service.later = [](Request&) { return reply_later(text_reply(403, "no")); };
    rig.open();
    const std::string answer = rig.send(head);
    CHECK(status_of(answer) == "HTTP/1.1 403");
    CHECK(says_close(answer));
    CHECK(rig.client->ended());
    CHECK(rig.send(kNext).empty());
    CHECK(rig.service.seen.size() == 1);
  }
  SECTION("an answer without the body, all of it there: it is thrown away and the connection goes on") {
    rig.service.later = [](Request&) { return reply_later(text_reply(200, "no")); };
    rig.open();
    CHECK(rig.send(head + "hello") == ok("no"));
    CHECK(rig.send(kNext) == ok("/next"));
  }
}

TEST_CASE("Interim answers go to HTTP/1.1 clients at once and to HTTP/1.0 clients never", "[frontend][rfc9110-15.2]") {
  struct Origin {
    static Task<Reply> serve(Request& request) {
      Fields fields;
      fields.add(FieldId::Link, "</a.css>; rel=preload");
      for (const int status : {102, 103, 101, 200}) {
        ResponseHead interim(status, fields);
        co_await request.interim.send(interim);
      }
      Reply reply = text_reply(200, "x");
      co_return std::move(reply);
    }
  };
  Rig rig;
  rig.service.later = Origin::serve;
  rig.open([](MemoryTransport& end) { end.set_max_write(7); });
  CHECK(rig.send(kNext) ==
        "HTTP/1.1 102 Processing\r\nLink: </a.css>; rel=preload\r\n\r\n"
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" +
            ok("x"));
  CHECK(rig.send("GET / HTTP/1.0\r\n\r\n") == ok("x", "close"));
}

TEST_CASE("An interim answer behind another one that cannot leave yet leaves as it was", "[frontend][rfc9110-15.2]") {
  struct Origin {
    static Task<Reply> serve(Request& request, std::shared_ptr<Upload> upload) {
      Task<void> pumping = pump(std::move(request.body), upload, false);
      co_await spawn(std::move(pumping));
      {
        Fields fields;
        fields.add(FieldId::Link, "</a.css>; rel=preload");
        ResponseHead interim(103, fields);
        co_await request.interim.send(interim);
        fields.clear();
        fields.add(FieldId::Link, "<SECRETSECRETSECRETSECRETSECRET>");
      }
      Reply reply = text_reply(200, "x");
      co_return std::move(reply);
    }
  };
  Rig rig;
  rig.service.now = answer_bodiless;
  rig.service.later = [](Request& request) { return Origin::serve(request, std::make_shared<Upload>()); };
  MemoryTransport* server = nullptr;
  rig.open([&](MemoryTransport& end) {
    server = &end;
    end.set_send_capacity(0);
  });
  CHECK(rig.send(post_length(5, "", "Expect: 100-continue\r\n")).empty());
  server->set_send_capacity(MemoryTransport::kUnlimited);
  const std::string got = rig.send("");
  CHECK(got.starts_with(std::string(k100) + "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 "));
}

TEST_CASE("A hit served before its request body never turns the body into a request", "[frontend][P1]") {
  const std::string evil = "GET /evil HTTP/1.1\r\nHost: a.test\r\n\r\n";
  const auto check = [&](bool chunked, std::size_t known_more, const std::function<void(Rig&)>& set_up) {
    const std::string head =
        chunked ? "GET /a HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
                : "GET /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: " + std::to_string(evil.size() + known_more) +
                      "\r\n\r\n";
    const std::string body = chunked ? "24\r\n" + evil + "\r\n0\r\n\r\n" : evil;
    const std::string stream = head + body;
    for (std::size_t cut = 1; cut <= stream.size(); ++cut) {
      Rig rig;
      set_up(rig);
      rig.open();
      std::string got = rig.send(stream.substr(0, cut));
      got += rig.send(stream.substr(cut));
      got += rig.send(std::string(known_more, 'x'));
      got += rig.send(kNext);
      INFO("cut at " << cut);
      REQUIRE(status_of(got) == "HTTP/1.1 200");
      const bool kept = !says_close(got.substr(0, got.find("\r\n\r\n") + 2));
      REQUIRE(rig.service.seen.size() == (kept ? 2 : 1));
      for (const std::string& seen : rig.service.seen) REQUIRE(seen.find("evil") == std::string::npos);
      if (!chunked && known_more < 65536) REQUIRE(kept);
      if (known_more > 65536) REQUIRE(!kept);
      REQUIRE(rig.client->ended() == !kept);
    }
  };
  REQUIRE(evil.size() == 0x24);
  const auto hit = [](Rig& rig) {
    rig.service.now = [](Request& request) -> std::optional<Reply> { return text_reply(200, request.head.target); };
  };
  const auto dropped = [](Rig& rig) {
    rig.service.later = [](Request& request) {
      request.body.reset();
      return reply_later(text_reply(200, "x"));
    };
  };
  const auto streamed = [](Rig& rig) {
    rig.service.later = [](Request&) { return reply_later(streamed_reply(script({data("a"), wait(), last("b")}), 2)); };
    rig.service.now = [](Request& request) -> std::optional<Reply> {
      if (!request.body) return text_reply(200, "");
      return streamed_reply(script({data("a"), last("b")}), 2);
    };
  };
  check(false, 0, hit);
  check(true, 0, hit);
  check(false, 1000, dropped);
  check(true, 0, dropped);
  check(false, 0, streamed);
  check(false, 70000, hit);
}

TEST_CASE("A drain that does not come to its end closes the connection", "[frontend][P1]") {
  Rig rig;
  rig.open();
  CHECK(rig.send(post_length(60000, "abc")) == ok("/p"));
  rig.pass(Milliseconds(4000));
  CHECK(!rig.client->ended());
  rig.pass(Milliseconds(1200));
  CHECK(rig.client->ended());
  rig.pass(Milliseconds(6000));
  CHECK(rig.session_over());
  CHECK(rig.send(std::string(59997, 'x') + std::string(kNext)).empty());
  CHECK(rig.service.seen.size() == 1);
}

TEST_CASE("A pump that still reads when the reply is finished is stopped, and its memory stays valid", "[frontend]") {
  Rig rig;
  auto upload = std::make_shared<Upload>();
  rig.service.now = answer_bodiless;
  SECTION("known length and little left: the rest is drained, the connection goes on") {
    rig.service.later = [&](Request& request) { return pump_aside(request, upload, true, text_reply(200, "early")); };
    rig.open();
    CHECK(rig.send(post_length(10, "abc")) == ok("early"));
    CHECK(upload->data == "abc");
    REQUIRE(upload->failure);
    CHECK(rig.send("defghij" + std::string(kNext)) == ok("/next"));
    // Whoever still has the source is told no, and no more.
    auto again = std::make_shared<Upload>();
    auto reading = start(rig.worker.loop(), pump(std::move(upload->source), again, false));
    rig.run();
    CHECK(reading.done());
    CHECK(again->failure);
    CHECK(again->data.empty());
  }
  SECTION("chunked: the connection closes") {
    rig.service.later = [&](Request& request) { return pump_aside(request, upload, true, text_reply(200, "early")); };
    rig.open();
    CHECK(rig.send(post_chunked("3\r\nabc\r\n")) == ok("early", "close"));
    CHECK(rig.client->ended());
    CHECK(upload->failure);
    rig.client->close();
    rig.run();
    CHECK(rig.session_over());
    upload.reset();  // the source outlives the session
  }
  SECTION("while the reply still goes out, it goes on reading") {
    auto steps = script({data("one"), wait(), last("two")});
    rig.service.later = [&](Request& request) { return pump_aside(request, upload, false, streamed_reply(steps, 6)); };
    rig.open();
    rig.send(post_length(10, "abc"));
    CHECK(rig.send("defghij").empty());
    CHECK(upload->ended);
    CHECK(upload->data == "abcdefghij");
    steps->go();
    CHECK(rig.receive() == "two");
    CHECK(rig.send(kNext) == ok("/next"));
  }
}

TEST_CASE("A request body that times out does not disturb the reply that is being written", "[frontend]") {
  Rig rig;
  auto upload = std::make_shared<Upload>();
  rig.options.body_timeout = Milliseconds(10000);
  rig.options.write_timeout = Milliseconds(60000);
  rig.service.now = answer_bodiless;
  const std::string big(50000, 'r');
  rig.service.later = [&](Request& request) { return pump_aside(request, upload, false, text_reply(200, big)); };
  rig.open([](MemoryTransport& end) { end.set_send_capacity(1000); });
  rig.client->push(post_length(10, "abc"));
  rig.run();
  CHECK(!upload->failure);
  rig.pass(Milliseconds(11000));
  REQUIRE(upload->failure);
  CHECK(upload->failure->reason == Reason::RequestTimeout);
  CHECK(rig.receive() == ok(big));
  CHECK(rig.client->ended());
  CHECK(rig.send("defghij" + std::string(kNext)).empty());
}

TEST_CASE("A piece that somebody still holds is not overwritten by the next request", "[frontend]") {
  struct Holder {
    std::unique_ptr<BodySource> source;
    Piece piece;
    static Task<Reply> serve(Request& request, Holder& holder) {
      holder.source = std::move(request.body);
      Result<Piece> got = co_await holder.source->read();
      holder.piece = std::move(*got);
      Reply reply = text_reply(200, "x");
      co_return std::move(reply);
    }
  };
  Rig rig;
  Holder holder;
  rig.service.now = answer_bodiless;
  rig.service.later = [&](Request& request) { return Holder::serve(request, holder); };
  rig.open();
  CHECK(rig.send(post_length(5, "hello")) == ok("x"));
  CHECK(rig.send(kNext) == ok("/next"));
  CHECK(rig.send(kNext) == ok("/next"));
  CHECK(as_text(holder.piece.bytes) == "hello");
  rig.client->close();
  rig.run();
  CHECK(rig.session_over());
  CHECK(as_text(holder.piece.bytes) == "hello");
}

TEST_CASE("A source that its owner cancels fails at once, and the body is still kept off the next request",
          "[frontend]") {
  struct Canceller {
    static Task<void> read(std::unique_ptr<BodySource>& source, std::shared_ptr<Upload> upload) {
      Result<Piece> got = co_await source->read();
      if (!got) upload->failure = got.error();
    }
    static Task<Reply> serve(Request& request, std::shared_ptr<Upload> upload) {
      Task<void> reading = read(request.body, upload);
      co_await spawn(std::move(reading));
      Wakeup turn;
      turn.wake();
      co_await turn.wait();
      request.body->cancel();
      Reply reply = text_reply(200, "x");
      co_return std::move(reply);
    }
  };
  Rig rig;
  auto upload = std::make_shared<Upload>();
  rig.service.now = answer_bodiless;
  rig.service.later = [&](Request& request) { return Canceller::serve(request, upload); };
  rig.open();
  CHECK(rig.send(post_length(5, "")) == ok("x"));
  CHECK(rig.send("hello" + std::string(kNext)) == ok("/next"));
  CHECK(rig.service.seen.size() == 2);
}
