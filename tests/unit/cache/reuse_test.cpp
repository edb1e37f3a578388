#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "freshet/cache/policy.hpp"
#include "parts.hpp"

using namespace freshet;
using test::at;

namespace {

RequestDirectives directives(std::string_view cache_control) {
  Fields fields;
  if (!cache_control.empty()) fields.add(FieldId::CacheControl, cache_control);
  return parse_request_directives(fields);
}

/// Stored at second 0 with a lifetime of 100 s.
StoredMeta stored_meta() {
  StoredMeta meta;
  meta.status = 200;
  meta.response_time = at(0).steady;
  meta.lifetime = Seconds{100};
  meta.has_etag = true;
  return meta;
}

struct ReuseRow {
  const char* rule;
  const char* request;
  std::int64_t now;
  void (*change)(StoredMeta&);
  Reuse reuse;
  Reason why;
};

void as_it_is(StoredMeta&) {}
void no_validator(StoredMeta& m) { m.has_etag = false; }
void says_no_cache(StoredMeta& m) { m.no_cache = m.forbids_stale = true; }
void forbids_stale(StoredMeta& m) { m.forbids_stale = true; }
void swr_10(StoredMeta& m) { m.stale_while_revalidate = Seconds{10}; }
void swr_10_forbidden(StoredMeta& m) { swr_10(m), forbids_stale(m); }
void aged_60(StoredMeta& m) { m.initial_age = Seconds{60}; }
void immutable(StoredMeta& m) { m.immutable = true; }
void immutable_no_cache(StoredMeta& m) { immutable(m), says_no_cache(m); }
void lives_forever(StoredMeta& m) { m.lifetime = kForever; }

const std::vector<ReuseRow> kReuseRows = {
    {"4.2: fresh while lifetime > age", "", 0, as_it_is, Reuse::Use, Reason::Fresh},
    {"4.2: fresh in its last second", "", 99, as_it_is, Reuse::Use, Reason::Fresh},
    {"4.2: stale when age reaches the lifetime", "", 100, as_it_is, Reuse::Revalidate, Reason::Stale},
    {"4.3.1: without a validator it is fetched anew", "", 100, no_validator, Reuse::Fetch, Reason::Stale},
    {"4.2.3: the initial age counts", "", 39, aged_60, Reuse::Use, Reason::Fresh},
    {"4.2.3: the initial age counts", "", 40, aged_60, Reuse::Revalidate, Reason::Stale},
    {"1.2.2: forever is long", "", 1'000'000'000, lives_forever, Reuse::Use, Reason::Fresh},
    {"5.2.1.1: max-age not reached", "max-age=10", 10, as_it_is, Reuse::Use, Reason::Fresh},
    {"5.2.1.1: max-age passed", "max-age=10", 11, as_it_is, Reuse::Revalidate, Reason::RequestMaxAge},
    {"5.2.1.1: max-age=0 asks the origin", "max-age=0", 0, as_it_is, Reuse::Revalidate, Reason::RequestMaxAge},
    {"5.2.1.1: max-age without validator", "max-age=0", 0, no_validator, Reuse::Fetch, Reason::RequestMaxAge},
    {"5.2.1.1: malformed max-age is strict", "max-age=x", 1, as_it_is, Reuse::Revalidate, Reason::RequestMaxAge},
    {"5.2.1.1: max-age does not stretch the lifetime", "max-age=1000", 100, as_it_is, Reuse::Revalidate, Reason::Stale},
    {"5.2.1.2: max-stale within", "max-stale=5", 105, as_it_is, Reuse::Use, Reason::StaleAllowed},
    {"5.2.1.2: max-stale beyond", "max-stale=5", 106, as_it_is, Reuse::Revalidate, Reason::Stale},
    {"5.2.1.2: max-stale without a value", "max-stale", 100000, as_it_is, Reuse::Use, Reason::StaleAllowed},
    {"5.2.1.2: malformed max-stale is none", "max-stale=x", 101, as_it_is, Reuse::Revalidate, Reason::Stale},
    {"5.2.1.2: max-stale under max-age", "max-stale, max-age=50", 60, as_it_is, Reuse::Revalidate,
     Reason::RequestMaxAge},
    {"4.2.4: max-stale against must-revalidate", "max-stale", 101, forbids_stale, Reuse::Revalidate, Reason::Stale},
    {"5.2.2.2: must-revalidate does not touch the fresh", "", 99, forbids_stale, Reuse::Use, Reason::Fresh},
    {"5.2.1.3: min-fresh met", "min-fresh=40", 60, as_it_is, Reuse::Use, Reason::Fresh},
    {"5.2.1.3: min-fresh not met", "min-fresh=40", 61, as_it_is, Reuse::Revalidate, Reason::RequestMinFresh},
    {"5.2.1.3: malformed min-fresh is strict", "min-fresh=x", 0, as_it_is, Reuse::Revalidate, Reason::RequestMinFresh},
    {"5.2.1.4: no-cache", "no-cache", 0, as_it_is, Reuse::Revalidate, Reason::RequestNoCache},
    {"5.2.1.4: no-cache without validator", "no-cache", 0, no_validator, Reuse::Fetch, Reason::RequestNoCache},
    {"5.2.1.5: no-store", "no-store", 0, as_it_is, Reuse::Fetch, Reason::RequestNoStore},
    {"5.2.1.7: only-if-cached and fresh", "only-if-cached", 0, as_it_is, Reuse::Use, Reason::Fresh},
    {"5.2.1.7: only-if-cached and stale", "only-if-cached", 100, as_it_is, Reuse::Refuse, Reason::OnlyIfCached},
    {"5.2.1.7: only-if-cached with max-stale", "only-if-cached, max-stale", 100, as_it_is, Reuse::Use,
     Reason::StaleAllowed},
    {"5.2.1.7: only-if-cached with no-store", "only-if-cached, no-store", 0, as_it_is, Reuse::Refuse,
     Reason::OnlyIfCached},
    {"5.2.2.4: response no-cache", "", 0, says_no_cache, Reuse::Revalidate, Reason::ResponseNoCache},
    {"5.2.2.4: response no-cache against max-stale", "max-stale", 0, says_no_cache, Reuse::Revalidate,
     Reason::ResponseNoCache},
    {"RFC 8246 2: a reload of what is immutable", "max-age=0", 99, immutable, Reuse::Use, Reason::Fresh},
    {"RFC 8246 2: but no longer when it is stale", "max-age=0", 100, immutable, Reuse::Revalidate,
     Reason::RequestMaxAge},
    {"RFC 8246 2: nor against no-cache", "max-age=0, no-cache", 1, immutable, Reuse::Revalidate,
     Reason::RequestNoCache},
    {"RFC 8246 2: nor a limit that is no reload", "max-age=5", 6, immutable, Reuse::Revalidate, Reason::RequestMaxAge},
    {"RFC 8246 2: nor against min-fresh", "max-age=0, min-fresh=10", 95, immutable, Reuse::Revalidate,
     Reason::RequestMinFresh},
    {"RFC 8246 2: nor against the response's no-cache", "max-age=0", 1, immutable_no_cache, Reuse::Revalidate,
     Reason::ResponseNoCache},
    {"RFC 8246 2: nor against no-store", "max-age=0, no-store", 1, immutable, Reuse::Fetch, Reason::RequestNoStore},
    {"RFC 5861 3: at the start of the window", "", 100, swr_10, Reuse::UseAndRevalidate, Reason::StaleWhileRevalidate},
    {"RFC 5861 3: at its end", "", 109, swr_10, Reuse::UseAndRevalidate, Reason::StaleWhileRevalidate},
    {"RFC 5861 3: behind it", "", 110, swr_10, Reuse::Revalidate, Reason::Stale},
    {"RFC 5861 3: not needed while fresh", "", 99, swr_10, Reuse::Use, Reason::Fresh},
    {"RFC 5861 3: forbidden", "", 100, swr_10_forbidden, Reuse::Revalidate, Reason::Stale},
    {"RFC 5861 3: not against no-cache", "no-cache", 100, swr_10, Reuse::Revalidate, Reason::RequestNoCache},
    {"RFC 5861 3: nor against max-age", "max-age=50", 100, swr_10, Reuse::Revalidate, Reason::RequestMaxAge},
    {"RFC 5861 3: nor against min-fresh", "min-fresh=0", 100, swr_10, Reuse::UseAndRevalidate,
     Reason::StaleWhileRevalidate},
    {"RFC 5861 3: nor against min-fresh", "min-fresh=1", 100, swr_10, Reuse::Revalidate, Reason::RequestMinFresh},
    {"RFC 5861 3: is an answer for only-if-cached", "only-if-cached", 105, swr_10, Reuse::UseAndRevalidate,
     Reason::StaleWhileRevalidate},
};

}  // namespace

TEST_CASE("reuse follows the rules one by one", "[cache][rfc9111-4]") {
  for (const ReuseRow& row : kReuseRows) {
    INFO(row.rule << " / " << row.request << " at " << row.now);
    StoredMeta meta = stored_meta();
    row.change(meta);
    const ReuseDecision decision = decide_reuse(directives(row.request), &meta, {}, at(row.now).steady);
    CHECK(decision.reuse == row.reuse);
    CHECK(word(decision.why) == word(row.why));
    CHECK(decision.age == current_age(meta, at(row.now).steady));
    CHECK(decision.ttl == meta.lifetime - decision.age);
  }
}

TEST_CASE("nothing stored is fetched, or refused for only-if-cached", "[cache][rfc9111-5.2.1.7]") {
  const ReuseDecision fetch = decide_reuse({}, nullptr, {}, at(0).steady);
  CHECK(fetch.reuse == Reuse::Fetch);
  CHECK(fetch.why == Reason::NothingStored);
  const ReuseDecision refuse = decide_reuse(directives("only-if-cached"), nullptr, {}, at(0).steady);
  CHECK(refuse.reuse == Reuse::Refuse);
  CHECK(refuse.why == Reason::OnlyIfCached);
}

TEST_CASE("the age counts whole seconds, is never negative, and saturates", "[cache][rfc9111-4.2.3]") {
  StoredMeta meta = stored_meta();
  CHECK(current_age(meta, at(0).steady) == Seconds{0});
  CHECK(current_age(meta, at(0).steady + Milliseconds(999)) == Seconds{0});
  CHECK(current_age(meta, at(1).steady) == Seconds{1});
  CHECK(current_age(meta, at(-5).steady) == Seconds{0});
  meta.initial_age = kForever;
  CHECK(current_age(meta, at(1'000'000).steady) == kForever);
}

TEST_CASE("a decision never becomes more lenient as time passes", "[cache][property]") {
  for (const ReuseRow& row : kReuseRows) {
    StoredMeta meta = stored_meta();
    row.change(meta);
    bool used = true;
    for (std::int64_t now = 0; now < 250; ++now) {
      const Reuse reuse = decide_reuse(directives(row.request), &meta, {}, at(now).steady).reuse;
      const bool uses = reuse == Reuse::Use || reuse == Reuse::UseAndRevalidate;
      INFO(row.rule << " at " << now);
      CHECK((used || !uses));
      used = uses;
    }
  }
}

namespace {

struct StaleRow {
  const char* rule;
  const char* request;
  std::int64_t now;
  void (*change)(StoredMeta&);
  bool when_disconnected, when_error;
};

void sie_10(StoredMeta& m) { m.has_stale_if_error = true, m.stale_if_error = Seconds{10}; }
void sie_0(StoredMeta& m) { m.has_stale_if_error = true, m.stale_if_error = Seconds{0}; }
void sie_10_forbidden(StoredMeta& m) { sie_10(m), forbids_stale(m); }
void no_lifetime(StoredMeta& m) { m.lifetime = Seconds{0}; }
void no_lifetime_sie(StoredMeta& m) { m.lifetime = Seconds{0}, sie_10(m); }

const std::vector<StaleRow> kStaleRows = {
    {"4.2.4: disconnected", "", 5000, as_it_is, true, false},
    {"4.2.4: must-revalidate, s-maxage ...", "", 101, forbids_stale, false, false},
    {"5.2.2.2: but while it is fresh", "", 99, forbids_stale, true, true},
    {"5.2.2.4: no-cache", "", 0, says_no_cache, false, false},
    {"no lifetime, no permission", "", 1, no_lifetime, false, false},
    {"RFC 5861 4: allowed without a lifetime", "", 9, no_lifetime_sie, true, true},
    {"RFC 5861 4: within the window", "", 109, sie_10, true, true},
    {"RFC 5861 4: beyond it", "", 110, sie_10, false, false},
    {"RFC 5861 4: =0 forbids", "", 100, sie_0, false, false},
    {"RFC 5861 4: against must-revalidate", "", 105, sie_10_forbidden, false, false},
    {"RFC 5861 4: from the request", "stale-if-error=20", 119, as_it_is, true, true},
    {"RFC 5861 4: from the request, beyond", "stale-if-error=20", 120, as_it_is, false, false},
    {"RFC 5861 4: the larger one", "stale-if-error=20", 119, sie_10, true, true},
    {"RFC 5861 4: the larger one", "stale-if-error=5", 109, sie_10, true, true},
    {"5.2.1.4: request no-cache", "no-cache", 101, sie_10, false, false},
    {"5.2.1.5: request no-store", "no-store", 101, sie_10, false, false},
    {"5.2.1.1: request max-age", "max-age=50", 101, sie_10, false, false},
    {"5.2.1.1: request max-age with a permission", "max-age=50, stale-if-error=20", 101, as_it_is, true, true},
    {"5.2.1.3: request min-fresh", "min-fresh=1", 101, sie_10, false, false},
    {"fresh, validation was the client's wish, and failed", "", 50, as_it_is, true, true},
};

}  // namespace

TEST_CASE("a stale response serves in trouble where it may", "[cache][rfc9111-4.2.4][rfc5861]") {
  for (const StaleRow& row : kStaleRows) {
    INFO(row.rule << " / " << row.request << " at " << row.now);
    StoredMeta meta = stored_meta();
    row.change(meta);
    const auto may = [&](OriginTrouble trouble, const CachePolicy& policy) {
      return may_serve_stale_on_error(directives(row.request), meta, trouble, policy, at(row.now).steady);
    };
    CHECK(may(OriginTrouble::Disconnected, {}) == row.when_disconnected);
    CHECK(may(OriginTrouble::ServerError, {}) == row.when_error);
  }
}

TEST_CASE("a default for stale-if-error counts where neither side says it", "[cache][rfc5861]") {
  CachePolicy policy;
  policy.default_stale_if_error = Seconds{30};
  StoredMeta meta = stored_meta();
  const auto may = [&](std::int64_t now, OriginTrouble trouble = OriginTrouble::ServerError, const char* request = "") {
    return may_serve_stale_on_error(directives(request), meta, trouble, policy, at(now).steady);
  };
  CHECK(may(129));
  CHECK_FALSE(may(130));
  CHECK(may(130, OriginTrouble::Disconnected));
  CHECK_FALSE(may(101, OriginTrouble::ServerError, "max-age=50"));
  CHECK_FALSE(may(105, OriginTrouble::ServerError, "stale-if-error=5"));
  sie_10(meta);
  CHECK_FALSE(may(110));
  no_lifetime(meta);
  meta.has_stale_if_error = false;
  CHECK(may(29, OriginTrouble::Disconnected));
  CHECK_FALSE(may(30, OriginTrouble::Disconnected));
  meta = stored_meta();
  forbids_stale(meta);  // must-revalidate, proxy-revalidate, s-maxage
  CHECK_FALSE(may(101));
  meta = stored_meta();
  says_no_cache(meta);
  CHECK_FALSE(may(101));
}

TEST_CASE("a larger setting never allows less, whatever either side says", "[cache][rfc9111-4.2.4][rfc5861][property]") {
  for (const StaleRow& row : kStaleRows) {
    StoredMeta meta = stored_meta();
    row.change(meta);
    for (const OriginTrouble trouble : {OriginTrouble::Disconnected, OriginTrouble::ServerError}) {
      bool allowed = false;
      for (const int seconds : {0, 1, 10, 30, 10'000}) {
        CachePolicy policy;
        policy.default_stale_if_error = Seconds{seconds};
        const bool may = may_serve_stale_on_error(directives(row.request), meta, trouble, policy, at(row.now).steady);
        INFO(row.rule << " / " << row.request << " at " << row.now << ", setting " << seconds);
        CHECK((may || !allowed));
        allowed = may;
      }
    }
  }
}

TEST_CASE("what the answer or the request says goes before the setting", "[cache][rfc5861]") {
  CachePolicy policy;
  policy.default_stale_if_error = Seconds{1000};
  for (const OriginTrouble trouble : {OriginTrouble::Disconnected, OriginTrouble::ServerError}) {
    StoredMeta meta = stored_meta();
    const auto may = [&](std::int64_t now, const char* request = "") {
      return may_serve_stale_on_error(directives(request), meta, trouble, policy, at(now).steady);
    };
    CHECK(may(150));
    CHECK(may(104, "stale-if-error=5"));
    CHECK_FALSE(may(105, "stale-if-error=5"));
    sie_10(meta);
    CHECK(may(109));
    CHECK_FALSE(may(110));
    sie_0(meta);
    CHECK_FALSE(may(100));
  }
}

TEST_CASE("unsafe methods invalidate on success, and no others", "[cache][rfc9111-4.4]") {
  for (const Method method : {Method::Post, Method::Put, Method::Delete, Method::Patch, Method::Other}) {
    for (const int status : {200, 201, 204, 299, 301, 303, 304, 399}) CHECK(invalidates(method, status));
    for (const int status : {100, 103, 400, 404, 500, 503, 599, 999}) CHECK_FALSE(invalidates(method, status));
  }
  for (const Method method :
       {Method::Get, Method::Head, Method::Options, Method::Trace, Method::Query, Method::Connect})
    CHECK_FALSE(invalidates(method, 200));
}

TEST_CASE("What a stored response remembers of times is exact within its bounds", "[cache]") {
  static_assert(sizeof(ShortSeconds) == 4);
  for (const Seconds time : {Seconds{0}, Seconds{1}, kForever - Seconds{1}, kForever}) {
    const ShortSeconds kept = time;
    CHECK(Seconds(kept) == time);
    CHECK(Seconds{0} - kept == -time);
    CHECK(kept - ShortSeconds(kForever) == time - kForever);  // and not around the corner
    CHECK(kept + kForever == time + kForever);
    CHECK((kept < kForever) == (time < kForever));
  }
  CHECK(Seconds(ShortSeconds(kForever + Seconds{1})) == kForever);
  CHECK(Seconds(ShortSeconds(Seconds{-1})) == Seconds{0});
}
