#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {
Answer with(FieldList fields, std::string body = "hello") {
  Answer answer;
  answer.fields = std::move(fields);
  answer.body = std::move(body);
  return answer;
}
}  // namespace

TEST_CASE("what may not be stored reaches one client and is asked for again", "[scenario][9111-3]") {
  struct Row {
    FieldList fields;
    Reason why;
  };
  const Row rows[] = {{{{"Cache-Control", "no-store"}}, Reason::NoStore},
                      {{{"Cache-Control", "private, max-age=60"}}, Reason::PrivateResponse},
                      {{{"Cache-Control", "max-age=60"}, {"Vary", "*"}}, Reason::VaryStar},
                      {{{"Cache-Control", "max-age=60"}, {"Set-Cookie", "a=b"}}, Reason::SetCookie},
                      {{}, Reason::NoFreshness}};
  for (const Row& row : rows) {
    Pipeline p;
    p.origin.answer = [&](const Seen&) { return with(row.fields); };
    INFO(word(row.why));
    const Got first = p.ask("http://a.example/x");
    CHECK(first.body == "hello");
    CHECK(first.outcome.reason == row.why);
    CHECK(first.cache_status.find("stored") == std::string::npos);
    p.ask("http://a.example/x");
    CHECK(p.origin.seen.size() == 2);
    CHECK(p.store.figures().objects == 0);
  }
}

TEST_CASE("by setting, a response with Set-Cookie is stored with its cookie", "[scenario][6265]") {
  for (const bool store : {false, true}) {
    ProxyOptions options = Pipeline::default_options();
    options.policy.store_set_cookie = store;
    Pipeline p(options);
    p.origin.answer = [](const Seen&) { return with({{"Cache-Control", "max-age=60"}, {"Set-Cookie", "a=b"}}); };
    p.ask("http://a.example/x");
    const Got again = p.ask("http://a.example/x");
    CHECK(again.at_once == store);
    CHECK(again.field("Set-Cookie") == "a=b");
    CHECK(p.origin.seen.size() == (store ? 1u : 2u));
  }
}

TEST_CASE("a targeted field decides for the store and reaches the client as it is", "[scenario][9213-2.2]") {
  ProxyOptions options = Pipeline::default_options();
  options.policy.targets = {"Freshet-Cache-Control", "CDN-Cache-Control"};
  Pipeline p(options);
  p.origin.answer = [](const Seen&) {
    return with({{"Cache-Control", "no-store"}, {"CDN-Cache-Control", "max-age=5"}, {"Freshet-Cache-Control", "max-age=60"}});
  };
  p.ask("http://a.example/x");
  p.clock.advance(Milliseconds(10'000));
  const Got hit = p.ask("http://a.example/x");
  CHECK(hit.cache_status == "freshet; hit; ttl=50");
  CHECK(hit.field("Cache-Control") == "no-store");
  CHECK(hit.field("Freshet-Cache-Control") == "max-age=60");
}

TEST_CASE("an authorised request leaves a stored response only when the response allows it", "[scenario][9111-3.5]") {
  for (const bool shared : {false, true}) {
    Pipeline p;
    p.origin.answer = [&](const Seen&) { return with({{"Cache-Control", shared ? "public, max-age=60" : "max-age=60"}}); };
    p.ask({"http://a.example/x", {{"Authorization", "Basic eDp5"}}});
    p.ask("http://a.example/x");
    CHECK(p.origin.seen.size() == (shared ? 1u : 2u));
  }
}

TEST_CASE("a stale response is revalidated, and a 304 freshens it", "[scenario][9111-4.3]") {
  Pipeline p;
  p.origin.answer = [](const Seen& seen) {
    if (seen.field("If-None-Match") == "\"v1\"") {
      Answer same = with({{"Cache-Control", "max-age=60"}, {"ETag", "\"v1\""}, {"X-New", "yes"}}, "");
      same.status = 304;
      return same;
    }
    return with({{"Cache-Control", "max-age=60"}, {"ETag", "\"v1\""}});
  };
  p.ask("http://a.example/x");
  p.clock.advance(Milliseconds(61'000));
  const Got again = p.ask("http://a.example/x");
  CHECK(again.status == 200);
  CHECK(again.body == "hello");
  CHECK(again.field("X-New") == "yes");
  CHECK(again.outcome.cache == CacheResult::Revalidated);
  CHECK(again.cache_status == "freshet; fwd=stale; fwd-status=304; stored; ttl=60");
  CHECK(p.origin.seen.size() == 2);
  const Got hit = p.ask("http://a.example/x");
  CHECK(hit.at_once);
  CHECK(hit.field("Age") == "0");
  CHECK(p.origin.seen.size() == 2);
}

TEST_CASE("a client's own validators do not reach the origin when the whole response is wanted", "[scenario][9111-4.3.1]") {
  Pipeline p;
  p.origin.answer = [](const Seen&) { return with({{"Cache-Control", "max-age=60"}, {"ETag", "\"v1\""}}); };
  const Got first = p.ask({"http://a.example/x", {{"If-None-Match", "\"v1\""}}});
  CHECK(p.origin.seen[0].field("If-None-Match").empty());
  CHECK(first.status == 304);
  CHECK(first.body.empty());
  CHECK(p.ask("http://a.example/x").body == "hello");
  CHECK(p.origin.seen.size() == 1);
}

TEST_CASE("a body that the origin cuts short is not stored", "[scenario][9111-3.3]") {
  Pipeline p;
  auto trickle = std::make_shared<Trickle>();
  p.origin.answer = [&](const Seen& seen) {
    Answer answer = with({{"Cache-Control", "max-age=60"}});
    if (p.origin.seen.size() == 1 && !seen.method.empty()) {
      answer.trickle = trickle;
      answer.trickle_length = 10;
    }
    return answer;
  };
  const auto first = p.start("http://a.example/x");
  trickle->push("12345");
  p.poll();
  CHECK(first->has_head);
  trickle->fail(Reason::ResponseCutShort);
  p.poll();
  CHECK(first->done);
  CHECK(first->body == "12345");
  CHECK(first->body_failure == Reason::ResponseCutShort);
  CHECK(p.store.figures().objects == 0);
  CHECK(p.ask("http://a.example/x").body == "hello");
  CHECK(p.counters.fills_in_flight.get() == 0);
}

TEST_CASE("an unsafe request whose client left before the answer invalidates its target", "[scenario][9111-4.4]") {
  for (const Reason failure : {Reason::ClientClosed, Reason::ConnectionReset}) {
    Pipeline p;
    p.origin.answer = [&](const Seen& seen) {
      Answer answer = with({{"Cache-Control", "max-age=60"}});
      if (seen.method == "DELETE") answer.failure = failure;
      return answer;
    };
    p.ask("http://a.example/x");
    p.ask({"DELETE", "http://a.example/x"});
    // Whoever hung up first: when it was the client, the origin may well have done it.
    CHECK(p.ask("http://a.example/x").at_once == (failure != Reason::ClientClosed));
  }
}

TEST_CASE("unsafe methods invalidate the target and same-origin Location", "[scenario][9111-4.4]") {
  Pipeline p;
  p.ask("http://a.example/x");
  p.ask("http://a.example/y");
  p.ask("http://a.example/z");
  p.origin.answer = [](const Seen& seen) {
    Answer answer = with({{"Cache-Control", "max-age=60"}});
    if (seen.method == "POST") answer.fields = {{"Location", "/y"}, {"Content-Location", "http://b.example/z"}};
    return answer;
  };
  Ask post("POST", "http://a.example/x");
  post.body = "data";
  p.ask(post);
  CHECK(p.origin.seen.back().body == "data");
  CHECK_FALSE(p.ask("http://a.example/x").at_once);
  CHECK_FALSE(p.ask("http://a.example/y").at_once);
  CHECK(p.ask("http://a.example/z").at_once);
}

TEST_CASE("a failed unsafe request invalidates nothing", "[scenario][9111-4.4]") {
  Pipeline p;
  p.ask("http://a.example/x");
  p.origin.answer = [](const Seen&) {
    Answer answer;
    answer.status = 500;
    return answer;
  };
  p.ask({"DELETE", "http://a.example/x"});
  CHECK(p.ask("http://a.example/x").at_once);
}

TEST_CASE("a response larger than the limit for one object passes through", "[scenario][9111-3]") {
  ProxyOptions options = Pipeline::default_options();
  options.policy.max_object_size = 100;
  for (const bool known : {true, false}) {
    Pipeline p(options);
    p.origin.answer = [&](const Seen&) {
      Answer answer = with({{"Cache-Control", "max-age=60"}}, std::string(5000, 'x'));
      answer.known_length = known;
      answer.as_source = true;
      return answer;
    };
    CHECK(p.ask("http://a.example/x").body.size() == 5000);
    CHECK(p.ask("http://a.example/x").body.size() == 5000);
    CHECK(p.origin.seen.size() == 2);
    CHECK(p.store.figures().objects == 0);
  }
}

TEST_CASE("why an answer is not kept is said", "[scenario][9111-3][9211-2.8]") {
  struct Row {
    FieldList fields;
    std::uint64_t room;
    std::string detail;
  };
  const Row rows[] = {
      {{{"Vary", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"}}, 1u << 20, "vary-too-complex"},
      {{{"Vary", "Long"}}, 1u << 20, "vary-too-complex"},
      {{{"Vary", "Accept-Encoding"}, {"Content-Encoding", "odd"}}, 1u << 20, "vary-too-complex"},
      {{}, 200, "no-room"},
      {{{"Vary", "Accept"}}, 1u << 20, ""},
  };
  for (const Row& row : rows) {
    INFO(row.detail << " " << (row.fields.empty() ? "" : row.fields.back().second));
    StoreOptions options;
    options.max_size = row.room;
    Pipeline p(Pipeline::default_options(), options);
    p.origin.answer = [&](const Seen&) {
      FieldList fields = row.fields;
      fields.emplace_back("Cache-Control", "max-age=60");
      return with(fields);
    };
    const Got got = p.ask({"http://a.example/x", {{"Long", std::string(9000, 'x')}, {"Accept-Encoding", "odd"}}});
    CHECK(got.body == "hello");
    CHECK(got.outcome.stored == row.detail.empty());
    const std::string expected = row.detail.empty() ? "stored; ttl=60" : "detail=" + row.detail;
    CHECK(got.cache_status == "freshet; fwd=uri-miss; fwd-status=200; " + expected);
  }
}

TEST_CASE("a 304 that may not be kept says why", "[scenario][9111-4.3.4][9211-2.8]") {
  const std::pair<const char*, const char*> rows[] = {{"private", "private"}, {"no-store", "no-store"}, {"max-age=60", ""}};
  for (const auto& row : rows) {
    const char* const control = row.first;
    const std::string detail = row.second;
    Pipeline p;
    p.origin.answer = [&](const Seen&) {
      Answer answer = with({{"Cache-Control", "max-age=10"}, {"ETag", "\"1\""}});
      if (p.origin.seen.size() > 1) answer.status = 304, answer.fields[0].second = control;
      return answer;
    };
    p.ask("http://a.example/x");
    p.clock.advance(Milliseconds(15'000));
    const Got got = p.ask("http://a.example/x");
    CHECK(got.body == "hello");
    if (detail.empty()) CHECK(got.cache_status == "freshet; fwd=stale; fwd-status=304; stored; ttl=60");
    if (!detail.empty()) CHECK(got.cache_status.find("; detail=" + detail) != std::string::npos);
  }
}
