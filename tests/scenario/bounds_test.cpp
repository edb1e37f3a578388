// What is under way at once is bounded: fills, revalidations, the contents of QUERY; and who leads a fetch does not
// decide for the others.
#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr std::size_t kMiB = 1 << 20;

std::string url(int i) { return "http://a.example/" + std::to_string(i); }

/// Bytes that tell which response they belong to and where they stand in it.
std::string content(int number, std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = static_cast<std::uint32_t>(number) * 2654435761u + 1;
  for (char& c : text) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

Answer trickling(const std::shared_ptr<Trickle>& trickle, std::uint64_t length) {
  Answer answer;
  answer.fields = {{"Cache-Control", "max-age=60"}};
  answer.trickle = trickle;
  answer.trickle_length = length;
  return answer;
}

StoreOptions store_of(std::uint64_t size, std::uint64_t fills = 4096) {
  StoreOptions options;
  options.max_size = size;
  options.max_fills = fills;
  return options;
}

}  // namespace

TEST_CASE("a hundred fills together far larger than the cache reach their clients whole", "[scenario][fills][memory]") {
  constexpr int kFills = 100;
  constexpr std::size_t kSize = kMiB / 4, kPiece = 16 * 1024;
  for (const bool declared : {true, false}) {
    ProxyOptions options = Pipeline::default_options();
    options.policy.max_object_size = 2 * kMiB;
    Pipeline p(options, store_of(4 * kMiB));
    std::vector<std::shared_ptr<Trickle>> origins;
    std::vector<std::string> bodies;
    for (int i = 0; i < kFills; ++i) {
      origins.push_back(std::make_shared<Trickle>());
      bodies.push_back(content(i, kSize));
    }
    p.origin.answer = [&](const Seen& seen) {
      return trickling(origins[std::stoul(seen.target.substr(1))], declared ? kSize : 0);
    };
    std::vector<std::shared_ptr<Got>> clients;
    for (int i = 0; i < kFills; ++i) clients.push_back(p.start(url(i)));
    for (std::size_t at = 0; at < kSize; at += kPiece) {
      for (int i = 0; i < kFills; ++i) origins[i]->push(bodies[i].substr(at, kPiece));
      p.poll();
      REQUIRE(p.store.held() <= p.store.limit());
    }
    for (auto& origin : origins) origin->finish();
    p.poll();
    for (int i = 0; i < kFills; ++i) {
      INFO(i);
      REQUIRE(clients[i]->done);
      CHECK(clients[i]->body_failure == Reason::None);
      CHECK(clients[i]->body == bodies[i]);
    }
    CHECK(p.counters.fills_in_flight.get() == 0);
    CHECK(p.store.fills().taken() == 0);
    CHECK(p.store.figures().bytes <= 4 * kMiB);
  }
}

TEST_CASE("beyond the bound of fills responses pass through uncached", "[scenario][fills]") {
  Pipeline p(Pipeline::default_options(), store_of(256 * kMiB, 2));
  std::vector<std::shared_ptr<Trickle>> origins;
  p.origin.answer = [&](const Seen&) {
    origins.push_back(std::make_shared<Trickle>());
    return trickling(origins.back(), 5);
  };
  const auto first = p.start(url(1)), second = p.start(url(2)), third = p.start(url(3));
  CHECK(p.store.fills().taken() == 2);
  CHECK(p.counters.fills_refused.get() == 1);
  CHECK(third->cache_status == "freshet; fwd=uri-miss; fwd-status=200; detail=too-many-fills");
  CHECK(third->outcome.reason == Reason::TooManyFills);
  CHECK_FALSE(third->outcome.stored);
  for (auto& origin : origins) {
    origin->push("hello");
    origin->finish();
  }
  p.poll();
  for (const auto& got : {first, second, third}) CHECK(got->body == "hello");
  CHECK(p.ask(url(1)).at_once);
  const auto again = p.start(url(3));
  CHECK(again->outcome.stored);
  origins.back()->push("hello");
  origins.back()->finish();
  p.poll();
  CHECK(again->body == "hello");
  CHECK(p.store.fills().taken() == 0);
}

TEST_CASE("what comes whole needs no fill", "[scenario][fills]") {
  Pipeline p(Pipeline::default_options(), store_of(256 * kMiB, 1));
  auto trickle = std::make_shared<Trickle>();
  p.origin.answer = [&](const Seen& seen) {
    if (seen.target == "/1") return trickling(trickle, 5);
    Answer answer;
    answer.fields = {{"Cache-Control", "max-age=60"}};
    answer.body = "whole";
    return answer;
  };
  const auto filling = p.start(url(1));
  CHECK(p.ask(url(2)).outcome.stored);
  CHECK(p.ask(url(2)).at_once);
  CHECK_FALSE(filling->done);
}

TEST_CASE("who waits for a fetch that may not fill asks for himself", "[scenario][fills][collapse]") {
  Pipeline p(Pipeline::default_options(), store_of(256 * kMiB, 1));
  auto filling = std::make_shared<Trickle>();
  auto gate = std::make_shared<Wakeup>();
  std::vector<std::shared_ptr<Trickle>> origins;
  p.origin.answer = [&](const Seen& seen) {
    if (seen.target == "/1") return trickling(filling, 5);
    origins.push_back(std::make_shared<Trickle>());
    origins.back()->push("hello");
    origins.back()->finish();
    Answer answer = trickling(origins.back(), 5);
    if (origins.size() == 1) answer.wait_for = gate;
    return answer;
  };
  const auto one = p.start(url(1));
  const auto leader = p.start(url(2)), follower = p.start(url(2));
  CHECK(origins.size() == 1);
  gate->wake();
  p.poll();
  CHECK(leader->body == "hello");
  CHECK(follower->body == "hello");
  CHECK(follower->outcome.reason == Reason::TooManyFills);
}

TEST_CASE("revalidations in the background are bounded, and what waits for none stays stale",
          "[scenario][5861-3][fills]") {
  Pipeline p(Pipeline::default_options(), store_of(256 * kMiB, 1));
  auto gate = std::make_shared<Wakeup>();
  int asked = 0;
  p.origin.answer = [&](const Seen&) {
    Answer answer;
    answer.fields = {{"Cache-Control", "max-age=10, stale-while-revalidate=1000"}};
    answer.body = "hello";
    if (++asked > 2) answer.wait_for = gate;
    return answer;
  };
  p.ask(url(1));
  p.ask(url(2));
  p.clock.advance(Milliseconds(20'000));
  CHECK(p.ask(url(1)).outcome.cache == CacheResult::Stale);
  CHECK(p.ask(url(2)).outcome.cache == CacheResult::Stale);
  CHECK(asked == 3);
  gate->wake();
  p.poll();
  CHECK(p.ask(url(1)).outcome.cache == CacheResult::Hit);
  CHECK(p.ask(url(2)).outcome.cache == CacheResult::Stale);
  CHECK(asked == 4);
  gate->wake();
  p.poll();
  CHECK(p.store.revalidations().taken() == 0);
}

TEST_CASE("the contents of QUERY that are held are bounded, and beyond that pass through",
          "[scenario][10008][memory]") {
  Pipeline p(Pipeline::default_options(), store_of(kMiB));  // an eighth of it for the contents: 128 KiB
  std::vector<std::shared_ptr<Trickle>> uploads;
  std::vector<std::shared_ptr<Got>> clients;
  const std::string part(30'000, 'q');
  for (int i = 0; i < 6; ++i) {
    uploads.push_back(std::make_shared<Trickle>());
    Ask ask("QUERY", url(i), {{"Content-Type", "text/query"}});
    ask.upload = uploads.back();
    clients.push_back(p.start(ask));
    uploads.back()->push(part);
    p.poll();
    REQUIRE(p.store.query_bytes().taken() <= p.store.query_bytes().most());
  }
  CHECK(p.store.held() >= 4 * part.size());
  for (auto& upload : uploads) upload->finish();
  p.poll();
  int passed = 0;
  for (const auto& got : clients) {
    CHECK(got->status == 200);
    passed += got->cache_status == "freshet; fwd=bypass; fwd-status=200; detail=no-room";
  }
  CHECK(passed == 2);
  for (const Seen& seen : p.origin.seen) CHECK(seen.body == part);
  CHECK(p.store.query_bytes().taken() == 0);
  CHECK(p.store.held() == p.store.figures().bytes);
}

TEST_CASE("a QUERY that says how long it is, and has no room, is not read before it is passed on",
          "[scenario][10008][memory]") {
  ProxyOptions options = Pipeline::default_options();
  options.query_body = kMiB;
  Pipeline p(options, store_of(kMiB));
  Ask ask("QUERY", url(1), {{"Content-Type", "text/query"}});
  ask.body = std::string(200'000, 'q');
  ask.has_body = true;
  const Got got = p.ask(ask);
  CHECK(got.cache_status == "freshet; fwd=bypass; fwd-status=200; detail=no-room");
  CHECK(p.origin.seen.back().body == ask.body);
  CHECK(p.store.query_bytes().taken() == 0);
}

TEST_CASE("a leader that goes away while others wait still asks for them", "[scenario][collapse]") {
  Pipeline p;
  auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen&) {
    Answer answer;
    answer.fields = {{"Cache-Control", "max-age=60"}};
    answer.body = "hello";
    answer.wait_for = gate;
    answer.drop_if_gone = true;
    return answer;
  };
  Ask leaving(url(1));
  leaving.gone = true;
  const auto leader = p.start(leaving);
  SECTION("nobody waits: nothing is asked") {
    gate->wake();
    p.poll();
    CHECK(leader->outcome.reason == Reason::ClientClosed);
    CHECK(p.origin.seen.size() == 1);
  }
  SECTION("somebody waits") {
    const auto follower = p.start(url(1));
    gate->wake();
    p.poll();
    CHECK(follower->body == "hello");
    CHECK(follower->outcome.cache == CacheResult::Collapsed);
    CHECK(p.origin.seen.size() == 1);
  }
}

TEST_CASE("that one client has gone is not told to others as a failure", "[scenario][collapse]") {
  Pipeline p;
  auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen&) {
    Answer answer;
    answer.fields = {{"Cache-Control", "max-age=60"}};
    answer.body = "hello";
    if (p.origin.seen.size() == 1) {
      answer.wait_for = gate;
      answer.failure = Reason::ClientClosed;
    }
    return answer;
  };
  const auto leader = p.start(url(1)), follower = p.start(url(1));
  gate->wake();
  p.poll();
  CHECK(leader->outcome.reason == Reason::ClientClosed);
  CHECK(follower->body == "hello");
  CHECK(p.origin.seen.size() == 2);
}
