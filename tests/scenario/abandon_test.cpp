// What becomes of a fill when nobody reads along any more.
#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

ProxyOptions finishing(std::uint64_t left, unsigned percent) {
  ProxyOptions options = Pipeline::default_options();
  options.finish_fill = {left, percent};
  return options;
}

Answer slow(std::shared_ptr<Trickle> trickle, std::uint64_t length, std::string_view control = "max-age=60") {
  Answer answer;
  answer.fields = {{"Cache-Control", std::string(control)}, {"ETag", "\"1\""}};
  answer.trickle = std::move(trickle);
  answer.trickle_length = length;
  return answer;
}

/// A pipeline with an origin that sends one body as the test says so.
struct Slow {
  explicit Slow(FillWorth worth, std::uint64_t declared) : p(finishing(worth.left, worth.percent)) {
    p.origin.answer = [this, declared](const Seen&) { return slow(trickle, declared); };
  }
  void push(std::string bytes) {
    trickle->push(std::move(bytes));
    p.poll();
  }
  void finish() {
    trickle->finish();
    p.poll();
  }
  std::uint64_t abandoned() const { return p.counters.fills_abandoned.get(); }
  Pipeline p;
  std::shared_ptr<Trickle> trickle = std::make_shared<Trickle>();
};

}  // namespace

TEST_CASE("a fill of which little is missing goes on without readers", "[scenario][collapse][abandon]") {
  Slow s({4, 100}, 10);
  const auto client = s.p.start_and_leave("http://a.example/x", 1);
  s.push("123456");
  REQUIRE(client->done);
  CHECK_FALSE(s.trickle->dropped());
  s.push("7890");
  s.finish();
  CHECK(s.p.ask("http://a.example/x").body == "1234567890");
  CHECK(s.p.origin.seen.size() == 1);
  CHECK(s.abandoned() == 0);
}

TEST_CASE("a fill of which enough has arrived goes on without readers", "[scenario][collapse][abandon]") {
  Slow s({0, 60}, 10);
  const auto client = s.p.start_and_leave("http://a.example/x", 1);
  s.push("123456");
  REQUIRE(client->done);
  CHECK_FALSE(s.trickle->dropped());
  s.push("7890");
  s.finish();
  CHECK(s.p.ask("http://a.example/x").body == "1234567890");
  CHECK(s.abandoned() == 0);
}

TEST_CASE("otherwise it is abandoned: the origin is cut off at once, and the next client asks anew", "[scenario][collapse][abandon][9111-3.3]") {
  Slow s({4, 60}, 10);
  const auto client = s.p.start_and_leave("http://a.example/x", 1);
  s.push("12345");  // 50 %, and 5 bytes are missing
  REQUIRE(client->done);
  CHECK(s.trickle->dropped());
  CHECK(s.abandoned() == 1);
  CHECK(s.p.counters.fills_in_flight.get() == 0);
  CHECK(s.p.store.figures().objects == 0);

  s.trickle = std::make_shared<Trickle>();
  s.trickle->push("1234567890");
  s.trickle->finish();
  CHECK(s.p.ask("http://a.example/x").body == "1234567890");
  CHECK(s.p.origin.seen.size() == 2);
  CHECK(s.p.ask("http://a.example/x").at_once);
}

TEST_CASE("as long as one client reads, the fill goes on", "[scenario][collapse][abandon]") {
  Slow s({0, 100}, 10);
  const auto stays = s.p.start("http://a.example/x");
  const auto leaves = s.p.start_and_leave("http://a.example/x", 1);
  s.push("1");
  REQUIRE(leaves->done);
  s.push("234567890");
  s.finish();
  CHECK(stays->body == "1234567890");
  CHECK(s.abandoned() == 0);
}

TEST_CASE("of unknown length, it goes on for so many bytes more", "[scenario][collapse][abandon]") {
  for (const bool ends_in_time : {true, false}) {
    Slow s({4, 100}, 0);
    const auto client = s.p.start_and_leave("http://a.example/x", 1);
    s.push("123");
    REQUIRE(client->done);
    s.push("4567");
    CHECK_FALSE(s.trickle->dropped());
    s.push("8");  // what is there is never thrown away for the last piece's sake
    CHECK_FALSE(s.trickle->dropped());
    if (ends_in_time) {
      s.finish();
      CHECK(s.p.ask("http://a.example/x").body == "12345678");
      CHECK(s.p.origin.seen.size() == 1);
    } else {
      s.push("9");
      CHECK(s.trickle->dropped());
      CHECK(s.p.store.figures().objects == 0);
    }
    CHECK(s.abandoned() == (ends_in_time ? 0 : 1));
  }
}

TEST_CASE("of unknown length, a reader that comes starts the count anew", "[scenario][collapse][abandon]") {
  Slow s({4, 100}, 0);
  s.p.start_and_leave("http://a.example/x", 1);
  s.push("1");
  const auto second = s.p.start_and_leave("http://a.example/x", 4);
  s.push("2345");
  s.push("67890");
  CHECK_FALSE(second->done);
  s.push("a");
  REQUIRE(second->done);
  s.push("bcde");
  CHECK_FALSE(s.trickle->dropped());
  s.push("f");
  s.push("g");
  CHECK(second->body == "1234567890a");
  CHECK(s.trickle->dropped());
}

TEST_CASE("a background revalidation has no client, and is always finished", "[scenario][abandon][5861-3]") {
  Pipeline p(finishing(0, 100));
  p.origin.answer = [](const Seen&) {
    Answer answer;
    answer.fields = {{"Cache-Control", "max-age=1, stale-while-revalidate=60"}};
    answer.body = "old";
    return answer;
  };
  p.ask("http://a.example/x");
  auto trickle = std::make_shared<Trickle>();
  p.origin.answer = [&](const Seen&) { return slow(trickle, 10); };
  p.clock.advance(Milliseconds(5000));
  CHECK(p.ask("http://a.example/x").body == "old");
  p.poll();
  const auto client = p.start_and_leave("http://a.example/x", 1);  // reads along with the new one
  trickle->push("1");
  p.poll();
  REQUIRE(client->done);
  CHECK(client->body == "1");
  trickle->push("234567890");
  trickle->finish();
  p.poll();
  CHECK(p.ask("http://a.example/x").body == "1234567890");
  CHECK(p.origin.seen.size() == 2);
}

TEST_CASE("a client whose condition is met leaves its fill to the next ones", "[scenario][abandon][9111-4.3.2]") {
  Slow s({0, 100}, 10);
  const auto client = s.p.start({"http://a.example/x", {{"If-None-Match", "\"1\""}}});
  CHECK(client->status == 304);
  CHECK(s.p.ask({"http://a.example/x", {{"If-None-Match", "\"1\""}}}).status == 304);
  s.push("1234567890");
  s.finish();
  CHECK(s.p.ask("http://a.example/x").body == "1234567890");
  CHECK(s.p.origin.seen.size() == 1);
}

TEST_CASE("a body is not given up while its revalidation is under way", "[scenario][abandon][9111-4.3.3]") {
  Pipeline p(finishing(0, 100));
  auto trickle = std::make_shared<Trickle>();
  auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen& seen) {
    if (seen.field("If-None-Match").empty()) return slow(trickle, 10, "no-cache");
    Answer answer;
    answer.status = 304;
    answer.fields = {{"ETag", "\"1\""}};
    answer.wait_for = gate;
    return answer;
  };
  const auto first = p.start_and_leave("http://a.example/x", 1);
  const auto second = p.start("http://a.example/x");
  trickle->push("12345");
  p.poll();
  REQUIRE(first->done);
  CHECK_FALSE(trickle->dropped());
  gate->wake();
  p.poll();
  trickle->push("67890");
  trickle->finish();
  p.poll();
  CHECK(second->body == "1234567890");
  CHECK(second->body_failure == Reason::None);
  CHECK(p.origin.seen.size() == 2);
}

TEST_CASE("a 304 for a body that has failed meanwhile is worth nothing: the whole is asked for", "[scenario][abandon][9111-4.3.3]") {
  Pipeline p;
  auto trickle = std::make_shared<Trickle>();
  auto gate = std::make_shared<Wakeup>();
  bool broken = false;
  p.origin.answer = [&](const Seen& seen) {
    Answer answer = slow(broken ? nullptr : trickle, 10, "no-cache");
    if (broken) answer.body = "1234567890";
    if (seen.field("If-None-Match").empty()) return answer;
    answer = Answer();
    answer.status = 304;
    answer.fields = {{"ETag", "\"1\""}};
    answer.wait_for = gate;
    return answer;
  };
  const auto first = p.start("http://a.example/x");
  const auto second = p.start("http://a.example/x");
  trickle->push("12345");
  trickle->fail(Reason::ResponseCutShort);
  p.poll();
  CHECK(first->body_failure == Reason::ResponseCutShort);
  broken = true;
  gate->wake();
  p.poll();
  CHECK(second->status == 200);
  CHECK(second->body == "1234567890");
  CHECK(p.origin.seen.size() == 3);
}
