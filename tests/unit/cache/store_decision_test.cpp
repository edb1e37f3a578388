#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "freshet/cache/policy.hpp"
#include "parts.hpp"

using namespace freshet;
using test::fields_of;
using test::get;
using test::times_at;

namespace {

struct StoreRow {
  const char* rule;
  int status;
  const char* request;
  const char* response;
  Reason why;  // Stored: it is
};

// The clock stands at 2026-01-01T00:00:00Z.
const std::vector<StoreRow> kStoreRows = {
    // Section 3, in its order.
    {"3: explicit max-age", 200, "", "Cache-Control: max-age=10", Reason::Stored},
    {"3: explicit s-maxage", 200, "", "Cache-Control: s-maxage=10", Reason::Stored},
    {"3: Expires", 200, "", "Expires: Thu, 01 Jan 2026 01:00:00 GMT", Reason::Stored},
    {"3: nothing at all", 200, "", "", Reason::NoFreshness},
    {"3: nothing but Date", 200, "", "Date: Thu, 01 Jan 2026 00:00:00 GMT", Reason::NoFreshness},
    {"3: a validator is enough: it can be revalidated", 200, "", "ETag: \"x\"", Reason::Stored},
    {"3: Last-Modified too", 200, "", "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT", Reason::Stored},
    {"3: an unreadable Last-Modified is none", 200, "", "Last-Modified: yesterday", Reason::NoFreshness},
    {"3: max-age=0 without validator", 200, "", "Cache-Control: max-age=0", Reason::AlreadyStale},
    {"3: max-age=0 with validator", 200, "", "Cache-Control: max-age=0|ETag: \"x\"", Reason::Stored},
    {"3: stale on arrival", 200, "", "Cache-Control: max-age=10|Age: 10", Reason::AlreadyStale},
    {"3: stale on arrival, but usable", 200, "", "Cache-Control: max-age=10, stale-if-error=5|Age: 10", Reason::Stored},
    {"3: ... unless forbidden", 200, "", "Cache-Control: max-age=10, stale-if-error=5, must-revalidate|Age: 10",
     Reason::AlreadyStale},
    {"3: max-age=0 with stale-while-revalidate", 200, "", "Cache-Control: max-age=0, stale-while-revalidate=5",
     Reason::Stored},
    {"5.3: Expires in the past", 200, "", "Expires: Wed, 31 Dec 2025 00:00:00 GMT", Reason::AlreadyStale},
    {"5.3: Expires: 0", 200, "", "Expires: 0", Reason::AlreadyStale},
    {"5.3: two Expires lines", 200, "", "Expires: Thu, 01 Jan 2026 01:00:00 GMT|Expires: Thu, 01 Jan 2026 01:00:00 GMT",
     Reason::AlreadyStale},
    // Statuses.
    {"3: any final status with explicit freshness", 299, "", "Cache-Control: max-age=10", Reason::Stored},
    {"3: any final status", 302, "", "Cache-Control: max-age=10", Reason::Stored},
    {"3: any final status", 400, "", "Cache-Control: max-age=10", Reason::Stored},
    {"3: any final status", 499, "", "Cache-Control: max-age=10", Reason::Stored},
    {"3: any final status", 503, "", "Cache-Control: max-age=10", Reason::Stored},
    {"3: any final status", 599, "", "Cache-Control: max-age=10", Reason::Stored},
    {"3: any final status", 999, "", "Cache-Control: max-age=10", Reason::Stored},
    {"3: not an interim one", 103, "", "Cache-Control: max-age=10", Reason::StatusNotCacheable},
    {"3: not an interim one", 199, "", "Cache-Control: max-age=10", Reason::StatusNotCacheable},
    {"3.3: not a part of which nothing is known", 206, "Range: bytes=0-4", "Cache-Control: max-age=10", Reason::PartialResponse},
    {"3.3: not a part that nobody asked for", 206, "", "Cache-Control: max-age=10|Content-Range: bytes 0-4/9",
     Reason::PartialResponse},
    {"3.3: a part", 206, "Range: bytes=0-4", "Cache-Control: max-age=10|Content-Range: bytes 0-4/9", Reason::Stored},
    {"3.3: more than it says", 206, "Range: bytes=0-3", "Cache-Control: max-age=10|Content-Range: bytes 0-3/9",
     Reason::PartialResponse},
    {"14.2: two questions, one answer", 206, "Range: bytes=0-4|Range: bytes=5-9",
     "Cache-Control: max-age=10|Content-Range: bytes 0-4/9", Reason::PartialResponse},
    {"3.3: a part of a whole of unknown size", 206, "Range: bytes=0-4",
     "Cache-Control: max-age=10|Content-Range: bytes 0-4/*", Reason::Stored},
    {"3: a part under the same rules as the whole", 206, "Range: bytes=0-4",
     "Cache-Control: no-store|Content-Range: bytes 0-4/9", Reason::NoStore},
    {"4.2.2: heuristics count for parts (RFC 9110 15.1)", 206, "Range: bytes=0-4",
     "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT|Content-Range: bytes 0-4/9", Reason::Stored},
    {"4.3.4: a 304 is not stored itself", 304, "", "Cache-Control: max-age=10|ETag: \"x\"", Reason::RequestAtFault},
    {"3: a validator alone does not do for other statuses", 299, "", "ETag: \"x\"", Reason::StatusNotCacheable},
    {"3: a validator alone does not do for other statuses", 302, "", "ETag: \"x\"", Reason::StatusNotCacheable},
    {"3: public makes up for it", 599, "", "Cache-Control: public|ETag: \"x\"", Reason::Stored},
    {"an error about this request's own range", 416, "Range: bytes=9-", "Cache-Control: max-age=10",
     Reason::RequestAtFault},
    {"an error about this request's own precondition", 412, "If-Match: \"x\"", "Cache-Control: max-age=10",
     Reason::RequestAtFault},
    {"an error about this request's own expectation", 417, "", "Cache-Control: max-age=10", Reason::RequestAtFault},
    {"RFC 6585 3: not to be stored", 428, "", "Cache-Control: max-age=10", Reason::RequestAtFault},
    {"RFC 6585 4: not to be stored", 429, "", "Cache-Control: max-age=10", Reason::RequestAtFault},
    {"RFC 6585 5: not to be stored", 431, "", "Cache-Control: max-age=10", Reason::RequestAtFault},
    {"RFC 6585 6: not to be stored", 511, "", "Cache-Control: max-age=10", Reason::RequestAtFault},
    {"P7: about what the request accepts", 406, "", "Cache-Control: max-age=10", Reason::RequestAtFault},
    {"P7: about its content", 413, "", "Cache-Control: max-age=10", Reason::RequestAtFault},
    {"P7: about its content", 415, "", "Cache-Control: max-age=10", Reason::RequestAtFault},
    {"P7: about its upgrade", 426, "", "Cache-Control: max-age=10", Reason::RequestAtFault},
    {"P7: an error to a request with a range", 400, "Range: cow=1-2", "Cache-Control: max-age=10", Reason::RequestAtFault},
    {"P7: an error to a request with odd bytes", 400, "X: <b>", "Cache-Control: max-age=10", Reason::RequestAtFault},
    {"P7: an error to a request with odd bytes", 501, "X: \xE4", "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT", Reason::RequestAtFault},
    {"P7: ... is no reason against other answers", 200, "X: <b>", "Cache-Control: max-age=10", Reason::Stored},
    {"P7: ... nor against what is not there", 404, "X: <b>", "Cache-Control: max-age=10", Reason::Stored},
    {"an error about this request's credentials", 407, "", "Cache-Control: max-age=10", Reason::RequestAtFault},
    {"a whole answer to a range request", 200, "Range: bytes=0-1", "Cache-Control: max-age=10", Reason::Stored},
    // Directives.
    {"5.2.2.5: no-store", 200, "", "Cache-Control: max-age=10, no-store", Reason::NoStore},
    {"5.2.2.5: no-store on another line", 200, "", "Cache-Control: max-age=10|Cache-Control: No-Store",
     Reason::NoStore},
    {"5.2.1.5: request no-store", 200, "Cache-Control: no-store", "Cache-Control: max-age=10", Reason::RequestNoStore},
    {"5.2.2.7: private", 200, "", "Cache-Control: max-age=10, private", Reason::PrivateResponse},
    {"5.2.2.7: private=\"f\" is about that field only", 200, "", "Cache-Control: max-age=10, private=\"f\"",
     Reason::Stored},
    {"5.2.2.4: no-cache with a validator", 200, "", "Cache-Control: no-cache|ETag: \"x\"", Reason::Stored},
    {"5.2.2.4: no-cache without one is of no use", 200, "", "Cache-Control: no-cache, max-age=10",
     Reason::ResponseNoCache},
    {"5.2.2.4: no-cache=\"f\" is about that field only", 200, "", "Cache-Control: max-age=10, no-cache=\"f\"",
     Reason::Stored},
    {"5.2.2.3: must-understand lifts no-store for what we understand", 200, "",
     "Cache-Control: max-age=10, no-store, must-understand", Reason::Stored},
    {"5.2.2.3: ... for 404 too", 404, "", "Cache-Control: max-age=10, no-store, must-understand", Reason::Stored},
    {"5.2.2.3: but not for what we do not", 599, "", "Cache-Control: max-age=10, no-store, must-understand",
     Reason::StatusNotCacheable},
    {"5.2.2.3: nor without no-store", 299, "", "Cache-Control: max-age=10, must-understand",
     Reason::StatusNotCacheable},
    {"5.2.2.1: a malformed max-age is stale", 200, "", "Cache-Control: max-age='10'", Reason::AlreadyStale},
    {"5.2.2.1: a negative max-age is stale", 200, "", "Cache-Control: max-age=-1", Reason::AlreadyStale},
    {"5.2.2.1: max-age beats an invalid Expires", 200, "", "Cache-Control: max-age=10|Expires: x", Reason::Stored},
    {"5.2.2.10: s-maxage beats max-age=0", 200, "", "Cache-Control: max-age=0, s-maxage=10", Reason::Stored},
    {"5.2.2.10: s-maxage=0 beats max-age", 200, "", "Cache-Control: max-age=10, s-maxage=0", Reason::AlreadyStale},
    {"5.4: Pragma in a response means nothing", 200, "", "Pragma: no-cache|Cache-Control: max-age=10", Reason::Stored},
    // 4.1
    {"4.1: Vary: *", 200, "", "Cache-Control: max-age=10|Vary: *", Reason::VaryStar},
    {"4.1: Vary: a, *", 200, "", "Cache-Control: max-age=10|Vary: |Vary: a, *", Reason::VaryStar},
    {"4.1: Vary with names", 200, "", "Cache-Control: max-age=10|Vary: a, star*", Reason::Stored},
    // 3.5
    {"3.5: Authorization", 200, "Authorization: x", "Cache-Control: max-age=10", Reason::AuthorizedRequest},
    {"3.5: with public", 200, "Authorization: x", "Cache-Control: max-age=10, public", Reason::Stored},
    {"3.5: with must-revalidate", 200, "Authorization: x", "Cache-Control: max-age=10, must-revalidate",
     Reason::Stored},
    {"3.5: with s-maxage", 200, "Authorization: x", "Cache-Control: s-maxage=10", Reason::Stored},
    {"3.5: proxy-revalidate does not allow it", 200, "Authorization: x", "Cache-Control: max-age=10, proxy-revalidate",
     Reason::AuthorizedRequest},
    {"a Cookie in the request changes nothing", 200, "Cookie: a", "Cache-Control: max-age=10", Reason::Stored},
    {"P8: no guesses about what a cookie has asked for", 200, "Cookie: a", "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT",
     Reason::CookieRequest},
    {"P8: nor is a validator enough", 200, "Cookie: a", "ETag: \"x\"", Reason::CookieRequest},
    {"P8: public says that anybody may see it", 200, "Cookie: a", "Cache-Control: public|ETag: \"x\"", Reason::Stored},
    // Set-Cookie
    {"Set-Cookie", 200, "", "Cache-Control: max-age=10|Set-Cookie: a=1", Reason::SetCookie},
    {"Set-Cookie with public", 200, "", "Cache-Control: max-age=10, public|Set-Cookie: a=1", Reason::Stored},
    {"Set-Cookie with s-maxage", 200, "", "Cache-Control: s-maxage=10|Set-Cookie: a=1", Reason::Stored},
    {"Set-Cookie that is not stored", 200, "", "Cache-Control: max-age=10, private=\"Set-Cookie\"|Set-Cookie: a=1",
     Reason::Stored},
    {"Set-Cookie that is not stored", 200, "", "Cache-Control: max-age=10, no-cache=\"x, set-cookie\"|Set-Cookie: a=1",
     Reason::Stored},
    // RFC 9213
    {"RFC 9213: CDN-Cache-Control replaces no-store", 200, "", "CDN-Cache-Control: max-age=10|Cache-Control: no-store",
     Reason::Stored},
    {"RFC 9213: CDN-Cache-Control replaces max-age", 200, "", "CDN-Cache-Control: max-age=0|Cache-Control: max-age=10",
     Reason::AlreadyStale},
    {"RFC 9213: ... and Expires", 200, "", "CDN-Cache-Control: foo|Expires: Thu, 01 Jan 2026 01:00:00 GMT",
     Reason::NoFreshness},
    {"RFC 9213: private there", 200, "", "CDN-Cache-Control: private|Cache-Control: max-age=10",
     Reason::PrivateResponse},
    {"RFC 9213: an invalid one is ignored", 200, "", "CDN-Cache-Control: max-age=10, &&|Cache-Control: no-store",
     Reason::NoStore},
};

StoreDecision decide(const StoreRow& row, const CachePolicy& policy = {}) {
  const Fields response = fields_of(row.response);
  return decide_store(get(row.request), {row.status, response}, row.status == 206 ? std::optional<std::uint64_t>(5) : std::nullopt, policy, times_at(0, 0));
}

Seconds lifetime_of(int status, std::string_view response_lines, const CachePolicy& policy = {}) {
  const Fields response = fields_of(response_lines);
  return decide_store(get(), {status, response}, {}, policy, times_at(0, 0)).meta.lifetime;
}

Seconds initial_age_of(std::string_view response_lines, std::int64_t requested = 0, std::int64_t received = 0) {
  const Fields response = fields_of(response_lines);
  return decide_store(get(), {200, response}, {}, {}, times_at(requested, received)).meta.initial_age;
}

}  // namespace

TEST_CASE("storing follows the rules one by one", "[cache][rfc9111-3]") {
  for (const StoreRow& row : kStoreRows) {
    INFO(row.rule << " / " << row.status << " / " << row.request << " / " << row.response);
    const StoreDecision decision = decide(row);
    CHECK(word(decision.why) == word(row.why));
    CHECK(decision.store == (row.why == Reason::Stored));
    CHECK(decision.shareable == decision.store);
  }
}

TEST_CASE("no-store on either side, private and Vary: * win over everything", "[cache][rfc9111-3][property]") {
  for (const StoreRow& row : kStoreRows) {
    if (std::string_view(row.response).find("CDN-") != std::string_view::npos) continue;
    for (const char* more : {"Cache-Control: no-store", "Cache-Control: private", "Vary: *"}) {
      if (std::string_view(row.response).find("must-understand") != std::string_view::npos &&
          std::string_view(more).ends_with("no-store"))
        continue;
      const std::string response = std::string(row.response) + (*row.response != 0 ? "|" : "") + more;
      const StoreRow stricter{row.rule, row.status, row.request, response.c_str(), Reason::None};
      INFO(response);
      CHECK_FALSE(decide(stricter).store);
    }
    const std::string request = std::string(row.request) + (*row.request != 0 ? "|" : "") + "Cache-Control: no-store";
    CHECK_FALSE(decide({row.rule, row.status, request.c_str(), row.response, Reason::None}).store);
  }
}

TEST_CASE("methods other than GET and QUERY are not stored", "[cache][rfc9111-3][rfc10008-2.7]") {
  const Fields response = fields_of("Cache-Control: max-age=10");
  for (const Method method :
       {Method::Head, Method::Post, Method::Put, Method::Delete, Method::Options, Method::Other}) {
    RequestHead request = get();
    request.method = method;
    const StoreDecision decision = decide_store(request, {200, response}, {}, {}, times_at(0, 0));
    CHECK_FALSE(decision.store);
    CHECK(decision.why == Reason::MethodNotCacheable);
  }
  RequestHead request = get();
  request.method = Method::Query;
  CHECK(decide_store(request, {200, response}, {}, {}, times_at(0, 0)).store);
}

TEST_CASE("a POST that names its own target and gives a lifetime is stored", "[cache][rfc9110-9.3.3]") {
  const auto stored = [](std::string_view lines) {
    RequestHead request = get();  // http://a.test/x?y
    request.method = Method::Post;
    const Fields response = fields_of(lines);
    return decide_store(request, {200, response}, {}, {}, times_at(0, 0)).store;
  };
  CHECK(stored("Cache-Control: max-age=10|Content-Location: /x?y"));
  CHECK(stored("Cache-Control: max-age=10|Content-Location: HTTP://A.test/x?y"));
  CHECK_FALSE(stored("Cache-Control: max-age=10|Content-Location: /x"));
  CHECK_FALSE(stored("Cache-Control: max-age=10|Content-Location: /X?y"));
  CHECK_FALSE(stored("Cache-Control: max-age=10|Content-Location: //x?y"));
  CHECK_FALSE(stored("Cache-Control: max-age=10|Content-Location: http:///x?y"));
  CHECK_FALSE(stored("Cache-Control: max-age=10|Content-Location: https://a.test/x?y"));
  CHECK_FALSE(stored("Cache-Control: max-age=10|Content-Location: http://b.test/x?y"));
  CHECK_FALSE(stored("Cache-Control: max-age=10|Content-Location: http"));
  CHECK_FALSE(stored("Cache-Control: max-age=10|Content-Location: /x?y|Content-Location: /x?y"));
  CHECK_FALSE(stored("Cache-Control: max-age=10"));
  CHECK_FALSE(stored("ETag: \"x\"|Content-Location: /x?y"));
}

TEST_CASE("the policy lets Set-Cookie in", "[cache][set-cookie]") {
  CachePolicy policy;
  policy.store_set_cookie = true;
  CHECK(decide({"", 200, "", "Cache-Control: max-age=10|Set-Cookie: a=1", Reason::Stored}, policy).store);
}

TEST_CASE("immutable is remembered", "[cache][rfc8246-2]") {
  const auto immutable = [](const char* lines) {
    const Fields response = fields_of(lines);
    return decide_store(get(), {200, response}, {}, {}, times_at(0, 0)).meta.immutable;
  };
  CHECK(immutable("Cache-Control: max-age=10, immutable"));
  CHECK_FALSE(immutable("Cache-Control: max-age=10"));
  CHECK_FALSE(immutable("Cache-Control: max-age=10, immutable=1"));
}

TEST_CASE("the policy names the targeted fields", "[cache][rfc9213-2.2]") {
  CachePolicy policy;
  policy.targets = {"Mine-Cache-Control", "CDN-Cache-Control"};
  const std::string lines = "Cache-Control: no-store|CDN-Cache-Control: max-age=5|Mine-Cache-Control: max-age=7";
  CHECK(lifetime_of(200, lines, policy) == Seconds{7});
  CHECK(lifetime_of(200, lines) == Seconds{5});
  policy.targets.clear();
  CHECK(decide({"", 200, "", lines.c_str(), Reason::None}, policy).why == Reason::NoStore);
}

TEST_CASE("what may stand in for the origin by default is worth storing", "[cache][rfc5861-4]") {
  CachePolicy policy;
  policy.default_stale_if_error = Seconds{30};
  const auto why = [&](const char* lines) { return decide({"", 200, "", lines, Reason::None}, policy).why; };
  CHECK(why("Cache-Control: max-age=0") == Reason::Stored);
  CHECK(why("Cache-Control: max-age=0, stale-if-error=0") == Reason::AlreadyStale);
  CHECK(why("Cache-Control: max-age=0, must-revalidate") == Reason::AlreadyStale);
  CHECK(why("Cache-Control: max-age=10|Age: 40") == Reason::AlreadyStale);
  CHECK(why("X: 1") == Reason::NoFreshness);
}

TEST_CASE("what is larger than the limit is shared but not stored", "[cache][size]") {
  CachePolicy policy;
  policy.max_object_size = 100;
  const Fields response = fields_of("Cache-Control: max-age=10");
  const auto with_length = [&](std::optional<std::uint64_t> length) {
    return decide_store(get(), {200, response}, length, policy, times_at(0, 0));
  };
  CHECK(with_length({}).store);
  CHECK(with_length(0).store);
  CHECK(with_length(100).store);
  CHECK_FALSE(with_length(101).store);
  CHECK(with_length(101).shareable);
  CHECK(with_length(101).why == Reason::TooLarge);
}

TEST_CASE("only what could be stored otherwise is called too large", "[cache][size][rfc9111-3][property]") {
  CachePolicy policy;
  policy.max_object_size = 1000;
  for (const StoreRow& row : kStoreRows) {
    if (row.status == 206) continue;  // its Content-Range speaks against so many bytes
    INFO(row.rule << ": " << row.status << " " << row.response);
    const Fields response = fields_of(row.response);
    const auto decision = decide_store(get(row.request), {row.status, response}, 1001, policy, times_at(0, 0));
    CHECK(decision.why == (row.why == Reason::Stored ? Reason::TooLarge : row.why));
    CHECK(decision.shareable == (row.why == Reason::Stored));  // those who wait for a private one never see it
    CHECK_FALSE(decision.store);
  }
}

TEST_CASE("the lifetime comes from s-maxage, max-age, Expires or heuristics, in that order", "[cache][rfc9111-4.2.1]") {
  const std::string expires = "|Expires: Thu, 01 Jan 2026 01:00:00 GMT|Date: Thu, 01 Jan 2026 00:00:00 GMT";
  const std::string modified = "|Last-Modified: Wed, 31 Dec 2025 23:50:00 GMT";
  CHECK(lifetime_of(200, "Cache-Control: max-age=5, s-maxage=7" + expires + modified) == Seconds{7});
  CHECK(lifetime_of(200, "Cache-Control: max-age=5" + expires + modified) == Seconds{5});
  CHECK(lifetime_of(200, "X: 1" + expires + modified) == Seconds{3600});
  CHECK(lifetime_of(200, "X: 1" + modified) == Seconds{60});
  CHECK(lifetime_of(200, "X: 1") == Seconds{0});
  CHECK(lifetime_of(200, "Cache-Control: max-age=5, max-age=9") == Seconds{5});
  CHECK(lifetime_of(200, "Cache-Control: max-age=\"5\"") == Seconds{5});
  CHECK(lifetime_of(200, "Cache-Control: max-age=007") == Seconds{7});
  CHECK(lifetime_of(200, "Cache-Control: max-age=99999999999999999999999") == kForever);
  CHECK(lifetime_of(200, "Cache-Control: s-maxage=2147483648") == kForever);
  CHECK(lifetime_of(200, "Expires: Fri, 31 Dec 9999 00:00:00 GMT") == kForever);
}

TEST_CASE("Expires counts from Date, or from receipt where Date is invalid", "[cache][rfc9111-4.2.1]") {
  CHECK(lifetime_of(200, "Expires: Thu, 01 Jan 2026 00:01:00 GMT|Date: Wed, 31 Dec 2025 23:59:00 GMT") == Seconds{120});
  CHECK(lifetime_of(200, "Expires: Thu, 01 Jan 2026 00:01:00 GMT|Date: today") == Seconds{60});
  CHECK(lifetime_of(200, "Expires: Thu, 01 Jan 2026 00:01:00 GMT") == Seconds{60});
  CHECK(lifetime_of(200, "Expires: Thursday, 01-Jan-26 00:01:00 GMT") == Seconds{60});
  CHECK(lifetime_of(200, "Expires: thu jan  1 00:01:00 2026") == Seconds{60});
  CHECK(lifetime_of(200, "Expires: Thu, 01 Jan 2026 0:01:00 GMT") == Seconds{0});
}

TEST_CASE("heuristics give a tenth of the time since the last change, up to a limit", "[cache][rfc9111-4.2.2]") {
  const std::string date = "Date: Thu, 01 Jan 2026 00:00:00 GMT|";
  const std::string hour_ago = date + "Last-Modified: Wed, 31 Dec 2025 23:00:00 GMT";
  for (const int status : {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501}) {
    CHECK(lifetime_of(status, hour_ago) == Seconds{360});
    const Fields response = fields_of(hour_ago);
    CHECK(decide_store(get(), {status, response}, {}, {}, times_at(0, 0)).meta.heuristic);
  }
  for (const int status : {201, 202, 299, 302, 303, 307, 400, 401, 403, 500, 502, 503, 504, 599}) {
    CHECK(lifetime_of(status, hour_ago) == Seconds{0});
    CHECK(lifetime_of(status, hour_ago + "|Cache-Control: public") == Seconds{360});
    const Fields response = fields_of(hour_ago);
    CHECK_FALSE(decide_store(get(), {status, response}, {}, {}, times_at(0, 0)).store);
  }
  CHECK(lifetime_of(200, date + "Last-Modified: Thu, 01 Jan 2026 05:00:00 GMT") == Seconds{0});
  CHECK(lifetime_of(200, date + "Last-Modified: Sun, 01 Jan 1995 00:00:00 GMT") == Seconds{24 * 3600});
  CachePolicy policy;
  policy.heuristic_fraction = 0;
  CHECK(lifetime_of(200, hour_ago, policy) == Seconds{0});
  policy.heuristic_fraction = 0.5;
  policy.heuristic_max = Seconds{1000};
  CHECK(lifetime_of(200, hour_ago, policy) == Seconds{1000});
  CHECK(lifetime_of(200, hour_ago + "|Cache-Control: max-age=x") == Seconds{0});
}

TEST_CASE("the initial age is the larger of apparent age and corrected Age", "[cache][rfc9111-4.2.3]") {
  const std::string now = "Cache-Control: max-age=99999|Date: Thu, 01 Jan 2026 00:00:00 GMT|";
  const std::string minute_ago = "Cache-Control: max-age=99999|Date: Wed, 31 Dec 2025 23:59:00 GMT|";
  CHECK(initial_age_of(now) == Seconds{0});
  CHECK(initial_age_of(minute_ago) == Seconds{60});
  CHECK(initial_age_of(minute_ago + "Age: 30") == Seconds{60});
  CHECK(initial_age_of(minute_ago + "Age: 90") == Seconds{90});
  CHECK(initial_age_of(now, -5, 0) == Seconds{5});
  CHECK(initial_age_of(now + "Age: 30", -5, 0) == Seconds{35});
  CHECK(initial_age_of(minute_ago + "Age: 30", -40, 0) == Seconds{70});
  CHECK(initial_age_of("Cache-Control: max-age=9|Date: Thu, 01 Jan 2026 01:00:00 GMT") == Seconds{0});
  CHECK(initial_age_of("Cache-Control: max-age=9|Date: nonsense") == Seconds{0});
  CHECK(initial_age_of("Cache-Control: max-age=9|Date: Thu, 01 Jan 1970 00:00:00 GMT").count() == 1767225600);
  CHECK(initial_age_of(now, 10, 0) == Seconds{0});  // a clock that ran backwards
}

TEST_CASE("Age is the first number of the first line, or nothing", "[cache][rfc9111-5.1]") {
  const auto age = [](std::string_view lines) {
    return initial_age_of("Cache-Control: max-age=9|Date: Thu, 01 Jan 2026 00:00:00 GMT|" + std::string(lines)).count();
  };
  CHECK(age("Age: 7200") == 7200);
  CHECK(age("Age: 007") == 7);
  CHECK(age("Age: abc") == 0);
  CHECK(age("Age: -7200") == 0);
  CHECK(age("Age: +7200") == 0);
  CHECK(age("Age: 7200.0") == 0);
  CHECK(age("Age: 7200;foo=bar") == 0);
  CHECK(age("Age: \"7200\"") == 0);
  CHECK(age("Age: 7200 1") == 0);
  CHECK(age("Age: ") == 0);
  CHECK(age("Age: 0, 7200") == 0);
  CHECK(age("Age: 7200, 0") == 7200);
  CHECK(age("Age: 0|Age: 7200") == 0);
  CHECK(age("Age: 7200|Age: 0") == 7200);
  CHECK(age("Age: a|Age: 7200") == 0);
  CHECK(age("Age: 2147483647") == 2147483647);
  CHECK(age("Age: 2147483649") == kForever.count());
  CHECK(age("Age: 99999999999999999999999999") == kForever.count());
}

TEST_CASE("what is decided later is read now: validators, dates and permissions", "[cache][rfc9111-4]") {
  const Fields response = fields_of(
      "Cache-Control: max-age=10, stale-while-revalidate=20, stale-if-error=30|ETag: W/\"x\"|Last-Modified: Wed, 31 "
      "Dec 2025 23:00:00 "
      "GMT|Date: Thu, 01 Jan 2026 00:00:00 GMT");
  const StoreDecision decision = decide_store(get(), {200, response}, {}, {}, times_at(0, 3));
  const StoredMeta& meta = decision.meta;
  CHECK(meta.status == 200);
  CHECK(meta.response_time == test::at(3).steady);
  CHECK(meta.initial_age == Seconds{3});
  CHECK(meta.has_etag);
  CHECK_FALSE(meta.has_strong_etag);
  CHECK(meta.has_last_modified);
  CHECK(meta.stale_while_revalidate == Seconds{20});
  CHECK(meta.has_stale_if_error);
  CHECK(meta.stale_if_error == Seconds{30});
  CHECK_FALSE(meta.heuristic);
  CHECK_FALSE(meta.no_cache);
  CHECK_FALSE(meta.forbids_stale);
}

TEST_CASE("must-revalidate, proxy-revalidate, s-maxage and no-cache forbid stale use", "[cache][rfc9111-4.2.4]") {
  for (const char* directive : {"must-revalidate", "proxy-revalidate", "s-maxage=5", "no-cache"}) {
    const Fields response =
        fields_of("ETag: \"x\"|Cache-Control: max-age=10, stale-if-error=9, " + std::string(directive));
    const StoredMeta meta = decide_store(get(), {200, response}, {}, {}, times_at(0, 0)).meta;
    INFO(directive);
    CHECK(meta.forbids_stale);
    CHECK(meta.no_cache == (std::string_view(directive) == "no-cache"));
  }
}

TEST_CASE("the field lists of private and no-cache are handed on", "[cache][rfc9111-5.2.2.7]") {
  const Fields response = fields_of("Cache-Control: max-age=10, private=\"a, b\", no-cache=\"c\"");
  const StoreDecision decision = decide_store(get(), {200, response}, {}, {}, times_at(0, 0));
  CHECK(decision.dropped_fields == "a, b");
  CHECK(decision.no_cache_fields == "c");
}

TEST_CASE("a part needs a length, and no more bytes than its Content-Range says", "[cache][rfc9111-3.3]") {
  const RequestHead request = get("Range: bytes=0-4");
  const Fields response = fields_of("Cache-Control: max-age=10|Content-Range: bytes 0-4/9");
  const auto stored = [&](std::optional<std::uint64_t> length) {
    return decide_store(request, {206, response}, length, {}, times_at(0, 0)).part;
  };
  CHECK_FALSE(stored({}));
  CHECK_FALSE(stored(0));
  CHECK_FALSE(stored(6));
  REQUIRE(stored(5));
  CHECK(stored(5)->claimed == 5);
  REQUIRE(stored(3));
  CHECK(stored(3)->size == 3);
  CHECK(stored(3)->claimed == 5);
}
