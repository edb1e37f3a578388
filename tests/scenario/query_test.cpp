// QUERY (RFC 10008): a safe method whose content is part of the question.
#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr const char* kUrl = "http://a.example/search";

Answer with(FieldList fields, std::string body) {
  Answer answer;
  answer.fields = std::move(fields);
  answer.body = std::move(body);
  return answer;
}

Ask query(std::string content, FieldList more = {}, std::string url = kUrl) {
  Ask ask("QUERY", std::move(url), {{"Content-Type", "text/query"}});
  ask.fields.insert(ask.fields.end(), more.begin(), more.end());
  ask.body = std::move(content);
  ask.has_body = !ask.body.empty();
  return ask;
}

/// Every answer says what was asked, and has its own number.
void answer_everything(Pipeline& p, FieldList fields = {{"Cache-Control", "max-age=60"}}) {
  p.origin.answer = [&p, fields = std::move(fields)](const Seen& seen) {
    return with(fields, seen.method + " " + seen.body + " " + std::to_string(p.origin.seen.size()));
  };
}

}  // namespace

TEST_CASE("a stored answer to a QUERY answers the same question", "[scenario][10008-2.7]") {
  Pipeline p;
  answer_everything(p);
  const Got first = p.ask(query("one"));
  CHECK(first.body == "QUERY one 1");
  CHECK(first.cache_status == "freshet; fwd=uri-miss; fwd-status=200; stored; ttl=60");
  p.clock.advance(Milliseconds(10'000));
  const Got again = p.ask(query("one"));
  CHECK(again.body == "QUERY one 1");
  CHECK(again.cache_status == "freshet; hit; ttl=50");
  CHECK(again.field("Age") == "10");
  CHECK(p.origin.seen.size() == 1);
}

TEST_CASE("other content, other content fields and other URLs are other questions", "[scenario][10008-2.7]") {
  Pipeline p;
  answer_everything(p);
  Ask other_type = query("one");
  other_type.fields = {{"Content-Type", "text/other"}};
  const std::vector<Ask> asks = {query("one"),
                                 query("two"),
                                 query(""),
                                 query("one", {{"Content-Encoding", "gzip"}}),
                                 query("one", {{"Content-Language", "de"}}),
                                 other_type,
                                 query("one", {}, "http://a.example/search?x"),
                                 query("one", {}, "http://b.example/search")};
  for (const Ask& ask : asks) CHECK_FALSE(p.ask(ask).cache_status.find("stored") == std::string::npos);
  CHECK(p.origin.seen.size() == asks.size());
  for (const Ask& ask : asks) CHECK(p.ask(ask).outcome.cache == CacheResult::Hit);
  CHECK(p.origin.seen.size() == asks.size());
}

TEST_CASE("QUERY and GET do not answer each other", "[scenario][10008-2.7]") {
  Pipeline p;
  answer_everything(p);
  p.ask(kUrl);
  CHECK(p.ask(query("one")).body == "QUERY one 2");
  CHECK(p.ask(kUrl).body == "GET  1");
  CHECK(p.ask({"HEAD", kUrl}).at_once);
  Ask get(kUrl, {{"Content-Type", "text/query"}});
  get.body = "one";
  CHECK(p.ask(get).outcome.cache == CacheResult::Bypass);
}

TEST_CASE("the origin gets the content whole, and its type", "[scenario][10008-2.1]") {
  Pipeline p;
  answer_everything(p);
  const auto upload = std::make_shared<Trickle>();
  Ask ask = query("");
  ask.upload = upload;
  const auto got = p.start(ask);
  upload->push("o");
  p.poll();
  CHECK(p.origin.seen.empty());
  upload->push("ne");
  upload->finish();
  p.poll();
  CHECK(got->body == "QUERY one 1");
  CHECK(p.origin.seen[0].field("Content-Type") == "text/query");
  CHECK(p.ask(query("one")).outcome.cache == CacheResult::Hit);
}

TEST_CASE("a QUERY that is too large, or without a type, passes through", "[scenario][10008-2.7]") {
  ProxyOptions options = Pipeline::default_options();
  options.query_body = 10;
  struct Row {
    const char* rule;
    std::string content;
    FieldList fields;
    bool known_length, cached;
    const char* status;
  };
  const FieldList typed{{"Content-Type", "a/b"}};
  const std::vector<Row> rows = {
      {"as much as may be", "0123456789", typed, true, true, "freshet; fwd=uri-miss; fwd-status=200; stored; ttl=60"},
      {"as much as may be, chunked", "0123456789", typed, false, true,
       "freshet; fwd=uri-miss; fwd-status=200; stored; ttl=60"},
      {"a byte more", "0123456789a", typed, true, false, "freshet; fwd=bypass; fwd-status=200; detail=request-body"},
      {"a byte more, chunked", "0123456789a", typed, false, false,
       "freshet; fwd=bypass; fwd-status=200; detail=request-body"},
      {"no type", "0123", {}, true, false, "freshet; fwd=method; fwd-status=200"},
      {"two types",
       "0123",
       {{"Content-Type", "a/b"}, {"Content-Type", "a/c"}},
       true,
       false,
       "freshet; fwd=method; fwd-status=200"},
      {"If-Match",
       "0123",
       {{"Content-Type", "a/b"}, {"If-Match", "\"1\""}},
       true,
       false,
       "freshet; fwd=bypass; fwd-status=200; detail=precondition"}};
  for (const Row& row : rows) {
    INFO(row.rule);
    Pipeline p(options);
    answer_everything(p);
    for (int i = 0; i < 2; ++i) {
      Ask ask("QUERY", kUrl, row.fields);
      if (row.known_length) {
        ask.body = row.content;
      } else {
        ask.upload = std::make_shared<Trickle>();
        ask.upload->push(row.content.substr(0, 4));
        ask.upload->push(row.content.substr(4, 6));
        if (row.content.size() > 10) ask.upload->push(row.content.substr(10));
        ask.upload->finish();
      }
      const Got got = p.ask(ask);
      CHECK(got.body == "QUERY " + row.content + " " + std::to_string(row.cached ? 1 : i + 1));
      if (i == 0) CHECK(got.cache_status == row.status);
    }
  }
}

TEST_CASE("what passes through is on its way before all of it has come", "[scenario][10008-2.7]") {
  ProxyOptions options = Pipeline::default_options();
  options.query_body = 4;
  Pipeline p(options);
  answer_everything(p);
  Ask ask = query("");
  ask.upload = std::make_shared<Trickle>();
  ask.upload->push("012345");
  const auto got = p.start(ask);
  CHECK(p.origin.in_flight == 1);
  ask.upload->push("67");
  ask.upload->finish();
  p.poll();
  CHECK(got->body == "QUERY 01234567 1");
}

TEST_CASE("query_body: 0 switches it off", "[scenario]") {
  ProxyOptions options = Pipeline::default_options();
  options.query_body = 0;
  Pipeline p(options);
  answer_everything(p);
  p.ask(query("one"));
  CHECK(p.ask(query("one")).cache_status == "freshet; fwd=method; fwd-status=200");
  CHECK(p.origin.seen.size() == 2);
}

TEST_CASE("a QUERY whose content does not come is refused, and the origin is not asked", "[scenario]") {
  Pipeline p;
  Ask ask = query("");
  ask.upload = std::make_shared<Trickle>();
  ask.upload->push("on");
  const auto got = p.start(ask);
  ask.upload->fail(Reason::RequestTimeout);
  p.poll();
  CHECK(got->done);
  CHECK(got->outcome.reason == Reason::RequestTimeout);
  CHECK(got->status >= 400);
  CHECK(p.origin.seen.empty());
}

TEST_CASE("the rules of storing and reuse are those of GET", "[scenario][10008-2.7][9111-3]") {
  Pipeline p;
  for (const char* control : {"no-store", "private, max-age=60"}) {
    answer_everything(p, {{"Cache-Control", control}});
    const std::size_t before = p.origin.seen.size();
    p.ask(query("one"));
    p.ask(query("one"));
    CHECK(p.origin.seen.size() == before + 2);
  }
  answer_everything(p, {{"Cache-Control", "max-age=60"}, {"Vary", "Accept"}});
  p.ask(query("two", {{"Accept", "a"}}));
  CHECK(p.ask(query("two", {{"Accept", "a"}})).outcome.cache == CacheResult::Hit);
  CHECK(p.ask(query("two", {{"Accept", "b"}})).cache_status.find("fwd=vary-miss") != std::string::npos);
  const Got nothing = p.ask(query("three", {{"Cache-Control", "only-if-cached"}}));
  CHECK(nothing.status == 504);
  p.ask(query("four", {{"Authorization", "Basic eDp5"}}));
  CHECK(p.ask(query("four")).outcome.cache != CacheResult::Hit);
}

TEST_CASE("a stale answer to a QUERY is validated by a conditional QUERY", "[scenario][10008-2.6][9111-4.3]") {
  Pipeline p;
  p.origin.answer = [](const Seen& seen) {
    Answer answer = with({{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}}, seen.body);
    if (seen.field("If-None-Match") == "\"1\"") answer.status = 304;
    return answer;
  };
  p.ask(query("one"));
  p.clock.advance(Milliseconds(70'000));
  const Got again = p.ask(query("one"));
  CHECK(again.status == 200);
  CHECK(again.body == "one");
  CHECK(again.outcome.cache == CacheResult::Revalidated);
  CHECK(p.origin.seen.back().method == "QUERY");
  CHECK(p.origin.seen.back().body == "one");
  const Got known = p.ask(query("one", {{"If-None-Match", "\"1\""}}));
  CHECK(known.status == 304);
  CHECK(p.origin.seen.size() == 2);
}

TEST_CASE("a revalidation in the background asks with the content", "[scenario][10008-2.7][5861-3]") {
  Pipeline p;
  answer_everything(p, {{"Cache-Control", "max-age=10, stale-while-revalidate=30"}});
  p.ask(query("one"));
  p.clock.advance(Milliseconds(15'000));
  CHECK(p.ask(query("one")).body == "QUERY one 1");
  CHECK(p.origin.seen.size() == 2);
  CHECK(p.origin.seen.back().body == "one");
  const Got got = p.ask(query("one"));
  CHECK(got.body == "QUERY one 2");
  CHECK(got.cache_status == "freshet; hit; ttl=10");
}

TEST_CASE("the same question by several clients at once is one request", "[scenario][10008-2.7]") {
  Pipeline p;
  const auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen& seen) {
    Answer answer = with({{"Cache-Control", "max-age=60"}}, seen.body);
    answer.wait_for = gate;
    return answer;
  };
  const auto first = p.start(query("one"));
  const auto same = p.start(query("one"));
  CHECK(p.origin.seen.size() == 1);
  gate->wake();
  p.poll();
  CHECK(first->body == "one");
  CHECK(same->body == "one");
  CHECK(same->outcome.cache == CacheResult::Collapsed);
}

TEST_CASE("QUERY invalidates nothing, and is invalidated with its URL", "[scenario][10008-2.1][9111-4.4]") {
  Pipeline p;
  answer_everything(p);
  p.ask(kUrl);
  p.ask(query("one"));
  p.ask(query("one", {}, "http://a.example/other"));
  CHECK(p.ask(kUrl).at_once);
  Ask post("POST", kUrl);
  post.body = "change";
  p.ask(post);
  CHECK(p.ask(query("one")).outcome.cache == CacheResult::Miss);
  CHECK(p.ask(query("one")).outcome.cache == CacheResult::Hit);
  CHECK(p.ask(query("one", {}, "http://a.example/other")).outcome.cache == CacheResult::Hit);
}

TEST_CASE("an answer to a QUERY that was under way during an invalidation answers nobody later",
          "[scenario][9111-4.4]") {
  Pipeline p;
  const auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen& seen) {
    Answer answer = with({{"Cache-Control", "max-age=60"}}, seen.body);
    if (seen.method == "QUERY" && p.origin.seen.size() == 1) answer.wait_for = gate;
    return answer;
  };
  const auto before = p.start(query("one"));
  p.ask({"DELETE", kUrl});
  gate->wake();
  p.poll();
  CHECK(before->body == "one");
  CHECK(p.ask(query("one")).outcome.cache == CacheResult::Miss);
}

TEST_CASE("a range of an answer to a QUERY is answered with the whole", "[scenario][9110-14.2]") {
  Pipeline p;
  answer_everything(p);
  p.ask(query("one"));
  const Got got = p.ask(query("one", {{"Range", "bytes=0-1"}}));
  CHECK(got.status == 200);
  CHECK(got.body == "QUERY one 1");
}
