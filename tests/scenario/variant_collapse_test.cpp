// Many clients at once for a URL whose answers depend on request fields: one origin request for each variant.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "support/dice.hpp"
#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

const std::string kUrl = "http://a.example/x";

Ask coded(const std::string& coding) { return {kUrl, {{"Accept-Encoding", coding}}}; }

/// An origin that keeps each answer until the test lets it go, and answers with the name of the variant.
struct Bench {
  Bench() {
    p.origin.answer = [this](const Seen& seen) {
      Answer answer;
      const std::string coding = seen.field("Accept-Encoding");
      answer.fields = {{"Cache-Control", control}, {"Vary", "Accept-Encoding"}};
      if (!etag.empty()) answer.fields.emplace_back("ETag", etag);
      answer.body = coding;
      answer.as_source = true;
      gates.push_back(std::make_shared<Wakeup>());
      if (held) answer.wait_for = gates.back();
      return answer;
    };
  }
  std::vector<std::shared_ptr<Got>> start(std::size_t count, const std::string& coding) {
    std::vector<std::shared_ptr<Got>> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(p.start(coded(coding)));
    return out;
  }
  /// The heads of all that have been asked so far.
  void answer_all() {
    const auto open = std::move(gates);
    gates.clear();
    for (const auto& gate : open) gate->wake();
    p.poll();
  }
  Pipeline p;
  std::vector<std::shared_ptr<Wakeup>> gates;
  std::string control = "max-age=60", etag;
  bool held = true;
};

bool all_got(const std::vector<std::shared_ptr<Got>>& clients, const std::string& body) {
  return std::all_of(clients.begin(), clients.end(), [&](const auto& got) { return got->done && got->body == body; });
}

}  // namespace

TEST_CASE("concurrent misses make one origin request for each variant", "[scenario][9111-4][9111-4.1][collapse]") {
  Bench b;
  const auto gzip = b.start(100, "gzip"), br = b.start(100, "br"), both = b.start(100, "br, gzip");
  CHECK(b.p.origin.seen.size() == 1);
  b.answer_all();
  CHECK(all_got(gzip, "gzip"));
  CHECK(b.p.origin.seen.size() == 3);
  b.answer_all();
  CHECK(all_got(br, "br"));
  CHECK(all_got(both, "br, gzip"));
  CHECK(b.p.origin.seen.size() == 3);
  CHECK(br[0]->cache_status.find("fwd=vary-miss; fwd-status=200; stored") != std::string::npos);
  CHECK(br[99]->outcome.cache == CacheResult::Collapsed);
  CHECK(br[99]->cache_status == "freshet; fwd=uri-miss; collapsed; ttl=60");  // nothing was stored when it came
}

TEST_CASE("once variants are known, nobody waits for another one's", "[scenario][9111-4.1][collapse]") {
  Bench b;
  b.held = false;
  b.p.ask(coded("identity"));
  b.held = true;
  const auto gzip = b.start(10, "gzip"), br = b.start(10, "br");
  CHECK(b.p.origin.seen.size() == 3);
  b.gates.back()->wake();  // gzip's is still under way
  b.p.poll();
  CHECK(all_got(br, "br"));
  CHECK(br[9]->cache_status == "freshet; fwd=vary-miss; collapsed; ttl=60");
  CHECK_FALSE(gzip[0]->has_head);
  b.answer_all();
  CHECK(all_got(gzip, "gzip"));
  CHECK(b.p.origin.seen.size() == 3);
}

TEST_CASE("each stale variant is revalidated once, and they do not wait for one another",
          "[scenario][9111-4.3][5861-3][collapse]") {
  for (const bool in_background : {false, true}) {
    Bench b;
    b.control = in_background ? "max-age=10, stale-while-revalidate=100" : "max-age=10";
    b.etag = "W/\"1\"";
    b.held = false;
    b.p.ask(coded("gzip"));
    b.p.ask(coded("br"));
    b.held = true;
    b.gates.clear();
    b.p.clock.advance(Milliseconds(20'000));
    const auto gzip = b.start(5, "gzip"), br = b.start(5, "br");
    CHECK(b.p.origin.seen.size() == 4);
    CHECK(gzip[4]->done == in_background);
    CHECK(br[4]->done == in_background);
    b.answer_all();
    CHECK(all_got(gzip, "gzip"));
    CHECK(all_got(br, "br"));
    if (!in_background) CHECK(br[4]->cache_status == "freshet; fwd=stale; collapsed; ttl=10");
    CHECK(b.p.ask(coded("gzip")).at_once);
    CHECK(b.p.ask(coded("br")).at_once);
    CHECK(b.p.origin.seen.size() == 4);
  }
}

TEST_CASE("an answer that varies by more than was thought makes nobody wait a third time",
          "[scenario][9111-4.1][collapse]") {
  Pipeline p;
  std::vector<std::shared_ptr<Wakeup>> gates;
  p.origin.answer = [&](const Seen& seen) {
    Answer answer;
    // The more requests, the more fields.
    std::string vary;
    for (std::size_t i = 0; i < p.origin.seen.size(); ++i) vary += (i ? ", F" : "F") + std::to_string(i);
    answer.fields = {{"Cache-Control", "max-age=60"}, {"Vary", vary}};
    answer.body = seen.field("Name");
    gates.push_back(answer.wait_for = std::make_shared<Wakeup>());
    return answer;
  };
  std::vector<std::shared_ptr<Got>> clients;
  for (int i = 0; i < 20; ++i) {
    const std::string name = std::to_string(i);
    clients.push_back(p.start({kUrl, {{"Name", name}, {"F0", i == 0 ? "a" : "b"}, {"F1", name}, {"F2", name}}}));
  }
  CHECK(p.origin.seen.size() == 1);
  gates[0]->wake();
  p.poll();
  CHECK(p.origin.seen.size() == 2);  // the variant F0: b
  gates[1]->wake();
  p.poll();
  CHECK(p.origin.seen.size() == 20);  // the other 18 at once
  for (const auto& gate : gates) gate->wake();
  p.poll();
  for (int i = 0; i < 20; ++i) CHECK(clients[static_cast<std::size_t>(i)]->body == std::to_string(i));
}

TEST_CASE("a variant that must not be shared is not, nor one whose origin fails asked for again",
          "[scenario][9111-3][collapse]") {
  for (const bool fails : {false, true}) {
    Pipeline p;
    std::vector<std::shared_ptr<Wakeup>> gates;
    p.origin.answer = [&](const Seen& seen) {
      Answer answer;
      const bool gzip = seen.field("Accept-Encoding") == "gzip";
      answer.fields = {{"Cache-Control", gzip ? "max-age=60" : "private"}, {"Vary", "Accept-Encoding"}};
      answer.body = std::to_string(p.origin.seen.size());
      if (!gzip && fails) answer.failure = Reason::ConnectionReset;
      gates.push_back(answer.wait_for = std::make_shared<Wakeup>());
      return answer;
    };
    const auto open = [&] {
      for (const auto& gate : gates) gate->wake();
      p.poll();
    };
    std::vector<std::shared_ptr<Got>> br;
    const auto gzip = p.start(coded("gzip"));
    for (int i = 0; i < 10; ++i) br.push_back(p.start(coded("br")));
    open();
    CHECK(gzip->body == "1");
    CHECK(p.origin.seen.size() == 2);
    open();
    CHECK(p.origin.seen.size() == (fails ? 2 : 11));
    open();
    std::vector<std::string> bodies;
    for (const auto& got : br) {
      REQUIRE(got->done);
      CHECK(got->status == (fails ? 502 : 200));
      bodies.push_back(got->body);
    }
    std::sort(bodies.begin(), bodies.end());
    if (!fails) CHECK(std::unique(bodies.begin(), bodies.end()) == bodies.end());
  }
}

TEST_CASE("an invalidation counts for the fetches of all variants", "[scenario][9111-4.4][collapse]") {
  Bench b;
  b.held = false;
  b.p.ask(coded("identity"));
  b.held = true;
  const auto gzip = b.start(2, "gzip"), br = b.start(2, "br");
  CHECK(b.p.origin.seen.size() == 3);
  Arena arena;
  b.p.store.invalidate(make_cache_key(b.p.options.upstreams[0], "http", "a.example", "/x", arena));
  const auto late = b.start(2, "gzip");  // waits for none that began earlier
  CHECK(b.p.origin.seen.size() == 4);
  for (int i = 0; i < 3; ++i) b.answer_all();
  CHECK(all_got(gzip, "gzip"));
  CHECK(all_got(br, "br"));
  CHECK(all_got(late, "gzip"));
  CHECK(gzip[0]->cache_status.find("detail=invalidated") != std::string::npos);
}

TEST_CASE("clients of two workers share the fetch of a variant", "[scenario][9111-4.1][collapse]") {
  Bench b;
  FakeOrigin origin;
  WorkerCounters counters(b.p.options.listeners.size(), b.p.options.upstreams.size());
  const auto proxy = make_caching_proxy(b.p.options, origin, b.p.store, b.p.clock, counters);
  boost::asio::io_context loop;
  const auto run = [&] {
    for (int i = 0; i < 3; ++i) {
      b.p.poll();
      loop.restart();
      loop.poll();
    }
  };
  const auto gzip = b.start(1, "gzip");
  const auto br = b.start(1, "br");
  const auto far = b.p.start_on(loop, *proxy, coded("br"));
  run();
  b.answer_all();
  run();
  CHECK_FALSE(far->done);
  b.answer_all();
  run();
  CHECK(all_got(gzip, "gzip"));
  CHECK(all_got(br, "br"));
  CHECK(all_got({far}, "br"));
  CHECK(b.p.origin.seen.size() == 2);
  CHECK(origin.seen.empty());
}

namespace {

/// An origin with moods, whose answers tell whom they are for.
class Moody {
 public:
  Moody(Pipeline& p, Dice& dice) : dice_(dice) {
    p.origin.answer = [this](const Seen& seen) { return answer(seen); };
  }
  bool open_one() {
    if (gates_.empty()) return false;
    const std::size_t chosen = dice_.roll(gates_.size());
    const auto gate = gates_[chosen];
    gates_.erase(gates_.begin() + static_cast<std::ptrdiff_t>(chosen));
    gate->wake();
    return true;
  }

 private:
  Answer answer(const Seen& seen) {
    Answer answer;
    const std::string vary = dice_.any_of<std::string>({"A", "A", "A, B", "B", "", "*"});
    const std::string control =
        dice_.any_of<std::string>({"max-age=60", "max-age=60", "max-age=60", "max-age=0, stale-while-revalidate=9",
                                   "no-cache", "no-store", "private"});
    answer.fields = {{"Cache-Control", control}};
    if (!vary.empty()) answer.fields.emplace_back("Vary", vary);
    if (dice_.one_in(2)) answer.fields.emplace_back("ETag", "\"" + vary + seen.field("A") + seen.field("B") + "\"");
    // What the answer depends on, it says.
    const auto part = [&](const std::string& name) {
      return vary == "*" || vary.find(name) != std::string::npos ? name + "=" + seen.field(name) + ";" : "";
    };
    answer.body = part("A") + part("B") + std::string(dice_.one_in(4) ? 3000 : 1, '.');
    answer.as_source = dice_.one_in(2);
    answer.known_length = dice_.one_in(2);
    if (dice_.one_in(10)) answer.failure = Reason::ConnectionReset;
    gates_.push_back(answer.wait_for = std::make_shared<Wakeup>());
    return answer;
  }
  Dice& dice_;
  std::vector<std::shared_ptr<Wakeup>> gates_;
};

}  // namespace

TEST_CASE("whatever an origin answers, every client gets an answer for its own fields",
          "[scenario][9111-4.1][collapse][property]") {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    INFO("seed " << seed);
    Dice dice(seed);
    ProxyOptions options = Pipeline::default_options();
    options.policy.max_object_size = 2000;
    Pipeline p(options);
    Moody origin(p, dice);
    struct Client {
      std::string a, b;
      std::shared_ptr<Got> got;
    };
    std::vector<Client> clients;
    Arena arena;
    for (int step = 0; step < 60; ++step) {
      const std::string a = dice.any_of<std::string>({"1", "2", "3"}), b = dice.any_of<std::string>({"1", "2"});
      FieldList fields{{"A", a}, {"B", b}};
      if (dice.one_in(10)) fields.emplace_back("If-None-Match", "\"other\"");
      clients.push_back({a, b, p.start({kUrl, fields})});
      if (dice.one_in(15)) p.store.invalidate(make_cache_key(p.options.upstreams[0], "http", "a.example", "/x", arena));
      if (dice.one_in(10)) p.clock.advance(Milliseconds(5000));
      if (dice.one_in(4) && origin.open_one()) p.poll();
    }
    while (origin.open_one()) p.poll();
    for (const Client& client : clients) {
      REQUIRE(client.got->done);
      const std::string& body = client.got->body;
      if (client.got->status != 200) continue;
      CHECK((body.find("A=") == std::string::npos || body.find("A=" + client.a + ";") != std::string::npos));
      CHECK((body.find("B=") == std::string::npos || body.find("B=" + client.b + ";") != std::string::npos));
    }
  }
}
