// Steps of the wall clock, as an administrator, NTP or a virtual machine that was asleep makes them. Lifetimes go by
// the monotonic clock (RFC 9111 4.2.3 needs the wall clock only for the Date of a response that comes in).
#include <array>
#include <catch2/catch.hpp>

#include "freshet/http/date.hpp"
#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr hours kSteps[] = {hours(1), hours(-1), hours(24 * 365), hours(-24 * 365)};

void step(Pipeline& p, hours by) { p.clock.set_wall(p.clock.now().wall + by); }

std::string date(std::int64_t unix_seconds) {
  std::array<char, kHttpDateSize> text;
  format_http_date(unix_seconds, text);
  return {text.data(), text.size()};
}

/// An origin whose own clock is right, and goes with the pipeline's: as far as that was never stepped.
class Origin {
 public:
  explicit Origin(Pipeline& p) : pipeline_(p) {}
  std::int64_t now() const {
    return FakeClock::kStartUnix +
           std::chrono::floor<seconds>(pipeline_.clock.now().steady - FakeClock::start_steady()).count();
  }
  Answer answer(FieldList fields, int status = 200) const {
    fields.emplace_back("Date", date(now()));
    return Answer{
        status, std::move(fields), status == 304 ? "" : "hello", true, false, nullptr, 0, Reason::None, nullptr, false};
  }

 private:
  Pipeline& pipeline_;
};

}  // namespace

TEST_CASE("a step of the wall clock makes nothing that is stored older or younger", "[scenario][clock][9111-4.2.3]") {
  for (const hours by : kSteps) {
    CAPTURE(by.count());
    Pipeline p;
    const Origin origin(p);
    p.origin.answer = [&](const Seen& seen) {
      if (seen.target == "/expires") return origin.answer({{"Expires", date(origin.now() + 60)}});
      if (seen.target == "/guess") return origin.answer({{"Last-Modified", date(origin.now() - 600)}});
      return origin.answer({{"Cache-Control", "max-age=60"}});
    };
    const char* const urls[] = {"http://a.example/max-age", "http://a.example/expires", "http://a.example/guess"};
    for (const char* url : urls) p.ask(url);
    p.clock.advance(seconds(30));
    step(p, by);
    for (const char* url : urls) {
      const Got got = p.ask(url);
      CHECK(got.outcome.cache == CacheResult::Hit);  // no mass expiry
      CHECK(got.field("Age") == "30");               // never negative
    }
    p.clock.advance(seconds(29));
    for (const char* url : urls) CHECK(p.ask(url).field("Age") == "59");
    CHECK(p.origin.seen.size() == 3);
    p.clock.advance(seconds(1));
    for (const char* url : urls) CHECK(p.ask(url).outcome.cache != CacheResult::Hit);  // no endless freshness
    CHECK(p.origin.seen.size() == 6);
  }
}

TEST_CASE("what expires leaves the store in its time, whatever the wall clock says", "[scenario][clock]") {
  for (const hours by : kSteps) {
    CAPTURE(by.count());
    Pipeline p;
    p.ask("http://a.example/x");
    step(p, by);
    p.store.expire_some(p.clock.now().steady, 10'000'000);
    CHECK(p.store.figures().objects == 1);
    p.clock.advance(hours(24 * 30));
    p.store.expire_some(p.clock.now().steady, 10'000'000);
    CHECK(p.store.figures().objects == 0);
  }
}

TEST_CASE("while our clock is behind, answers from the future have their own lifetime",
          "[scenario][clock][9111-4.2.3]") {
  Pipeline p;
  const Origin origin(p);
  step(p, hours(-1));
  p.origin.answer = [&](const Seen& seen) {
    if (seen.target == "/expires") return origin.answer({{"Expires", date(origin.now() + 60)}});
    return origin.answer({{"Cache-Control", "max-age=60"}});
  };
  for (const char* url : {"http://a.example/max-age", "http://a.example/expires"}) {
    CHECK(p.ask(url).field("Age") == "");
    CHECK(p.ask(url).field("Age") == "0");
    p.clock.advance(seconds(59));
    CHECK(p.ask(url).outcome.cache == CacheResult::Hit);
    p.clock.advance(seconds(1));
    CHECK(p.ask(url).outcome.cache != CacheResult::Hit);
  }
}

TEST_CASE("while our clock is ahead, answers seem old and are validated; once it is right, they are fresh",
          "[scenario][clock][9111-4.2.3]") {
  Pipeline p;
  const Origin origin(p);
  step(p, hours(1));
  p.origin.answer = [&](const Seen& seen) {
    const int status = seen.field("If-None-Match").empty() ? 200 : 304;
    return origin.answer({{"Cache-Control", "max-age=60"}, {"ETag", "\"v1\""}}, status);
  };
  for (int i = 0; i < 3; ++i) CHECK(p.ask("http://a.example/x").status == 200);
  CHECK(p.origin.seen.size() == 3);
  step(p, hours(-1));
  CHECK(p.ask("http://a.example/x").status == 200);
  CHECK(p.origin.seen.size() == 4);
  CHECK(p.origin.seen.back().field("If-None-Match") == "\"v1\"");
  for (int i = 0; i < 3; ++i) CHECK(p.ask("http://a.example/x").outcome.cache == CacheResult::Hit);
  CHECK(p.ask("http://a.example/x").field("Age") == "0");
  CHECK(p.origin.seen.size() == 4);
}

TEST_CASE("a step while the answer is awaited does not make it older than the wait", "[scenario][clock][9111-4.2.3]") {
  for (const hours by : {hours(-1), hours(-24 * 365)}) {
    Pipeline p;
    const Origin origin(p);
    auto gate = std::make_shared<Wakeup>();
    p.origin.answer = [&](const Seen&) {
      Answer answer = origin.answer({{"Cache-Control", "max-age=60"}});
      answer.wait_for = gate;
      return answer;
    };
    const auto got = p.start("http://a.example/x");
    p.poll();
    p.clock.advance(seconds(10));
    step(p, by);
    gate->wake();
    p.poll();
    REQUIRE(got->done);
    CHECK(p.ask("http://a.example/x").field("Age") == "10");
  }
}

TEST_CASE("a 304 without Date, after a step, freshens for a whole lifetime", "[scenario][clock][9111-4.3.4]") {
  for (const hours by : kSteps) {
    CAPTURE(by.count());
    Pipeline p;
    const Origin origin(p);
    p.origin.answer = [&](const Seen& seen) {
      if (seen.field("If-None-Match").empty())
        return origin.answer({{"Cache-Control", "max-age=60"}, {"ETag", "\"v1\""}});
      return Answer{304, {{"ETag", "\"v1\""}}, "", true, false, nullptr, 0, Reason::None, nullptr, false};
    };
    p.ask("http://a.example/x");
    p.clock.advance(seconds(61));
    step(p, by);
    CHECK(p.ask("http://a.example/x").outcome.cache == CacheResult::Revalidated);
    const Got hit = p.ask("http://a.example/x");
    CHECK(hit.outcome.cache == CacheResult::Hit);
    CHECK(hit.field("Age") == "0");
    p.clock.advance(seconds(59));
    CHECK(p.ask("http://a.example/x").outcome.cache == CacheResult::Hit);
    p.clock.advance(seconds(1));
    CHECK(p.ask("http://a.example/x").outcome.cache == CacheResult::Revalidated);
  }
}
