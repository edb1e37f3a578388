// An origin that answers 304 to a request without a condition: nobody has anything that could be "not modified".
#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

Answer not_modified(FieldList fields = {{"Cache-Control", "max-age=60"}}) {
  Answer answer;
  answer.status = 304;
  answer.fields = std::move(fields);
  return answer;
}

Answer stored(std::string control, FieldList more = {}) {
  Answer answer;
  answer.fields = {{"Cache-Control", std::move(control)}};
  answer.fields.insert(answer.fields.end(), more.begin(), more.end());
  answer.body = "hello";
  return answer;
}

void expect_bad_gateway(const Got& got) {
  CHECK(got.status == 502);
  CHECK(got.outcome.reason == Reason::UnexpectedNotModified);
  CHECK(got.outcome.cache == CacheResult::Error);
  CHECK(got.field("Proxy-Status").find("http_protocol_error") != std::string::npos);
  CHECK(got.cache_status.find("detail=unexpected-not-modified") != std::string::npos);
}

}  // namespace

TEST_CASE("a 304 that nobody asked for is a 502, and is not stored", "[scenario][rfc9110 15.4.5]") {
  const std::vector<Ask> asks = {{"http://a.example/x"},
                                 {"HEAD", "http://a.example/x"},
                                 {"http://a.example/x", {{"Range", "bytes=0-1"}}},
                                 {"http://a.example/x", {{"Cache-Control", "no-cache"}}},
                                 {"http://a.example/x", {{"If-Match", "\"1\""}}},
                                 {"http://a.example/x", {{"If-None-Match", "\"1\""}}}};
  for (const Ask& ask : asks) {
    INFO(ask.method << " " << (ask.fields.empty() ? "" : ask.fields[0].first));
    Pipeline p;
    p.origin.answer = [](const Seen&) { return not_modified(); };
    expect_bad_gateway(p.ask(ask));  // also for a client's If-None-Match: it is not passed on when the whole is wanted
    CHECK(p.store.figures().objects == 0);
    p.origin.answer = [](const Seen&) { return stored("max-age=60"); };
    CHECK(p.ask("http://a.example/x").body == "hello");
  }
}

TEST_CASE("with the cache off, too", "[scenario][rfc9110 15.4.5]") {
  ProxyOptions options = Pipeline::default_options();
  options.cache_enabled = false;
  Pipeline p(options);
  p.origin.answer = [](const Seen&) { return not_modified(); };
  const Got got = p.ask("http://a.example/x");
  CHECK(got.status == 502);
  CHECK(got.outcome.reason == Reason::UnexpectedNotModified);
  CHECK(p.ask({"http://a.example/x", {{"If-None-Match", "\"1\""}}}).status == 304);
  CHECK(p.ask({"http://a.example/x", {{"If-Modified-Since", "Thu, 01 Jan 2026 00:00:00 GMT"}}}).status == 304);
}

TEST_CASE("a 304 that the client asked for reaches it", "[scenario][rfc9110 15.4.5]") {
  Pipeline p;
  p.origin.answer = [](const Seen&) { return not_modified(); };
  CHECK(p.ask({"HEAD", "http://a.example/x", {{"If-None-Match", "\"1\""}}}).status == 304);
  CHECK(p.ask({"http://a.example/x", {{"If-None-Match", "\"1\""}, {"Range", "bytes=0-1"}}}).status == 304);
  CHECK(p.ask({"http://a.example/x", {{"If-None-Match", "\"1\""}, {"Cache-Control", "no-store"}}}).status == 304);
  CHECK(p.store.figures().objects == 0);
}

TEST_CASE("a stale stored response stands in for it where it may", "[scenario][rfc9111 4.2.4]") {
  for (const bool allowed : {true, false}) {
    Pipeline p;
    p.origin.answer = [&](const Seen&) {
      // Without a validator it is fetched anew.
      return p.origin.seen.size() == 1
                 ? stored(allowed ? "max-age=10" : "max-age=10, must-revalidate, stale-while-revalidate=1")
                 : not_modified({{"Cache-Control", "max-age=60"}, {"ETag", "\"9\""}});
    };
    p.ask("http://a.example/x");
    p.clock.advance(Milliseconds(15'000));
    const Got got = p.ask("http://a.example/x");
    CHECK(got.status == (allowed ? 200 : 502));
    CHECK(got.outcome.reason == (allowed ? Reason::StaleIfError : Reason::UnexpectedNotModified));
    CHECK(p.origin.seen.back().field("If-None-Match").empty());
  }
}

TEST_CASE("an origin that knows no other answer is asked a second time without conditions, and no more",
          "[scenario][rfc9111 4.3.4]") {
  Pipeline p;
  p.origin.answer = [&](const Seen&) {
    return p.origin.seen.size() == 1 ? stored("max-age=10, must-revalidate", {{"ETag", "\"1\""}})
                                     : not_modified({{"ETag", "\"other\""}});
  };
  p.ask("http://a.example/x");
  p.clock.advance(Milliseconds(15'000));
  expect_bad_gateway(p.ask("http://a.example/x"));
  CHECK(p.origin.seen.size() == 3);
}

TEST_CASE("those who waited for it get the same answer, in one origin request",
          "[scenario][collapse][rfc9110 15.4.5]") {
  Pipeline p;
  const auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen&) {
    Answer answer = not_modified();
    answer.wait_for = gate;
    return answer;
  };
  const auto one = p.start("http://a.example/x"), two = p.start("http://a.example/x");
  gate->wake();
  p.poll();
  CHECK(one->status == 502);
  CHECK(two->status == 502);
  CHECK(two->outcome.reason == Reason::UnexpectedNotModified);
  CHECK(p.origin.seen.size() == 1);
}

TEST_CASE("412 and 416 pass, and are not stored for others when the request asked for them",
          "[scenario][rfc9110 15.5.13]") {
  for (const int status : {412, 416}) {
    Pipeline p;
    p.origin.answer = [&](const Seen&) {
      Answer answer;
      answer.status = status;
      return answer;
    };
    CHECK(p.ask("http://a.example/x").status == status);
    CHECK(p.store.figures().objects == 0);
  }
}
