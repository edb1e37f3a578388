// A request that selects none of the stored variants offers their ETags to the origin (RFC 9111 4.1).
#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

/// An origin that speaks German to "de" and English to all others, and knows its ETags.
struct Bilingual {
  FieldList more;
  bool names_etag = true;  ///< in a 304
  std::string weak;        ///< before each ETag

  Answer operator()(const Seen& seen) const {
    const bool german = seen.field("X-Lang") == "de";
    const std::string etag = weak + (german ? "\"d1\"" : "\"e1\"");
    Answer answer;
    answer.fields = {{"Cache-Control", "max-age=60"}, {"Vary", "X-Lang"}};
    answer.fields.insert(answer.fields.end(), more.begin(), more.end());
    answer.body = german ? "hallo" : "hello";
    const bool known = seen.field("If-None-Match").find(etag) != std::string::npos;
    if (known) answer.status = 304, answer.body.clear();
    if (!known || names_etag) answer.fields.emplace_back("ETag", etag);
    return answer;
  }
};

Ask in(std::string language, FieldList more = {}) {
  more.emplace_back("X-Lang", std::move(language));
  return {"http://a.example/x", std::move(more)};
}

struct Bench {
  Bilingual bilingual;
  Pipeline p;
  Bench() {
    p.origin.answer = [this](const Seen& seen) { return bilingual(seen); };
    p.ask(in("de"));
    p.ask(in("en"));
  }
  std::string offered() const { return p.origin.seen.back().field("If-None-Match"); }
};

}  // namespace

TEST_CASE("the origin chooses one of the stored variants with a 304", "[scenario][rfc9111 4.1]") {
  Bench b;
  CHECK(b.offered() == "\"d1\"");
  b.p.clock.advance(Milliseconds(10'000));
  const Got french = b.p.ask(in("fr"));
  CHECK(b.offered() == "\"e1\", \"d1\"");
  CHECK(french.status == 200);
  CHECK(french.body == "hello");
  CHECK(french.field("Age") == "0");
  CHECK(french.cache_status == "freshet; fwd=vary-miss; fwd-status=304; stored; ttl=60");
  CHECK(french.outcome.cache == CacheResult::Revalidated);
  CHECK(b.p.ask(in("fr")).at_once);
  CHECK(b.p.ask(in("en")).field("Age") == "10");
  CHECK(b.p.ask(in("de")).body == "hallo");
  CHECK(b.p.origin.seen.size() == 3);
}

TEST_CASE("the client's own conditions are judged against the variant that was chosen", "[scenario][rfc9110 13.1.2]") {
  Bench b;
  CHECK(b.p.ask(in("fr", {{"If-None-Match", "\"e1\""}})).status == 304);
  CHECK(b.p.ask(in("it", {{"If-None-Match", "\"d1\""}})).body == "hello");
}

TEST_CASE("a 304 that does not say which variant is not trusted", "[scenario][rfc9111 4.3.3]") {
  Bench b;
  b.bilingual.names_etag = false;
  const Got french = b.p.ask(in("fr"));
  CHECK(french.status == 200);
  CHECK(french.body == "hello");
  CHECK(b.offered().empty());
  CHECK(b.p.origin.seen.size() == 4);
}

TEST_CASE("weak ETags and content codings are not offered", "[scenario][rfc9110 8.8.3]") {
  Pipeline p;
  Bilingual bilingual;
  SECTION("weak") { bilingual.weak = "W/"; }
  SECTION("coded") { bilingual.more = {{"Content-Encoding", "gzip"}}; }
  p.origin.answer = bilingual;
  p.ask(in("de"));
  p.ask(in("en"));
  CHECK(p.origin.seen.back().field("If-None-Match").empty());
}

TEST_CASE("ranges and no-store do without", "[scenario][rfc9111 5.2.1.5]") {
  Bench b;
  b.p.ask(in("fr", {{"Range", "bytes=0-1"}}));
  CHECK(b.offered().empty());
  b.p.ask(in("it", {{"Cache-Control", "no-store"}}));
  CHECK(b.offered().empty());
}
