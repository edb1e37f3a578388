// HEAD: answered from a stored GET response, and what its own answers do to one (RFC 9110 9.3.2, RFC 9111 4.3.5).
#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr const char* kUrl = "http://a.example/x";

Answer with(FieldList fields, std::string body = "hello") {
  Answer answer;
  answer.fields = std::move(fields);
  answer.body = std::move(body);
  return answer;
}

/// GETs get `to_get`, HEADs `to_head`.
void answer_with(Pipeline& p, Answer to_get, Answer to_head) {
  p.origin.answer = [to_get = std::move(to_get), to_head = std::move(to_head)](const Seen& seen) {
    return seen.method == "HEAD" ? to_head : to_get;
  };
}

Ask head(FieldList fields = {}) { return {"HEAD", kUrl, std::move(fields)}; }

}  // namespace

TEST_CASE("a stale stored response does not answer a HEAD: it is forwarded as HEAD", "[scenario][9111-4]") {
  for (const bool validator : {false, true}) {
    Pipeline p;
    FieldList fields{{"Cache-Control", "max-age=60"}};
    if (validator) fields.emplace_back("ETag", "\"1\"");
    answer_with(p, with(fields), with({{"X-Head", "yes"}}));
    p.ask(kUrl);
    p.clock.advance(Milliseconds(60'000));
    const Got got = p.ask(head());
    CHECK(p.origin.seen.back().method == "HEAD");
    CHECK(p.origin.seen.back().field("If-None-Match") == (validator ? "\"1\"" : ""));
    CHECK(got.field("X-Head") == "yes");
    CHECK(got.body.empty());
    CHECK_FALSE(p.ask(kUrl).at_once);
  }
}

TEST_CASE("a 304 to a HEAD freshens the stored response", "[scenario][9111-4.3.4]") {
  Pipeline p;
  Answer same = with({{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}}, "");
  same.status = 304;
  answer_with(p, with({{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}, {"X", "old"}}), same);
  p.ask(kUrl);
  p.clock.advance(Milliseconds(70'000));
  const Got got = p.ask(head());
  CHECK(got.status == 200);
  CHECK(got.length == 5u);
  CHECK(p.ask(kUrl).at_once);
}

TEST_CASE("a 200 to a HEAD about the same representation freshens the stored response", "[scenario][9111-4.3.5]") {
  struct Row {
    const char* name;
    const char* value;
    FieldList request;
  };
  const std::string modified = "Wed, 31 Dec 2025 00:00:00 GMT";
  const std::vector<Row> rows = {{"ETag", "\"1\"", {}},
                                 {"Last-Modified", modified.c_str(), {}},
                                 {"ETag", "\"1\"", {{"Cache-Control", "no-cache"}}}};
  for (const Row& row : rows) {
    INFO(row.name);
    Pipeline p;
    answer_with(p, with({{"Cache-Control", "max-age=60"}, {row.name, row.value}, {"X-Old", "1"}, {"X-New", "1"}}),
                with({{"Cache-Control", "max-age=1000"}, {row.name, row.value}, {"X-New", "2"}}));
    p.ask(kUrl);
    p.clock.advance(Milliseconds(row.request.empty() ? 70'000 : 10'000));
    const Got got = p.ask(head(row.request));
    CHECK(got.status == 200);
    CHECK(got.field("X-Old") == "1");
    CHECK(got.field("X-New") == "2");
    CHECK(got.length == 5u);
    CHECK(got.outcome.cache == CacheResult::Revalidated);
    CHECK(got.cache_status == (row.request.empty() ? "freshet; fwd=stale; fwd-status=200; stored; ttl=1000"
                                                   : "freshet; fwd=request; fwd-status=200; stored; ttl=1000"));
    p.clock.advance(Milliseconds(900'000));
    const Got hit = p.ask(kUrl);
    CHECK(hit.at_once);
    CHECK(hit.body == "hello");
    CHECK(hit.field("X-New") == "2");
    CHECK(hit.field("Age") == "900");
  }
}

TEST_CASE("a HEAD answer about another representation makes the stored response stale", "[scenario][9111-4.3.5]") {
  const std::vector<std::pair<const char*, Answer>> rows = {
      {"another ETag", with({{"Cache-Control", "max-age=60"}, {"ETag", "\"2\""}})},
      {"another length", with({{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}}, "other length")}};
  for (const auto& [what, to_head] : rows) {
    INFO(what);
    Pipeline p;
    answer_with(p, with({{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}}), to_head);
    p.ask(kUrl);
    CHECK(p.ask(head({{"Cache-Control", "no-cache"}})).field("ETag") == to_head.fields[1].second);
    CHECK(p.store.figures().objects == 1);
    const Got got = p.ask(kUrl);
    CHECK_FALSE(got.at_once);
    CHECK(got.cache_status.find("fwd=stale") != std::string::npos);
    CHECK(p.origin.seen.back().field("If-None-Match") == "\"1\"");
  }
}

TEST_CASE("other HEAD answers change nothing", "[scenario][9111-4.3.5]") {
  Answer gone = with({{"Cache-Control", "max-age=60"}, {"ETag", "\"2\""}});
  gone.status = 410;
  Answer broken = gone;
  broken.status = 500;
  const std::vector<std::pair<const char*, Answer>> rows = {
      {"410", gone}, {"500", broken}, {"no validators", with({{"Cache-Control", "max-age=600"}}, "other")}};
  for (const auto& [what, to_head] : rows) {
    INFO(what);
    Pipeline p;
    answer_with(p, with({{"Cache-Control", "max-age=60, must-revalidate"}, {"ETag", "\"1\""}, {"X", "1"}}), to_head);
    p.ask(kUrl);
    p.clock.advance(Milliseconds(10'000));
    p.ask(head({{"Cache-Control", "no-cache"}}));
    CHECK(p.origin.seen.size() == 2);
    const Got hit = p.ask(kUrl);
    CHECK(hit.at_once);
    CHECK(hit.field("Age") == "10");
    CHECK(hit.field("X") == "1");
  }
}

TEST_CASE("a HEAD that says no-store leaves no trace", "[scenario][9111-5.2.1.5]") {
  Pipeline p;
  answer_with(p, with({{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}}),
              with({{"Cache-Control", "max-age=60"}, {"ETag", "\"2\""}}));
  p.ask(kUrl);
  p.ask(head({{"Cache-Control", "no-store"}}));
  CHECK(p.origin.seen.size() == 2);
  CHECK(p.ask(kUrl).at_once);
}

TEST_CASE("a HEAD with nothing stored stores nothing", "[scenario][9110-9.3.2]") {
  Pipeline p;
  const Got got = p.ask(head());
  CHECK(got.cache_status == "freshet; fwd=uri-miss; fwd-status=200");
  CHECK(p.store.figures().objects == 0);
}
