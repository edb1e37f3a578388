// No-Vary-Search (draft-ietf-httpbis-no-vary-search): one stored response for URLs whose queries differ in what does
// not matter.
#include <catch2/catch.hpp>

#include "freshet/proxy/purge.hpp"
#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

std::string url(std::string_view rest) { return "http://a.example/x" + std::string(rest); }

Answer with(FieldList fields, std::string body) {
  Answer answer;
  answer.fields = std::move(fields);
  answer.body = std::move(body);
  return answer;
}

/// Every answer says this, and its body is the target and a number of its own.
void answer_with(Pipeline& p, const char* rule, FieldList more = {}) {
  p.origin.answer = [&p, rule, more](const Seen& seen) {
    FieldList fields{{"Cache-Control", "max-age=60"}};
    if (*rule != 0) fields.emplace_back("No-Vary-Search", rule);
    fields.insert(fields.end(), more.begin(), more.end());
    return with(fields, seen.target + " " + std::to_string(p.origin.seen.size()));
  };
}

}  // namespace

TEST_CASE("URLs that differ in what does not matter are answered from one response", "[scenario][no-vary-search-6]") {
  struct Row {
    const char *rule, *first, *second;
    bool hit;
  };
  const Row rows[] = {{"params=(\"u\")", "?id=1&u=a", "?id=1&u=b", true},
                      {"params=(\"u\")", "?id=1&u=a", "?id=1", true},
                      {"params=(\"u\")", "?u=a", "", true},
                      {"params=(\"u\")", "?id=1&u=a", "?id=2&u=a", false},
                      {"params=(\"u\")", "?id=1&b=2", "?b=2&id=1", false},
                      {"key-order", "?id=1&b=2", "?b=2&id=1", true},
                      {"key-order", "?id=1", "?id=%31", true},
                      {"params, except=(\"id\")", "?id=1&b=2", "?c=3&id=1", true},
                      {"params", "?id=1", "?id=2", true},
                      {"", "?id=1&u=a", "?id=1&u=b", false},
                      {"params=u", "?id=1&u=a", "?id=1&u=b", false},
                      {"", "?id=1", "?id=%31", false}};
  for (const Row& row : rows) {
    INFO(row.rule << " " << row.first << " " << row.second);
    Pipeline p;
    answer_with(p, row.rule);
    const Got first = p.ask(url(row.first));
    CHECK(first.cache_status == "freshet; fwd=uri-miss; fwd-status=200; stored; ttl=60");
    p.clock.advance(Milliseconds(10'000));
    const Got second = p.ask(url(row.second));
    CHECK((second.body == first.body) == row.hit);
    CHECK((second.cache_status == "freshet; hit; ttl=50") == row.hit);
    CHECK(p.ask(url(row.first)).body == first.body);
    CHECK(p.ask({"HEAD", url(row.second)}).outcome.cache == CacheResult::Hit);
    CHECK(p.origin.seen.size() == (row.hit ? 1u : 2u));
    CHECK(p.store.figures().objects == (row.hit ? 1u : 2u));
  }
}

TEST_CASE("a rule holds for its path alone", "[scenario][no-vary-search-6]") {
  Pipeline p;
  answer_with(p, "params");
  p.ask(url("?1"));
  for (const char* other : {"http://a.example/x/?1", "http://a.example/X?1", "http://b.example/x?1"})
    CHECK(p.ask(other).outcome.cache == CacheResult::Miss);
  Ask forward(url("?1"));
  forward.listener = 1;
  CHECK(p.ask(forward).outcome.cache == CacheResult::Miss);
}

TEST_CASE("responses without the field are found by their own URL alone", "[scenario][no-vary-search-6]") {
  Pipeline p;
  answer_with(p, "params=(\"u\")");
  p.ask(url("?id=1"));
  answer_with(p, "");
  const Got plain = p.ask(url("?id=2&u=a"));
  CHECK(p.ask(url("?id=2&u=a")).body == plain.body);
  CHECK(p.ask(url("?id=2&u=a")).at_once);
  CHECK(p.ask(url("?id=2&u=b")).body != plain.body);
  CHECK(p.ask(url("?id=1&u=z")).outcome.cache == CacheResult::Hit);
}

TEST_CASE("of several rules, the newest goes first", "[scenario][no-vary-search-6]") {
  Pipeline p;
  answer_with(p, "params=(\"u\")");
  const Got by_u = p.ask(url("?id=1&u=1"));
  answer_with(p, "params=(\"v\")");
  const Got by_v = p.ask(url("?id=1&v=1"));
  CHECK(p.ask(url("?id=1&u=2")).body == by_u.body);
  CHECK(p.ask(url("?id=1&v=2")).body == by_v.body);
  CHECK(p.ask(url("?id=1")).body == by_v.body);
  CHECK(p.origin.seen.size() == 2);
}

TEST_CASE("an unsafe request to an equivalent URL invalidates", "[scenario][no-vary-search][9111-4.4]") {
  for (const char* target : {"?id=1&u=a", "?u=z&id=1", "?id=1"}) {
    Pipeline p;
    answer_with(p, "params=(\"u\")");
    const Got before = p.ask(url("?id=1&u=a"));
    p.ask(url("?id=2&u=a"));
    p.ask({"DELETE", url(target)});
    CHECK(p.ask(url("?id=1&u=a")).body != before.body);
    CHECK(p.ask(url("?id=2")).outcome.cache == CacheResult::Hit);
  }
}

TEST_CASE("a purge of an equivalent URL removes", "[scenario][no-vary-search]") {
  Pipeline p;
  answer_with(p, "params=(\"u\")");
  p.ask(url("?id=1&u=a"));
  CHECK(purge(p.store, p.options, url("?id=1&u=b")) == 1u);
  CHECK(p.store.figures().objects == 0);
}

TEST_CASE("a response that was under way during an invalidation of the path is not stored for others",
          "[scenario][no-vary-search][9111-4.4]") {
  Pipeline p;
  const auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen& seen) {
    Answer answer = with({{"Cache-Control", "max-age=60"}, {"No-Vary-Search", "params"}}, seen.method);
    if (p.origin.seen.size() == 1) answer.wait_for = gate;
    return answer;
  };
  const auto before = p.start(url("?1"));
  p.ask({"DELETE", url("?2")});
  gate->wake();
  p.poll();
  CHECK(before->done);
  CHECK(p.store.figures().objects == 0);
}

TEST_CASE("a stale response is validated for all its URLs", "[scenario][no-vary-search][9111-4.3]") {
  Pipeline p;
  p.origin.answer = [](const Seen& seen) {
    Answer answer =
        with({{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}, {"No-Vary-Search", "params=(\"u\")"}}, "hello");
    if (seen.field("If-None-Match") == "\"1\"") answer.status = 304;
    return answer;
  };
  p.ask(url("?id=1&u=a"));
  p.clock.advance(Milliseconds(70'000));
  const Got again = p.ask(url("?id=1&u=b"));
  CHECK(again.outcome.cache == CacheResult::Revalidated);
  CHECK(p.origin.seen.back().target == "/x?id=1&u=b");
  CHECK(p.ask(url("?id=1&u=c")).outcome.cache == CacheResult::Hit);
  CHECK(p.store.figures().objects == 1);
}

TEST_CASE("a 304 that changes the rule leaves nothing behind under the old one",
          "[scenario][no-vary-search][9111-4.3.4]") {
  Pipeline p;
  p.origin.answer = [](const Seen& seen) {
    const bool known = seen.field("If-None-Match") == "\"1\"";
    Answer answer = with({{"Cache-Control", "max-age=60"},
                          {"ETag", "\"1\""},
                          {"No-Vary-Search", known ? "key-order" : "params=(\"u\")"}},
                         "hello");
    if (known) answer.status = 304;
    return answer;
  };
  p.ask(url("?id=1&u=a"));
  p.clock.advance(Milliseconds(70'000));
  const Got again = p.ask(url("?id=1&u=a"));
  CHECK(again.status == 200);
  CHECK(again.body == "hello");
  CHECK(again.cache_status == "freshet; fwd=stale; fwd-status=304; ttl=60");
  CHECK(p.store.figures().objects == 0);
}

TEST_CASE("what was stored under the URL's own key gives way", "[scenario][no-vary-search]") {
  Pipeline p;
  answer_with(p, "", {{"ETag", "\"1\""}});
  p.ask(url("?id=1&u=a"));
  p.clock.advance(Milliseconds(70'000));
  answer_with(p, "params=(\"u\")");
  const Got newer = p.ask(url("?id=1&u=a"));
  CHECK(p.store.figures().objects == 1);
  const Got hit = p.ask(url("?id=1&u=a"));
  CHECK(hit.outcome.cache == CacheResult::Hit);
  CHECK(hit.body == newer.body);
}

TEST_CASE("a background revalidation is one for all its URLs", "[scenario][no-vary-search][5861-3]") {
  Pipeline p;
  const auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen&) {
    Answer answer = with({{"Cache-Control", "max-age=10, stale-while-revalidate=60"}, {"No-Vary-Search", "params"}},
                         std::to_string(p.origin.seen.size()));
    if (p.origin.seen.size() > 1) answer.wait_for = gate;
    return answer;
  };
  p.ask(url("?1"));
  p.clock.advance(Milliseconds(20'000));
  for (const char* other : {"?2", "?3", "?1"}) CHECK(p.ask(url(other)).body == "1");
  CHECK(p.origin.seen.size() == 2);
  gate->wake();
  p.poll();
  CHECK(p.ask(url("?4")).body == "2");
}

TEST_CASE("equivalent misses are collapsed once the rule is known", "[scenario][no-vary-search][collapse]") {
  for (const bool holds : {true, false}) {
    Pipeline p;
    answer_with(p, "params=(\"u\")");
    p.ask(url("?id=0"));
    std::vector<std::shared_ptr<Wakeup>> gates;
    p.origin.answer = [&](const Seen& seen) {
      Answer answer = with({{"Cache-Control", "max-age=60"}}, seen.target);
      if (holds) answer.fields.emplace_back("No-Vary-Search", "params=(\"u\")");
      gates.push_back(std::make_shared<Wakeup>());
      answer.wait_for = gates.back();
      return answer;
    };
    const auto first = p.start(url("?id=1&u=a"));
    const auto second = p.start(url("?id=1&u=b"));
    CHECK(p.origin.in_flight == 1);
    for (std::size_t i = 0; i < gates.size(); ++i) {
      gates[i]->wake();
      p.poll();
    }
    CHECK(first->body == "/x?id=1&u=a");
    CHECK(second->done);
    CHECK(second->body == (holds ? "/x?id=1&u=a" : "/x?id=1&u=b"));
    CHECK(p.origin.seen.size() == (holds ? 2u : 3u));
    // Where the rule did not hold, nobody waits for it again for a while.
    if (holds) p.clock.advance(Milliseconds(61'000));
    const auto third = p.start(url("?id=1&u=c"));
    const auto fourth = p.start(url("?id=1&u=d"));
    CHECK(p.origin.in_flight == (holds ? 1u : 2u));
    for (const auto& gate : gates) gate->wake();
    p.poll();
    CHECK(third->done);
    CHECK(fourth->done);
  }
}

TEST_CASE("what is too large to be stored is shared by those only whom it answers",
          "[scenario][no-vary-search][collapse][share]") {
  for (const bool holds : {true, false}) {
    ProxyOptions options = Pipeline::default_options();
    options.policy.max_object_size = 1000;
    Pipeline p(options);
    answer_with(p, "params=(\"u\")");
    p.ask(url("?id=0"));
    std::vector<std::shared_ptr<Wakeup>> gates;
    p.origin.answer = [&](const Seen& seen) {
      Answer answer = with({{"Cache-Control", "max-age=60"}}, seen.target + std::string(5000, 'x'));
      if (holds) answer.fields.emplace_back("No-Vary-Search", "params=(\"u\")");
      gates.push_back(std::make_shared<Wakeup>());
      answer.wait_for = gates.back();
      answer.as_source = true;
      return answer;
    };
    const auto first = p.start(url("?id=1&u=a"));
    const auto second = p.start(url("?id=1&u=b"));
    CHECK(p.origin.in_flight == 1);
    for (std::size_t i = 0; i < gates.size(); ++i) {
      gates[i]->wake();
      p.poll();
    }
    CHECK(first->body.starts_with("/x?id=1&u=a"));
    CHECK(second->done);
    CHECK(second->body.starts_with(holds ? "/x?id=1&u=a" : "/x?id=1&u=b"));
  }
}

TEST_CASE("Vary selects among equivalent responses too", "[scenario][no-vary-search][9111-4.1]") {
  Pipeline p;
  answer_with(p, "params", {{"Vary", "Foo"}});
  const Got one = p.ask({url("?1"), {{"Foo", "1"}}});
  const Got two = p.ask({url("?2"), {{"Foo", "2"}}});
  CHECK(two.cache_status.find("fwd=vary-miss") != std::string::npos);
  CHECK(p.ask({url("?3"), {{"Foo", "1"}}}).body == one.body);
  CHECK(p.ask({url("?3"), {{"Foo", "2"}}}).body == two.body);
  CHECK(p.origin.seen.size() == 2);
}

TEST_CASE("a part belongs where its 206 says", "[scenario][no-vary-search][9111-3.3]") {
  Pipeline p;
  p.origin.answer = [](const Seen&) {
    Answer answer = with({{"Cache-Control", "max-age=60"},
                          {"ETag", "\"1\""},
                          {"No-Vary-Search", "params"},
                          {"Content-Range", "bytes 0-3/10"}},
                         "0123");
    answer.status = 206;
    return answer;
  };
  const Ask part(url("?1"), {{"Range", "bytes=0-3"}});
  CHECK(p.ask(part).body == "0123");
  const Got same = p.ask({url("?2"), {{"Range", "bytes=1-2"}}});
  CHECK(same.status == 206);
  CHECK(same.body == "12");
  CHECK(p.origin.seen.size() == 1);
}

TEST_CASE("the answer to a POST answers its own URL alone", "[scenario][no-vary-search][9110-9.3.3]") {
  Pipeline p;
  answer_with(p, "params", {{"Content-Location", url("?1")}});
  Ask post("POST", url("?1"));
  post.body = "data";
  const Got posted = p.ask(post);
  CHECK(p.ask(url("?1")).body == posted.body);
  CHECK(p.ask(url("?2")).body != posted.body);
}

TEST_CASE("those who waited for an equivalent URL do not get an answer that is not about theirs any more",
          "[scenario][no-vary-search][collapse]") {
  ProxyOptions options = Pipeline::default_options();
  options.policy.max_object_size = 1000;
  Pipeline p(options);
  answer_with(p, "params");
  p.ask(url("?a=0"));
  p.clock.advance(Milliseconds(61'000));
  auto gate = std::make_shared<Wakeup>();
  std::string filling;  // of answers
  SECTION("stored") {}
  SECTION("too large to be stored") { filling = std::string(2000, ' '); }
  p.origin.answer = [&](const Seen& seen) {
    Answer answer = with({{"Cache-Control", "max-age=60"}}, seen.target + filling);
    answer.as_source = true;
    answer.wait_for = gate;
    return answer;
  };
  const auto one = p.start(url("?a=1")), two = p.start(url("?a=2"));
  p.poll();
  CHECK(p.origin.seen.size() == 2);  // the second waits for the first
  gate->wake();
  p.poll();
  gate->wake();
  p.poll();
  REQUIRE((one->done && two->done));
  CHECK(one->body == "/x?a=1" + filling);
  CHECK(two->body == "/x?a=2" + filling);
}
