#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {
Answer held(std::shared_ptr<Wakeup> gate, FieldList fields, std::string body = "hello") {
  Answer answer;
  answer.fields = std::move(fields);
  answer.body = std::move(body);
  answer.wait_for = std::move(gate);
  return answer;
}
}  // namespace

TEST_CASE("concurrent misses of one URL make one origin request", "[scenario][9111-4][collapse]") {
  Pipeline p;
  auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen&) { return held(gate, {{"Cache-Control", "max-age=60"}}); };
  std::vector<std::shared_ptr<Got>> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(p.start("http://a.example/x"));
  CHECK(p.origin.seen.size() == 1);
  gate->wake();
  p.poll();
  for (const auto& got : clients) {
    CHECK(got->done);
    CHECK(got->body == "hello");
  }
  CHECK(p.origin.seen.size() == 1);
  CHECK(clients[0]->outcome.cache == CacheResult::Miss);
  CHECK(clients[1]->outcome.cache == CacheResult::Collapsed);
  CHECK(clients[1]->cache_status.find("collapsed") != std::string::npos);
}

TEST_CASE("followers receive the bytes while they arrive, and a slow one holds nobody up", "[scenario][collapse]") {
  Pipeline p;
  auto trickle = std::make_shared<Trickle>();
  p.origin.answer = [&](const Seen&) {
    Answer answer = held(nullptr, {{"Cache-Control", "max-age=60"}});
    answer.trickle = trickle;
    answer.trickle_length = 10;
    return answer;
  };
  const auto leader = p.start("http://a.example/x");
  trickle->push("12345");
  p.poll();
  const auto follower = p.start("http://a.example/x");
  CHECK(follower->body == "12345");
  CHECK_FALSE(follower->done);
  const auto gone = p.start_and_leave("http://a.example/x", 1);
  CHECK(gone->done);
  trickle->push("67890");
  trickle->finish();
  p.poll();
  CHECK(leader->body == "1234567890");
  CHECK(follower->body == "1234567890");
  CHECK(p.ask("http://a.example/x").at_once);
  CHECK(p.origin.seen.size() == 1);
}

TEST_CASE("the fill goes on when the client that started it leaves", "[scenario][collapse]") {
  Pipeline p;
  auto trickle = std::make_shared<Trickle>();
  p.origin.answer = [&](const Seen&) {
    Answer answer = held(nullptr, {{"Cache-Control", "max-age=60"}});
    answer.trickle = trickle;
    answer.trickle_length = 10;
    return answer;
  };
  const auto leader = p.start_and_leave("http://a.example/x", 0);
  CHECK(leader->done);
  trickle->push("1234567890");
  trickle->finish();
  p.poll();
  CHECK(p.ask("http://a.example/x").body == "1234567890");
  CHECK(p.origin.seen.size() == 1);
}

TEST_CASE("answers that turn out not to be shareable are neither shared nor serialised", "[scenario][collapse][P9][P10]") {
  const FieldList kinds[] = {{{"Cache-Control", "no-store"}},
                             {{"Cache-Control", "private, max-age=60"}},
                             {{"Cache-Control", "max-age=60"}, {"Vary", "*"}},
                             {{"Cache-Control", "max-age=60"}, {"Set-Cookie", "id=1"}}};
  for (const FieldList& fields : kinds) {
    Pipeline p;
    auto gate = std::make_shared<Wakeup>();
    int made = 0;
    p.origin.answer = [&](const Seen&) {
      Answer answer = held(made == 0 ? gate : nullptr, fields, std::to_string(made));
      ++made;
      return answer;
    };
    std::vector<std::shared_ptr<Got>> clients;
    for (int i = 0; i < 50; ++i) clients.push_back(p.start("http://a.example/x"));
    CHECK(p.origin.seen.size() == 1);
    gate->wake();
    p.poll();
    std::vector<std::string> bodies;
    for (const auto& got : clients) {
      REQUIRE(got->done);
      bodies.push_back(got->body);
    }
    std::sort(bodies.begin(), bodies.end());
    CHECK(std::unique(bodies.begin(), bodies.end()) == bodies.end());
    CHECK(p.origin.seen.size() == 50);

    // The URL is remembered: nobody waits for anybody any more.
    auto second = std::make_shared<Wakeup>();
    auto third = std::make_shared<Wakeup>();
    p.origin.answer = [&](const Seen&) { return held(made++ % 2 ? second : third, fields, "x"); };
    const auto one = p.start("http://a.example/x");
    const auto two = p.start("http://a.example/x");
    CHECK(p.origin.seen.size() == 52);
    second->wake();
    third->wake();
    p.poll();
    CHECK(one->done);
    CHECK(two->done);
  }
}

TEST_CASE("what one client's request keeps out of the store does not stop others from sharing", "[scenario][collapse]") {
  for (const char* field : {"Cache-Control", "Authorization"}) {
    Pipeline p;
    auto gate = std::make_shared<Wakeup>();
    p.origin.answer = [&](const Seen& seen) {
      const bool odd = !seen.field("Authorization").empty() || seen.field("Cache-Control") == "no-store";
      return held(odd ? nullptr : gate, {{"Cache-Control", "max-age=60"}});
    };
    p.ask({"http://a.example/x", {{field, "no-store"}}});
    const auto one = p.start("http://a.example/x");
    const auto two = p.start("http://a.example/x");
    CHECK(p.origin.seen.size() == 2);
    gate->wake();
    p.poll();
    CHECK(one->done);
    CHECK(two->body == "hello");
    CHECK(p.origin.seen.size() == 2);
  }
}

TEST_CASE("a client's cookie does not stop others from sharing", "[scenario][collapse]") {
  Pipeline p;
  const FieldList heuristic = {{"Last-Modified", "Wed, 01 Jan 2025 00:00:00 GMT"}};
  p.origin.answer = [&](const Seen&) { return held(nullptr, heuristic); };
  const Ask with_cookie("http://a.example/x", {{"Cookie", "a=b"}});
  CHECK(p.ask(with_cookie).outcome.reason == Reason::CookieRequest);
  std::vector<std::shared_ptr<Wakeup>> gates;
  p.origin.answer = [&](const Seen&) { return held(gates.emplace_back(std::make_shared<Wakeup>()), heuristic); };
  const auto alone = p.start(with_cookie), also_alone = p.start(with_cookie);
  CHECK(p.origin.in_flight == 2);  // they would wait for nothing
  const auto first = p.start("http://a.example/x"), second = p.start("http://a.example/x");
  CHECK(p.origin.in_flight == 3);
  for (std::size_t i = 0; i < gates.size(); ++i) {
    gates[i]->wake();
    p.poll();
  }
  CHECK(also_alone->outcome.cache == CacheResult::Uncacheable);
  CHECK(second->outcome.cache == CacheResult::Collapsed);
  CHECK(p.ask(with_cookie).at_once);
}

TEST_CASE("when the origin fails, those who waited learn it without asking again", "[scenario][collapse]") {
  Pipeline p;
  auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen&) {
    Answer answer = held(gate, {});
    answer.failure = Reason::ConnectionRefused;
    return answer;
  };
  const auto one = p.start("http://a.example/x");
  const auto two = p.start("http://a.example/x");
  gate->wake();
  p.poll();
  CHECK(one->status == 502);
  CHECK(two->status == 502);
  CHECK(two->field("Proxy-Status").find("connection_refused") != std::string::npos);
  CHECK(p.origin.seen.size() == 1);
}

TEST_CASE("an invalidation during a fetch keeps its response out of the store", "[scenario][collapse][P23]") {
  Pipeline p;
  auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen& seen) {
    return held(seen.method == "GET" ? gate : nullptr, {{"Cache-Control", "max-age=60"}});
  };
  const auto reader = p.start("http://a.example/x");
  Ask post("POST", "http://a.example/x");
  post.body = "new";
  p.ask(post);
  gate->wake();
  p.poll();
  CHECK(reader->body == "hello");
  CHECK(p.store.figures().objects == 0);
}

TEST_CASE("a leader whose client is gone when the head comes still tells those who wait", "[scenario][collapse]") {
  for (const std::string_view kind : {"stored", "no-store", "failed"}) {
    INFO(kind);
    Pipeline p;
    auto gate = std::make_shared<Wakeup>();
    p.origin.answer = [&](const Seen&) {
      Answer answer = held(p.origin.seen.size() == 1 ? gate : nullptr, {{"Cache-Control", kind == "no-store" ? "no-store" : "max-age=60"}});
      answer.as_source = true;
      if (kind == "failed") answer.failure = Reason::FirstByteTimeout;
      return answer;
    };
    const auto leader = p.start_and_leave("http://a.example/x", 0);
    const auto follower = p.start("http://a.example/x");
    CHECK_FALSE(follower->done);
    gate->wake();
    p.poll();
    REQUIRE(leader->done);
    REQUIRE(follower->done);
    CHECK(follower->status == (kind == "failed" ? 502 : 200));
    if (kind != "failed") CHECK(follower->body == "hello");
    CHECK(p.origin.seen.size() == (kind == "no-store" ? 2 : 1));
  }
}

namespace {

/// A second worker of the same process: its own loop and origin connections, the same store.
struct OtherWorker {
  explicit OtherWorker(Pipeline& p) : counters(p.options.listeners.size(), p.options.upstreams.size()) {
    proxy = make_caching_proxy(p.options, origin, p.store, p.clock, counters);
  }
  void poll() {
    loop->restart();
    loop->poll();
  }
  FakeOrigin origin;
  WorkerCounters counters;
  std::unique_ptr<Service> proxy;
  std::unique_ptr<boost::asio::io_context> loop = std::make_unique<boost::asio::io_context>();
};

}  // namespace

TEST_CASE("followers on another worker get the leader's answer", "[scenario][collapse]") {
  Pipeline p;
  OtherWorker other(p);
  auto gate = std::make_shared<Wakeup>();
  auto trickle = std::make_shared<Trickle>();
  p.origin.answer = [&](const Seen&) {
    Answer answer = held(gate, {{"Cache-Control", "max-age=60"}});
    answer.trickle = trickle;
    return answer;
  };
  p.start_and_leave("http://a.example/x", 0);
  const auto follower = p.start_on(*other.loop, *other.proxy, "http://a.example/x");
  other.poll();
  gate->wake();
  p.poll();  // the leader's client leaves before the other worker has noticed anything
  CHECK_FALSE(trickle->dropped());
  other.poll();
  trickle->push("hello");
  p.poll();
  other.poll();
  CHECK(follower->body == "hello");
  trickle->finish();
  p.poll();
  other.poll();
  CHECK(follower->done);
  CHECK(follower->outcome.cache == CacheResult::Collapsed);
  CHECK(other.origin.seen.empty());
}

TEST_CASE("when the leader's worker ends, those who wait elsewhere go on by themselves", "[scenario][collapse]") {
  for (const bool head_has_come : {false, true}) {
    Pipeline p;
    OtherWorker other(p);
    auto gate = std::make_shared<Wakeup>();
    auto trickle = std::make_shared<Trickle>();
    other.origin.answer = [&](const Seen&) {
      Answer answer = held(head_has_come ? nullptr : gate, {{"Cache-Control", "max-age=60"}});
      answer.trickle = trickle;
      answer.trickle_length = 10;
      return answer;
    };
    p.start_on(*other.loop, *other.proxy, "http://a.example/x");
    other.poll();
    const auto follower = p.start("http://a.example/x");
    CHECK_FALSE(follower->done);
    CHECK(p.origin.seen.empty());
    other.loop.reset();
    p.poll();
    REQUIRE(follower->done);
    // Too late to ask for a whole body when half of it may have been sent.
    CHECK(follower->body_failure == (head_has_come ? Reason::ShutDown : Reason::None));
    CHECK(follower->body == (head_has_come ? "" : "hello"));
    CHECK(p.origin.seen.size() == (head_has_come ? 0 : 1));
    CHECK(p.ask("http://a.example/x").body == "hello");
  }
}

TEST_CASE("when only the leader has used up its look-ups, one of the others asks for all", "[scenario][9111-4][collapse]") {
  Pipeline p;
  std::vector<std::shared_ptr<Wakeup>> gates;
  p.origin.answer = [&](const Seen&) {
    Answer answer;
    answer.fields = {{"Cache-Control", "max-age=60"}};
    answer.body = "x";
    if (p.origin.seen.size() == 1) answer.failure = Reason::DnsBusy;
    gates.push_back(answer.wait_for = std::make_shared<Wakeup>());
    return answer;
  };
  std::vector<std::shared_ptr<Got>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(p.start("http://a.example/x"));
  gates[0]->wake();
  p.poll();
  CHECK(p.origin.seen.size() == 2);
  gates[1]->wake();
  p.poll();
  CHECK(p.origin.seen.size() == 2);
  for (std::size_t i = 1; i < clients.size(); ++i) CHECK(clients[i]->body == "x");
  CHECK(clients[0]->status != 200);
}
