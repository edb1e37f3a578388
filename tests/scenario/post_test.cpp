// A POST whose answer says that it is also the answer to a GET (RFC 9110 9.3.3).
#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr const char* kUrl = "http://a.example/x?y";

Answer answer_to_post(FieldList more = {}, std::string body = "posted") {
  Answer answer;
  answer.fields = {{"Cache-Control", "max-age=60"}, {"Content-Location", "/x?y"}};
  answer.fields.insert(answer.fields.end(), more.begin(), more.end());
  answer.body = std::move(body);
  return answer;
}

Answer plain(std::string body) {
  Answer answer;
  answer.fields = {{"Cache-Control", "max-age=60"}};
  answer.body = std::move(body);
  return answer;
}

Ask post(FieldList fields = {}, std::string url = kUrl) {
  Ask ask("POST", std::move(url), std::move(fields));
  ask.body = "data";
  return ask;
}

/// POSTs get `answer`, everything else "got".
void answer_posts_with(Pipeline& p, Answer answer) {
  p.origin.answer = [answer = std::move(answer)](const Seen& seen) {
    return seen.method == "POST" ? answer : plain("got");
  };
}

}  // namespace

TEST_CASE("the answer to a POST that names its own target answers later GETs and HEADs", "[scenario][9110-9.3.3]") {
  Pipeline p;
  answer_posts_with(p, answer_to_post());
  const Got posted = p.ask(post());
  CHECK(posted.body == "posted");
  CHECK(posted.cache_status == "freshet; fwd=method; fwd-status=200; stored; ttl=60");
  CHECK(posted.outcome.cache == CacheResult::Bypass);
  CHECK(posted.outcome.stored);
  CHECK(p.origin.seen.back().body == "data");
  p.clock.advance(Milliseconds(10'000));
  const Got hit = p.ask(kUrl);
  CHECK(hit.at_once);
  CHECK(hit.body == "posted");
  CHECK(hit.cache_status == "freshet; hit; ttl=50");
  const Got head = p.ask({"HEAD", kUrl});
  CHECK(head.at_once);
  CHECK(head.length == 6u);
  CHECK(p.origin.seen.size() == 1);
  CHECK_FALSE(p.ask(post()).at_once);
  CHECK(p.origin.seen.size() == 2);
}

TEST_CASE("which answers to a POST are stored", "[scenario][9110-9.3.3][9111-3]") {
  struct Row {
    const char* rule;
    FieldList request;
    Answer answer;
    bool stored;
  };
  const auto with = [](FieldList fields, int status = 200) {
    Answer answer = plain("posted");
    answer.fields = std::move(fields);
    answer.status = status;
    return answer;
  };
  const std::pair<std::string, std::string> here{"Content-Location", kUrl};
  const std::pair<std::string, std::string> fresh{"Cache-Control", "max-age=60"};
  const std::vector<Row> rows = {
      {"both are there", {}, with({here, fresh}), true},
      {"no Content-Location", {}, with({fresh}), false},
      {"another Content-Location", {}, with({{"Content-Location", "/x"}, fresh}), false},
      {"no explicit freshness", {}, with({here, {"Last-Modified", "Wed, 31 Dec 2025 00:00:00 GMT"}}), false},
      {"stale on arrival", {}, with({here, {"Cache-Control", "max-age=0"}, {"ETag", "\"1\""}}), false},
      {"no-cache", {}, with({here, {"Cache-Control", "max-age=60, no-cache"}, {"ETag", "\"1\""}}), false},
      {"no-store", {}, with({here, {"Cache-Control", "max-age=60, no-store"}}), false},
      {"private", {}, with({here, {"Cache-Control", "max-age=60, private"}}), false},
      {"201 describes what was made", {}, with({here, fresh}, 201), false},
      {"an error", {}, with({here, fresh}, 404), false},
      {"request no-store", {{"Cache-Control", "no-store"}}, with({here, fresh}), false},
      {"Authorization", {{"Authorization", "Basic eDp5"}}, with({here, fresh}), false},
      {"Authorization, allowed",
       {{"Authorization", "Basic eDp5"}},
       with({here, {"Cache-Control", "max-age=60, public"}}),
       true},
      {"Set-Cookie", {}, with({here, fresh, {"Set-Cookie", "a=b"}}), false},
      {"Set-Cookie, for all", {}, with({here, {"Cache-Control", "s-maxage=60"}, {"Set-Cookie", "a=b"}}), true},
      {"Vary: *", {}, with({here, fresh, {"Vary", "*"}}), false},
      {"a precondition is the origin's business",
       {{"If-None-Match", "\"1\""}},
       with({here, fresh, {"ETag", "\"1\""}}),
       true}};
  for (const Row& row : rows) {
    INFO(row.rule);
    Pipeline p;
    answer_posts_with(p, row.answer);
    const Got posted = p.ask(post(row.request));
    CHECK(posted.body == "posted");
    CHECK(posted.status == row.answer.status);
    CHECK((posted.cache_status.find("stored") != std::string::npos) == row.stored);
    CHECK(p.ask(kUrl).body == (row.stored ? "posted" : "got"));
  }
}

TEST_CASE("a POST takes out what was stored before, and then its own answer is stored",
          "[scenario][9111-4.4][9110-9.3.3]") {
  Pipeline p;
  bool storable = true;
  p.origin.answer = [&](const Seen& seen) {
    if (seen.method != "POST") return plain("got");
    return storable ? answer_to_post({{"Location", "/other"}}) : plain("posted");
  };
  p.ask(kUrl);
  p.ask("http://a.example/other");
  CHECK(p.ask(post()).outcome.stored);
  CHECK(p.store.figures().invalidated == 2);
  CHECK(p.ask(kUrl).body == "posted");
  CHECK_FALSE(p.ask("http://a.example/other").at_once);
  storable = false;
  p.ask(post());
  CHECK(p.ask(kUrl).body == "got");
}

TEST_CASE("an answer to a POST is not stored when the URL was invalidated meanwhile", "[scenario][9111-4.4]") {
  Pipeline p;
  const auto gate = std::make_shared<Wakeup>();
  Answer slow = answer_to_post();
  slow.wait_for = gate;
  answer_posts_with(p, slow);
  const auto posted = p.start(post());
  p.ask({"DELETE", kUrl});
  gate->wake();
  p.poll();
  CHECK(posted->done);
  CHECK_FALSE(posted->outcome.stored);
  CHECK(posted->body == "posted");
  CHECK(p.store.figures().objects == 0);
}

TEST_CASE("a GET that was under way during a POST does not replace the POST's answer", "[scenario][9111-4.4]") {
  Pipeline p;
  const auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen& seen) {
    if (seen.method == "POST") return answer_to_post();
    Answer before = plain("before");
    before.wait_for = gate;
    return before;
  };
  const auto got = p.start(kUrl);
  p.ask(post());
  gate->wake();
  p.poll();
  CHECK(got->body == "before");
  CHECK(p.ask(kUrl).body == "posted");
}

TEST_CASE("Vary of an answer to a POST is about the POST's own fields", "[scenario][9111-4.1][9110-9.3.3]") {
  Pipeline p;
  answer_posts_with(p, answer_to_post({{"Vary", "Foo"}}));
  p.ask(post({{"Foo", "1"}}));
  CHECK(p.ask({kUrl, {{"Foo", "1"}}}).body == "posted");
  CHECK(p.ask({kUrl, {{"Foo", "2"}}}).body == "got");
}

TEST_CASE("the client of a POST gets the body while it fills the store", "[scenario][9110-9.3.3]") {
  for (const bool leaves : {false, true}) {
    Pipeline p;
    const auto trickle = std::make_shared<Trickle>();
    Answer slow = answer_to_post();
    slow.trickle = trickle;
    answer_posts_with(p, slow);
    trickle->push("post");
    const auto posted = leaves ? p.start_and_leave(post(), 1) : p.start(post());
    CHECK(posted->body == "post");
    CHECK(posted->done == leaves);
    trickle->push("ed");
    trickle->finish();
    p.poll();
    CHECK(posted->done);
    CHECK(p.ask(kUrl).body == "posted");
    CHECK(p.counters.fills_in_flight.get() == 0);
  }
}

TEST_CASE("an answer to a POST that is cut short is not kept", "[scenario][9111-3.3]") {
  Pipeline p;
  const auto trickle = std::make_shared<Trickle>();
  Answer slow = answer_to_post();
  slow.trickle = trickle;
  answer_posts_with(p, slow);
  trickle->push("post");
  const auto posted = p.start(post());
  trickle->fail(Reason::ResponseCutShort);
  p.poll();
  CHECK(posted->body_failure == Reason::ResponseCutShort);
  CHECK(p.ask(kUrl).body == "got");
}

TEST_CASE("a POST whose client is cut off is not sent again", "[scenario][9110-9.2.2][slow]") {
  Pipeline p;
  const std::string text(4u << 20, 'x');
  const auto trickle = std::make_shared<Trickle>();
  Answer slow = answer_to_post({{"ETag", "\"1\""}});
  slow.trickle = trickle;
  slow.trickle_length = text.size();
  answer_posts_with(p, slow);
  const auto permits = std::make_shared<Permits>();
  const auto posted = p.start_slow(post(), permits);
  const auto got = p.start(kUrl);
  CHECK(p.origin.seen.size() == 1);
  p.ask({"DELETE", kUrl});  // from here on the body passes
  permits->give(1);
  for (std::size_t at = 0; at < text.size(); at += 60'000) trickle->push(text.substr(at, 60'000));
  trickle->finish();
  p.poll();
  p.clock.advance(Milliseconds(1000));
  REQUIRE(p.store.cut_off_slow_readers() == 1);
  p.poll();
  CHECK(got->body.size() == text.size());
  permits->give(100);
  p.poll();
  REQUIRE(posted->done);
  CHECK(posted->body_failure == Reason::ClientTooSlow);
  CHECK(p.origin.seen.size() == 2);
}

TEST_CASE("with the cache off, nothing of a POST is stored", "[scenario]") {
  ProxyOptions options = Pipeline::default_options();
  options.cache_enabled = false;
  Pipeline p(options);
  answer_posts_with(p, answer_to_post());
  CHECK(p.ask(post()).cache_status == "freshet; fwd=bypass; fwd-status=200; detail=cache-off");
  CHECK(p.store.figures().objects == 0);
}
