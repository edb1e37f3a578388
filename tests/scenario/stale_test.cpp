#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {
Answer with(std::string cache_control, std::string body = "hello", FieldList more = {}) {
  Answer answer;
  answer.fields = {{"Cache-Control", std::move(cache_control)}};
  answer.fields.insert(answer.fields.end(), more.begin(), more.end());
  answer.body = std::move(body);
  return answer;
}
}  // namespace

TEST_CASE("stale-while-revalidate answers at once and revalidates exactly once", "[scenario][5861-3]") {
  Pipeline p;
  int made = 0;
  auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen&) {
    Answer answer = with("max-age=10, stale-while-revalidate=30", std::to_string(made));
    if (made++ > 0) answer.wait_for = gate;
    return answer;
  };
  CHECK(p.ask("http://a.example/x").body == "0");
  p.clock.advance(Milliseconds(15'000));
  for (int i = 0; i < 5; ++i) {
    const Got stale = p.ask("http://a.example/x");
    CHECK(stale.body == "0");
    CHECK(stale.outcome.cache == CacheResult::Stale);
    CHECK(stale.cache_status == "freshet; hit; ttl=-5; detail=stale-while-revalidate");
  }
  CHECK(p.origin.seen.size() == 2);
  gate->wake();
  p.poll();
  CHECK(p.ask("http://a.example/x").body == "1");
  CHECK(p.origin.seen.size() == 2);
}

TEST_CASE("by setting, a stale response stands in for a server error", "[scenario][5861-4][9111-4.2.4]") {
  struct Row {
    const char* control;
    int after;   // seconds
    int status;  // of the second answer
    bool stale;
  };
  const Row rows[] = {{"max-age=10", 15, 503, true},
                      {"max-age=10", 69, 500, true},
                      {"max-age=10", 70, 503, false},
                      {"max-age=10", 15, 404, false},
                      {"max-age=10, stale-if-error=2", 15, 503, false},
                      {"max-age=10, must-revalidate", 15, 503, false},
                      {"max-age=10, proxy-revalidate", 15, 503, false},
                      {"s-maxage=10", 15, 503, false},
                      {"no-cache", 15, 503, false}};
  for (const Row& row : rows) {
    INFO(row.control << " " << row.after << " " << row.status);
    ProxyOptions options = Pipeline::default_options();
    options.policy.default_stale_if_error = Seconds(60);
    Pipeline p(options);
    p.origin.answer = [&](const Seen&) {
      if (p.origin.seen.size() == 1) return with(row.control, "hello", {{"ETag", "\"v1\""}});
      Answer trouble;
      trouble.status = row.status;
      return trouble;
    };
    p.ask("http://a.example/x");
    p.clock.advance(Seconds(row.after));
    const Got got = p.ask("http://a.example/x");
    CHECK(got.status == (row.stale ? 200 : row.status));
    CHECK((got.outcome.reason == Reason::StaleIfError) == row.stale);
  }
}

TEST_CASE("a stale response stands in when the origin fails, unless it forbids that", "[scenario][9111-4.2.4][5861-4]") {
  struct Row {
    const char* control;
    Reason failure;   // of the second answer
    int status;       // of the second answer, when it comes
    bool stale;
  };
  const Row rows[] = {{"max-age=10", Reason::ConnectionRefused, 0, true},
                      {"max-age=10, must-revalidate", Reason::ConnectionRefused, 0, false},
                      {"max-age=10, proxy-revalidate", Reason::ConnectionRefused, 0, false},
                      {"max-age=1, s-maxage=10", Reason::ConnectionRefused, 0, false},
                      {"max-age=10", Reason::FirstByteTimeout, 0, true},
                      {"max-age=10", Reason::ConnectTimeout, 0, true},
                      {"max-age=10", Reason::BadResponse, 0, true},
                      {"max-age=10", Reason::ResponseFieldsTooLarge, 0, true},
                      {"max-age=10, stale-if-error=60", Reason::BadResponse, 0, true},
                      {"max-age=10, stale-if-error=2", Reason::FirstByteTimeout, 0, false},
                      {"max-age=10, stale-if-error=2", Reason::ConnectionRefused, 0, false},
                      {"max-age=10, stale-if-error=60", Reason::None, 503, true},
                      {"max-age=10, stale-if-error=2", Reason::None, 503, false},
                      {"max-age=10", Reason::None, 503, false},
                      {"max-age=10, stale-if-error=60", Reason::None, 404, false}};
  for (const Row& row : rows) {
    INFO(row.control << " " << row.status);
    Pipeline p;
    p.origin.answer = [&](const Seen&) {
      if (p.origin.seen.size() == 1) return with(row.control);
      Answer trouble;
      trouble.status = row.status;
      trouble.failure = row.failure;
      return trouble;
    };
    p.ask("http://a.example/x");
    p.clock.advance(Milliseconds(15'000));
    const Got got = p.ask("http://a.example/x");
    CHECK((got.status == 200) == row.stale);
    CHECK((got.outcome.reason == Reason::StaleIfError) == row.stale);
    if (row.stale) CHECK(got.field("Age") == "15");
  }
}
