// What must hold for every stored response and every request, at every moment (RFC 9111 4.2, 5.2; RFC 5861).
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "parts.hpp"
#include "support/dice.hpp"

using namespace freshet;
using test::at;
using test::Dice;
using test::fields_of;
using test::get;
using test::times_at;

namespace {

const std::vector<std::string> kResponseDirectives = {
    "max-age=0",  "max-age=7",        "max-age=30",       "s-maxage=9",       "no-cache",
    "no-store",   "private",          "must-revalidate",  "proxy-revalidate", "stale-while-revalidate=11",
    "public",     "immutable",        "stale-if-error=5", "stale-if-error=0", "stale-if-error=40",
    "max-age=xy", "no-cache=\"foo\"", "must-understand",  "unknown",          "stale-while-revalidate=0"};
const std::vector<std::string> kRequestDirectives = {
    "max-age=0", "max-age=5", "max-age=20",        "min-fresh=3",    "max-stale",   "max-stale=6",
    "no-cache",  "no-store",  "stale-if-error=13", "only-if-cached", "min-fresh=x", "unknown"};
const std::vector<std::string> kOtherLines = {"ETag: \"1\"",
                                              "ETag: W/\"2\"",
                                              "Last-Modified: Wed, 31 Dec 2025 23:58:00 GMT",
                                              "Age: 4",
                                              "Age: 100",
                                              "Expires: Thu, 01 Jan 2026 00:00:20 GMT",
                                              "Expires: 0",
                                              "Date: Wed, 31 Dec 2025 23:59:55 GMT",
                                              "Set-Cookie: a=b",
                                              "X: 1"};
const std::vector<int> kStatuses = {200, 203, 301, 404, 410, 500, 599};

struct Throw {
  RequestHead request;
  Fields response;
  int status = 200;
  CachePolicy policy;
  StoreDecision decision;
};

Throw throw_response(Dice& dice) {
  Throw thrown;
  thrown.request = get();
  thrown.status = dice.one_in(2) ? 200 : dice.any_of(kStatuses);
  thrown.response.add(FieldId::CacheControl, dice.some_of(kResponseDirectives, 4, ", "));
  for (const std::string& line : {dice.some_of(kOtherLines, 3, "|")}) thrown.response.append(fields_of(line));
  if (dice.one_in(3)) thrown.policy.default_stale_if_error = Seconds(static_cast<std::int64_t>(dice.roll(30)));
  thrown.decision = decide_store(thrown.request, {thrown.status, thrown.response}, {}, thrown.policy, times_at(0, 0));
  return thrown;
}

RequestDirectives throw_directives(Dice& dice) {
  Fields fields;
  fields.add(FieldId::CacheControl, dice.some_of(kRequestDirectives, 3, ", "));
  return parse_request_directives(fields);
}

bool uses_store(Reuse reuse) noexcept { return reuse == Reuse::Use || reuse == Reuse::UseAndRevalidate; }

constexpr std::int64_t kHorizon = 120;  // seconds; every lifetime and window of the above has ended by then

}  // namespace

TEST_CASE("what is not used now is not used later, and what is stale stays stale",
          "[cache][property][rfc9111-4.2][rfc9111-4.2.3]") {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    Dice dice(seed);
    const Throw thrown = throw_response(dice);
    const RequestDirectives directives = throw_directives(dice);
    const StoredMeta& meta = thrown.decision.meta;
    CAPTURE(seed);
    bool used = true, fresh = true, on_error = true, when_cut_off = true;
    Seconds age{-1}, ttl = kForever;
    for (std::int64_t now = 0; now < kHorizon; ++now) {
      const SteadyTime moment = at(now).steady;
      const ReuseDecision decision = decide_reuse(directives, &meta, thrown.policy, moment);
      const auto may = [&](OriginTrouble trouble) {
        return may_serve_stale_on_error(directives, meta, trouble, thrown.policy, moment);
      };
      CHECK(decision.age >= age);
      CHECK(decision.ttl <= ttl);
      CHECK((used || !uses_store(decision.reuse)));
      CHECK((fresh || decision.why != Reason::Fresh));
      CHECK((on_error || !may(OriginTrouble::ServerError)));
      CHECK((when_cut_off || !may(OriginTrouble::Disconnected)));
      CHECK((!may(OriginTrouble::ServerError) || may(OriginTrouble::Disconnected)));
      age = decision.age;
      ttl = decision.ttl;
      used = uses_store(decision.reuse);
      fresh = decision.why == Reason::Fresh;
      on_error = may(OriginTrouble::ServerError);
      when_cut_off = may(OriginTrouble::Disconnected);
    }
  }
}

TEST_CASE("prohibitions hold at every moment", "[cache][property][rfc9111-4.2.4][rfc9111-5.2.2]") {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    Dice dice(seed);
    const Throw thrown = throw_response(dice);
    const RequestDirectives directives = throw_directives(dice);
    const StoredMeta& meta = thrown.decision.meta;
    CAPTURE(seed);
    for (std::int64_t now = 0; now < kHorizon; now += 3) {
      const SteadyTime moment = at(now).steady;
      const ReuseDecision decision = decide_reuse(directives, &meta, thrown.policy, moment);
      const bool stale = decision.ttl <= Seconds{0};
      const bool stands_in =
          may_serve_stale_on_error(directives, meta, OriginTrouble::Disconnected, thrown.policy, moment);
      if (directives.no_cache || directives.no_store || meta.no_cache)
        CHECK_FALSE((uses_store(decision.reuse) || stands_in));
      if (stale && meta.forbids_stale) CHECK_FALSE((uses_store(decision.reuse) || stands_in));
      if (!stale && !meta.no_cache && !directives.no_cache && !directives.no_store && !directives.max_age &&
          !directives.min_fresh)
        CHECK(decision.reuse == Reuse::Use);
      if (directives.only_if_cached)
        CHECK((uses_store(decision.reuse) || decision.reuse == Reuse::Refuse));
      else
        CHECK(decision.reuse != Reuse::Refuse);
      if (decision.reuse == Reuse::Revalidate) CHECK(meta.has_validator());
    }
  }
}

TEST_CASE("what is stored was allowed to be, and can be used once at least",
          "[cache][property][rfc9111-3][rfc9111-3.5]") {
  std::size_t stored = 0;
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    Dice dice(seed);
    const Throw thrown = throw_response(dice);
    const StoredMeta& meta = thrown.decision.meta;
    CAPTURE(seed);
    if (!thrown.decision.store) continue;
    ++stored;
    const ResponseDirectives said = parse_response_directives(thrown.response, thrown.policy.targets);
    CHECK_FALSE(said.is_private);
    CHECK_FALSE((said.no_store && !said.must_understand));
    const ReuseDecision reuse = decide_reuse({}, &meta, thrown.policy, at(0).steady);
    const bool useful = uses_store(reuse.reuse) || reuse.reuse == Reuse::Revalidate ||
                        may_serve_stale_on_error({}, meta, OriginTrouble::Disconnected, thrown.policy, at(0).steady);
    CHECK(useful);
  }
  CHECK(stored > 1000);
}

TEST_CASE("a 304 never changes the body, the status or the key, and is the newer word",
          "[cache][property][rfc9111-4.3.4]") {
  std::size_t freshened = 0;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    Dice dice(seed);
    const Throw before = throw_response(dice), after = throw_response(dice);
    CAPTURE(seed);
    if (!before.decision.store) continue;
    test::PlainLedger ledger;
    auto body = StoredBody::make(ledger, 4, UINT64_MAX);
    test::CountingWaiter waiter;
    body->append(test::bytes_of("body"), waiter);
    body->finish();
    const auto stored = make_stored_response("key", "", {before.status, before.response}, before.decision, body,
                                             "1.1 me", at(0).wall, ledger);
    const auto fresh = freshen(*stored, get(), {304, after.response}, before.policy, times_at(50, 50), ledger);
    REQUIRE(fresh);
    ++freshened;
    CHECK(fresh->body() == stored->body());
    CHECK(test::text_of(fresh->body()->contiguous().value()) == "body");
    CHECK(fresh->head().status == before.status);
    CHECK(fresh->key() == "key");
    CHECK(fresh->vary_key().empty());
    CHECK(fresh->head().fields.count(FieldId::Via) == 1);
    CHECK(fresh->head().fields.count(FieldId::Date) == 1);
    CHECK_FALSE(fresh->head().fields.contains(FieldId::Age));
    const auto cache_control = after.response.first(FieldId::CacheControl);
    CHECK(fresh->head().fields.first(FieldId::CacheControl) == cache_control);
    if (const auto etag = after.response.first(FieldId::ETag)) CHECK(fresh->etag() == *etag);
    CHECK(current_age(fresh->meta(), at(50).steady) == fresh->meta().initial_age);
  }
  CHECK(freshened > 300);
}
