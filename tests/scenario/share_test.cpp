// Answers that are too large to be stored, and still serve all who wait for them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <utility>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr std::uint64_t kLimit = 1u << 20;  // for one object
const FieldList kFresh = {{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}};

ProxyOptions small_objects() {
  ProxyOptions options = Pipeline::default_options();
  options.policy.max_object_size = kLimit;
  return options;
}

StoreOptions store_of(std::uint64_t max_size) {
  StoreOptions options;
  options.max_size = max_size;
  return options;
}

std::string numbered(std::size_t size, unsigned seed = 7) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * seed + i / 251) % 26);
  return text;
}

/// An origin whose heads wait for gates, and whose bodies come as the test says so.
struct Large {
  explicit Large(std::uint64_t max_size = 16u << 20) : p(small_objects(), store_of(max_size)) {
    p.origin.answer = [this](const Seen&) {
      Answer answer;
      answer.fields = fields;
      answer.trickle = std::make_shared<Trickle>();
      answer.trickle_length = declared;
      answer.wait_for = std::make_shared<Wakeup>();
      gates.push_back(answer.wait_for);
      bodies.push_back(answer.trickle);
      return answer;
    };
  }
  /// To all who have asked so far.
  void answer_heads() {
    for (const auto& gate : std::exchange(gates, {})) gate->wake();
    p.poll();
  }
  /// Sends the whole of `text` as the `i`th body; the most that was held on the way.
  std::uint64_t send(std::size_t i, std::string_view text) {
    std::uint64_t most = 0;
    for (std::size_t at = 0; at < text.size(); at += 60'000) {
      bodies[i]->push(std::string(text.substr(at, 60'000)));
      p.poll();
      most = std::max(most, p.store.figures().bytes);
    }
    bodies[i]->finish();
    p.poll();
    return most;
  }
  /// Until others would have to leave for what is stored next.
  void fill_up() {
    const auto gated = std::exchange(p.origin.answer, [](const Seen&) {
      Answer answer;
      answer.fields = kFresh;
      answer.body = numbered(15'000);
      return answer;
    });
    for (int i = 0; p.store.figures().evicted_for_room == 0; ++i) p.ask("http://a.example/small/" + std::to_string(i));
    p.origin.answer = gated;
  }
  std::vector<std::shared_ptr<Got>> start(int count, const Ask& ask = "http://a.example/x") {
    std::vector<std::shared_ptr<Got>> out;
    for (int i = 0; i < count; ++i) out.push_back(p.start(ask));
    return out;
  }

  Pipeline p;
  FieldList fields = kFresh;
  std::uint64_t declared = 0;  // 0: chunked
  std::vector<std::shared_ptr<Wakeup>> gates;
  std::vector<std::shared_ptr<Trickle>> bodies;
};

}  // namespace

TEST_CASE("all who wait share one answer that is too large to be stored, in bounded memory",
          "[scenario][collapse][share][9111-4]") {
  Large large;
  const std::string text = numbered(8u << 20);
  large.declared = text.size();
  const auto clients = large.start(20);
  REQUIRE(large.p.origin.seen.size() == 1);
  large.answer_heads();
  const std::uint64_t most = large.send(0, text);
  CHECK(large.p.origin.seen.size() == 1);
  CHECK(most < (2u << 20));
  for (const auto& got : clients) {
    REQUIRE(got->done);
    CHECK(got->status == 200);
    CHECK(got->length == text.size());
    CHECK((got->body == text));
  }
  CHECK(clients[0]->cache_status.find("detail=too-large") != std::string::npos);
  CHECK(clients[0]->outcome.cache == CacheResult::Uncacheable);
  CHECK_FALSE(clients[0]->outcome.stored);
  CHECK(clients[1]->outcome.cache == CacheResult::Collapsed);
  CHECK(large.p.store.figures().objects == 0);
  CHECK(large.p.store.figures().bytes == 0);
}

TEST_CASE("who comes when the beginning is gone leads the next fetch, which others join",
          "[scenario][collapse][share]") {
  Large large;
  const std::string text = numbered(3u << 20);
  large.declared = text.size();
  auto clients = large.start(2);
  large.answer_heads();
  large.bodies[0]->push(text.substr(0, 200'000));
  large.p.poll();
  const auto later = large.start(3);
  CHECK(large.p.origin.seen.size() == 2);
  large.answer_heads();
  clients.insert(clients.end(), later.begin(), later.end());
  large.send(0, text.substr(200'000));
  large.send(1, text);
  CHECK(large.p.origin.seen.size() == 2);
  for (const auto& got : clients) CHECK((got->body == text));
  CHECK(later[2]->outcome.cache == CacheResult::Collapsed);
}

TEST_CASE("a body that outgrows the limit is shared too, and pushes nothing out the next time",
          "[scenario][collapse][share]") {
  Large large;
  const std::string text = numbered(3u << 20);
  for (const std::size_t round : {0u, 1u, 2u}) {
    INFO("round " << round);
    const std::size_t asked = large.p.origin.seen.size();
    const StoreFigures before = large.p.store.figures();
    const auto clients = large.start(3);
    large.answer_heads();
    const std::uint64_t most = large.send(round, text);
    CHECK(large.p.origin.seen.size() == asked + 1);
    for (const auto& got : clients) {
      REQUIRE(got->done);
      CHECK((got->body == text));
    }
    CHECK(clients[1]->outcome.cache == CacheResult::Collapsed);
    if (round == 0) {
      CHECK(most - before.bytes > kLimit / 2);  // it could not be known
      large.fill_up();
    } else {
      CHECK(large.p.store.figures().evicted_for_room - before.evicted_for_room < 20);  // room for a window
    }
  }
  // It is smaller now, and says so: it is stored.
  large.declared = 1000;
  const auto shrunk = large.start(2);
  large.answer_heads();
  large.send(3, numbered(1000));
  CHECK(shrunk[1]->outcome.cache == CacheResult::Collapsed);
  CHECK(large.p.ask("http://a.example/x").at_once);
}

TEST_CASE("without a declared length, a URL that was too large is tried again after a while", "[scenario][share]") {
  Large large;
  const std::string text = numbered(3u << 20);
  large.start(1);
  large.answer_heads();
  large.send(0, text);
  for (std::size_t round = 1; round < 4; ++round) {  // each of them forgets a little more
    large.p.clock.advance(Milliseconds(25'000));
    large.start(1);
    large.answer_heads();
    large.send(round, numbered(1000));
    CHECK(large.p.store.figures().objects == (round == 3 ? 1 : 0));
  }
}

TEST_CASE("clients for whom the shared answer is the wrong variant share their own",
          "[scenario][collapse][share][9111-4.1]") {
  Large large;
  const std::string text = numbered(3u << 20);
  large.declared = text.size();
  large.fields.emplace_back("Vary", "Accept-Language");
  const auto one = large.start(2, {"http://a.example/x", {{"Accept-Language", "de"}}});
  const auto other = large.start(2, {"http://a.example/x", {{"Accept-Language", "fr"}}});
  REQUIRE(large.p.origin.seen.size() == 1);
  large.answer_heads();
  CHECK(large.p.origin.seen.size() == 2);
  CHECK(large.p.origin.seen[1].field("Accept-Language") == "fr");
  large.answer_heads();
  large.send(0, text);
  const std::string french = numbered(3u << 20, 11);
  large.send(1, french);
  CHECK((one[0]->body == text));
  CHECK((one[1]->body == text));
  CHECK((other[0]->body == french));
  CHECK((other[1]->body == french));
  CHECK(large.p.origin.seen.size() == 2);
}

TEST_CASE("large answers that may not be shared are not, and nobody queues for them twice",
          "[scenario][collapse][share][P9]") {
  const FieldList kinds[] = {{{"Cache-Control", "private, max-age=60"}},
                             {{"Cache-Control", "no-store"}},
                             {{"Cache-Control", "max-age=60"}, {"Vary", "*"}},
                             {{"Cache-Control", "max-age=60"}, {"Set-Cookie", "id=1"}},
                             {{"Cache-Control", "no-cache"}, {"ETag", "\"1\""}}};  // to be validated before every use
  for (const FieldList& fields : kinds) {
    INFO(fields.back().first << ": " << fields.back().second);
    Large large;
    large.declared = 3u << 20;
    large.fields = fields;
    large.start(5);
    REQUIRE(large.p.origin.seen.size() == 1);
    large.answer_heads();
    CHECK(large.p.origin.seen.size() == 5);
    large.start(2);
    CHECK(large.p.origin.seen.size() == 7);
  }
  Large large;
  large.declared = 3u << 20;
  large.start(3, {"http://a.example/x", {{"Authorization", "Basic eA=="}}});
  CHECK(large.p.origin.seen.size() == 3);
}

TEST_CASE("a client that has the large response already gets its 304 from the origin, without queueing",
          "[scenario][collapse][share][9110-13.1.2]") {
  Large large;
  large.declared = 3u << 20;
  const auto first = large.start(1);
  large.answer_heads();
  large.start(1);  // a fetch is under way
  REQUIRE(large.p.origin.seen.size() == 2);
  const auto gated = large.p.origin.answer;
  large.p.origin.answer = [&](const Seen& seen) {
    if (seen.field("If-None-Match").empty()) return gated(seen);
    Answer answer;
    answer.status = 304;
    answer.fields = {{"ETag", "\"1\""}};
    return answer;
  };
  const Got has_it = large.p.ask({"http://a.example/x", {{"If-None-Match", "\"1\""}}});
  CHECK(has_it.status == 304);
  CHECK(large.p.origin.seen.size() == 3);
}

TEST_CASE("what arrived in one piece and is too large is shared as it is", "[scenario][collapse][share]") {
  Pipeline p([] {
    ProxyOptions options = Pipeline::default_options();
    options.policy.max_object_size = 1024;
    return options;
  }());
  auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen&) {
    Answer answer;
    answer.fields = kFresh;
    answer.body = numbered(2000);
    answer.wait_for = gate;
    return answer;
  };
  const auto one = p.start("http://a.example/x"), two = p.start("http://a.example/x");
  gate->wake();
  p.poll();
  CHECK((one->body == numbered(2000)));
  CHECK((two->body == numbered(2000)));
  CHECK(p.origin.seen.size() == 1);
  CHECK(p.store.figures().objects == 0);
  CHECK(p.store.figures().bytes == 0);
}

TEST_CASE("when all who share it have left, the origin is cut off", "[scenario][collapse][share][abandon]") {
  Large large;
  large.declared = 64u << 20;
  const auto one = large.p.start_and_leave("http://a.example/x", 2),
             two = large.p.start_and_leave("http://a.example/x", 1);
  large.answer_heads();
  large.bodies[0]->push("1");
  large.p.poll();
  CHECK(two->done);
  CHECK_FALSE(large.bodies[0]->dropped());
  large.bodies[0]->push("2");
  large.p.poll();
  CHECK(one->body == "12");
  CHECK(large.bodies[0]->dropped());
  CHECK(large.p.counters.fills_abandoned.get() == 1);
}

TEST_CASE("a client that holds up the others is cut off, visibly", "[scenario][collapse][share][slow]") {
  Large large;
  large.fields = {{"Cache-Control", "max-age=60"}};  // nothing to resume with
  const std::string text = numbered(4u << 20);
  large.declared = text.size();
  const auto permits = std::make_shared<Permits>();
  const auto fast = large.p.start("http://a.example/x");
  const auto slow = large.p.start_slow("http://a.example/x", permits);
  large.answer_heads();
  permits->give(1);
  for (std::size_t at = 0; at < text.size(); at += 60'000) large.bodies[0]->push(text.substr(at, 60'000));
  large.bodies[0]->finish();
  large.p.poll();
  CHECK(fast->body.size() < (2u << 20));
  CHECK(large.p.store.cut_off_slow_readers() == 0);
  large.p.clock.advance(Milliseconds(1000));
  CHECK(large.p.store.cut_off_slow_readers() == 1);
  large.p.poll();
  CHECK((fast->body == text));
  CHECK_FALSE(slow->done);
  permits->give(100);
  large.p.poll();
  REQUIRE(slow->done);
  CHECK(slow->body_failure == Reason::ClientTooSlow);
  CHECK(slow->body.size() < text.size());
  CHECK(large.p.origin.seen.size() == 1);
  CHECK(large.p.store.figures().bytes == 0);
}

namespace {

/// A fast client, and a slow one that the fast one would have to wait for; and what the origin answers when the slow
/// one wants the rest.
struct Slow {
  explicit Slow(std::function<void(Answer&, std::uint64_t)> rest, std::string etag = "\"1\"") {
    large.fields = {{"Cache-Control", "max-age=60"}, {"ETag", etag}};
    large.declared = text.size();
    const auto whole = large.p.origin.answer;
    large.p.origin.answer = [=, this](const Seen& seen) {
      if (seen.field("Range").empty()) return whole(seen);
      from = std::stoull(seen.field("Range").substr(6));
      Answer answer;
      answer.status = 206;
      answer.fields = {{"ETag", "\"1\""},
                       {"Content-Range", "bytes " + std::to_string(from) + "-" + std::to_string(text.size() - 1) + "/" +
                                             std::to_string(text.size())}};
      answer.body = text.substr(from);
      answer.as_source = true;
      rest(answer, from);
      return answer;
    };
  }
  void run() {
    const auto permits = std::make_shared<Permits>();
    fast = large.p.start("http://a.example/x");
    slow = large.p.start_slow({"http://a.example/x", {{"X-Client", "slow"}}}, permits);
    large.answer_heads();
    permits->give(3);
    for (std::size_t at = 0; at < text.size(); at += 60'000) large.bodies[0]->push(text.substr(at, 60'000));
    large.bodies[0]->finish();
    large.p.poll();
    large.p.clock.advance(Milliseconds(1000));
    REQUIRE(large.p.store.cut_off_slow_readers() == 1);
    large.p.poll();
    CHECK((fast->body == text));
    permits->give(100);
    large.p.poll();
    REQUIRE(slow->done);
  }
  Large large;
  const std::string text = numbered(4u << 20);
  std::uint64_t from = 0;
  std::shared_ptr<Got> fast, slow;
};

}  // namespace

TEST_CASE("a client that was cut off goes on by itself where it was", "[scenario][share][slow][9110-13.1.5]") {
  Slow s([](Answer&, std::uint64_t) {});
  s.run();
  CHECK(s.slow->body_failure == Reason::None);
  CHECK((s.slow->body == s.text));
  REQUIRE(s.large.p.origin.seen.size() == 2);
  const Seen& rest = s.large.p.origin.seen[1];
  CHECK(s.from > 0);
  CHECK(s.from < (1u << 20));
  CHECK(rest.field("If-Range") == "\"1\"");
  CHECK(rest.field("X-Client") == "slow");
  CHECK(s.large.p.store.figures().bytes == 0);
}

TEST_CASE("the rest may come in one piece", "[scenario][share][slow]") {
  Slow s([](Answer& answer, std::uint64_t) { answer.as_source = false; });
  s.run();
  CHECK((s.slow->body == s.text));
}

TEST_CASE("what does not surely belong to what has been sent is not sent", "[scenario][share][slow][9110-8.8.1]") {
  using Change = std::function<void(Answer&, std::uint64_t)>;
  const std::string size = std::to_string(4u << 20);
  const std::pair<std::string, Change> changes[] = {
      {"the representation has changed", [](Answer& a, std::uint64_t) { a.status = 200; }},
      {"another validator", [](Answer& a, std::uint64_t) { a.fields[0].second = "\"2\""; }},
      {"a weak one", [](Answer& a, std::uint64_t) { a.fields[0].second = "W/\"1\""; }},
      {"none", [](Answer& a, std::uint64_t) { a.fields.erase(a.fields.begin()); }},
      {"another place",
       [&](Answer& a, std::uint64_t at) {
         a.fields[1].second = "bytes " + std::to_string(at + 1) + "-4194303/" + size;
       }},
      {"another end",
       [&](Answer& a, std::uint64_t at) { a.fields[1].second = "bytes " + std::to_string(at) + "-4194302/" + size; }},
      {"another size",
       [](Answer& a, std::uint64_t at) { a.fields[1].second = "bytes " + std::to_string(at) + "-4194303/4194305"; }},
      {"two ranges", [](Answer& a, std::uint64_t) { a.fields.push_back(a.fields[1]); }},
      {"no range", [](Answer& a, std::uint64_t) { a.fields.pop_back(); }},
      {"another length", [](Answer& a, std::uint64_t) { a.body += "more"; }},
      {"no answer", [](Answer& a, std::uint64_t) { a.failure = Reason::ConnectionRefused; }},
  };
  for (const auto& [what, change] : changes) {
    INFO(what);
    Slow s(change);
    s.run();
    CHECK(s.slow->body_failure == Reason::ClientTooSlow);
    CHECK(s.slow->body.size() == s.from);
  }
  Slow more([](Answer& a, std::uint64_t) {
    a.known_length = false;
    a.body += "more";
  });
  more.run();
  CHECK(more.slow->body_failure == Reason::BadResponse);
  Slow weak([](Answer&, std::uint64_t) {}, "W/\"1\"");
  weak.run();
  CHECK(weak.slow->body_failure == Reason::ClientTooSlow);
  CHECK(weak.large.p.origin.seen.size() == 1);
}
