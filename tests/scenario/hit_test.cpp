#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {
Answer cacheable(std::string body, FieldList more = {}) {
  Answer answer;
  answer.fields = {{"Cache-Control", "max-age=60"}, {"Content-Type", "text/plain"}};
  answer.fields.insert(answer.fields.end(), more.begin(), more.end());
  answer.body = std::move(body);
  return answer;
}
}  // namespace

TEST_CASE("a fresh response is stored and answers the next request without suspending", "[scenario][9111-4]") {
  Pipeline p;
  const Got first = p.ask("http://a.example/x");
  CHECK(first.status == 200);
  CHECK(first.body == "hello");
  CHECK(first.cache_status == "freshet; fwd=uri-miss; fwd-status=200; stored; ttl=60");
  CHECK(first.outcome.cache == CacheResult::Miss);
  p.clock.advance(Milliseconds(10'000));
  const Got second = p.ask("http://a.example/x");
  CHECK(second.at_once);
  CHECK(second.body == "hello");
  CHECK(second.field("Age") == "10");
  CHECK(second.cache_status == "freshet; hit; ttl=50");
  CHECK(second.outcome.cache == CacheResult::Hit);
  CHECK(second.field("Via") == "1.1 freshet");
  CHECK(p.origin.seen.size() == 1);
}

TEST_CASE("the query is part of the key, and so are host and upstream", "[scenario][9111-2]") {
  Pipeline p;
  p.ask("http://a.example/x?1");
  p.ask("http://a.example/x?2");
  p.ask("http://b.example/x?1");
  Ask forward("http://a.example/x?1");
  forward.listener = 1;
  p.ask(forward);
  CHECK(p.origin.seen.size() == 4);
}

TEST_CASE("HEAD is answered from a stored GET", "[scenario][9110-9.3.2]") {
  Pipeline p;
  p.ask("http://a.example/x");
  const Got head = p.ask({"HEAD", "http://a.example/x"});
  CHECK(head.at_once);
  CHECK(head.status == 200);
  CHECK(head.body.empty());
  CHECK(head.length == 5u);
}

TEST_CASE("a stored complete response answers single ranges", "[scenario][9110-14]") {
  Pipeline p;
  p.origin.answer = [](const Seen&) { return cacheable("0123456789", {{"ETag", "\"v1\""}}); };
  p.ask("http://a.example/x");
  struct Row {
    const char *range, *content_range, *body;
    int status;
  };
  const Row rows[] = {{"bytes=0-3", "bytes 0-3/10", "0123", 206},   {"bytes=4-", "bytes 4-9/10", "456789", 206},
                      {"bytes=-2", "bytes 8-9/10", "89", 206},      {"bytes=5-100", "bytes 5-9/10", "56789", 206},
                      {"bytes=10-", "bytes */10", "", 416},         {"lines=1-2", "", "0123456789", 200},
                      {"bytes=20-,3-4", "bytes 3-4/10", "34", 206}, {"bytes=0-8,1-9", "", "0123456789", 200}};
  for (const Row& row : rows) {
    INFO(row.range);
    const Got got = p.ask({"http://a.example/x", {{"Range", row.range}}});
    CHECK(got.status == row.status);
    CHECK(got.field("Content-Range") == row.content_range);
    CHECK(got.body == row.body);
    CHECK(got.length == got.body.size());
  }
  const Got changed = p.ask({"http://a.example/x", {{"Range", "bytes=0-1"}, {"If-Range", "\"v2\""}}});
  CHECK(changed.status == 200);
  const Got same = p.ask({"http://a.example/x", {{"Range", "bytes=0-1"}, {"If-Range", "\"v1\""}}});
  CHECK(same.status == 206);
  CHECK(p.origin.seen.size() == 1);
}

TEST_CASE("a client that has the stored response gets 304", "[scenario][9111-4.3.2]") {
  Pipeline p;
  p.origin.answer = [](const Seen&) {
    return cacheable("hello", {{"ETag", "\"v1\""}, {"Last-Modified", "Wed, 31 Dec 2025 00:00:00 GMT"}});
  };
  p.ask("http://a.example/x");
  const Got by_tag = p.ask({"http://a.example/x", {{"If-None-Match", "\"v0\", W/\"v1\""}}});
  CHECK(by_tag.status == 304);
  CHECK(by_tag.at_once);
  CHECK(by_tag.body.empty());
  CHECK(by_tag.field("ETag") == "\"v1\"");
  CHECK(by_tag.field("Content-Type").empty());
  const Got by_date = p.ask({"http://a.example/x", {{"If-Modified-Since", "Wed, 31 Dec 2025 00:00:00 GMT"}}});
  CHECK(by_date.status == 304);
  const Got other = p.ask({"http://a.example/x", {{"If-None-Match", "\"v2\""}}});
  CHECK(other.status == 200);
  CHECK(p.origin.seen.size() == 1);
}

TEST_CASE("variants are stored side by side", "[scenario][9111-4.1]") {
  Pipeline p;
  p.origin.answer = [](const Seen& seen) { return cacheable("for " + seen.field("Foo"), {{"Vary", "Foo"}}); };
  CHECK(p.ask({"http://a.example/x", {{"Foo", "1"}}}).body == "for 1");
  const Got second = p.ask({"http://a.example/x", {{"Foo", "2"}}});
  CHECK(second.body == "for 2");
  CHECK(second.cache_status.find("fwd=vary-miss") != std::string::npos);
  CHECK(p.ask({"http://a.example/x", {{"Foo", "1"}}}).body == "for 1");
  CHECK(p.ask({"http://a.example/x", {{"Foo", "2"}}}).body == "for 2");
  CHECK(p.origin.seen.size() == 2);
}

TEST_CASE("request directives are honoured", "[scenario][9111-5.2.1]") {
  Pipeline p;
  p.ask("http://a.example/x");
  p.clock.advance(Milliseconds(30'000));
  const auto with = [&](const char* directive) { return p.ask({"http://a.example/x", {{"Cache-Control", directive}}}); };
  CHECK(with("max-age=40").outcome.cache == CacheResult::Hit);
  CHECK(with("only-if-cached").outcome.cache == CacheResult::Hit);
  CHECK(with("min-fresh=20").outcome.cache == CacheResult::Hit);
  CHECK(p.origin.seen.size() == 1);
  CHECK(with("max-age=20").cache_status.find("fwd=request") != std::string::npos);
  CHECK(p.origin.seen.size() == 2);
  p.clock.advance(Milliseconds(70'000));
  CHECK(with("max-stale=20").outcome.cache == CacheResult::Stale);
  CHECK(p.origin.seen.size() == 2);
  const Got missing = p.ask({"http://a.example/nothing", {{"Cache-Control", "only-if-cached"}}});
  CHECK(missing.status == 504);
  CHECK(missing.cache_status == "freshet; detail=only-if-cached");
  CHECK(p.origin.seen.size() == 2);
  CHECK(with("no-cache").outcome.origin_asked);
  CHECK(p.origin.seen.size() == 3);
}

TEST_CASE("a reload of an immutable response is a hit while it is fresh", "[scenario][8246-2]") {
  Pipeline p;
  p.origin.answer = [](const Seen&) {
    Answer answer = cacheable("hello", {{"ETag", "\"v1\""}});
    answer.fields[0].second = "max-age=60, immutable";
    return answer;
  };
  p.ask("http://a.example/x");
  const auto with = [&](const char* directive) { return p.ask({"http://a.example/x", {{"Cache-Control", directive}}}); };
  CHECK(with("max-age=0").at_once);
  const Got known = p.ask({"http://a.example/x", {{"Cache-Control", "max-age=0"}, {"If-None-Match", "\"v1\""}}});
  CHECK(known.at_once);
  CHECK(known.status == 304);
  CHECK(p.origin.seen.size() == 1);
  CHECK_FALSE(with("no-cache").at_once);
  CHECK(p.origin.seen.size() == 2);
  p.clock.advance(Milliseconds(60'000));
  CHECK_FALSE(with("max-age=0").at_once);
}

TEST_CASE("a step of the wall clock changes no verdict", "[scenario][9111-4.2.3]") {
  Pipeline p;
  p.ask("http://a.example/x");
  p.clock.set_wall(FakeClock::start_wall() + std::chrono::hours(24 * 365));
  CHECK(p.ask("http://a.example/x").outcome.cache == CacheResult::Hit);
  p.clock.set_wall(FakeClock::start_wall() - std::chrono::hours(24 * 365));
  const Got got = p.ask("http://a.example/x");
  CHECK(got.outcome.cache == CacheResult::Hit);
  CHECK(got.field("Age") == "0");
}
