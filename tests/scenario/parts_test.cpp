// Stored parts that make up the whole, or nearly.
#include <catch2/catch.hpp>

#include "ranged.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

/// Parts that make up the whole, and a stored whole.
struct InParts : Bench {
  explicit InParts(bool in_parts) {
    if (!in_parts) get_all();
    if (in_parts) get("bytes=0-7"), get("bytes=5-19");
    before = asked();
  }
  std::size_t before;
};

}  // namespace

TEST_CASE("parts that make up the whole answer what a stored whole answers", "[scenario][rfc9111 3.4][rfc9110 14.2]") {
  std::string many = "bytes=0-0";
  for (int i = 1; i < 17; ++i) many += ",1-1";
  const std::vector<Ask> asks = {
      {"HEAD", "http://a.example/x"},
      {"HEAD", "http://a.example/x", {{"Range", "bytes=5-6"}}},
      {"HEAD", "http://a.example/x", {{"If-None-Match", "\"v1\""}}},
      Bench::wanting("bytes=20-"),
      Bench::wanting("bytes=50-60, 20-30"),
      Bench::wanting("bytes=20-", {{"If-None-Match", "\"v1\""}}),
      Bench::wanting(many),
      Bench::wanting("bytes=0-,0-,0-"),
      Bench::wanting("lines=1-2"),
      Bench::wanting("bytes=5-6", {{"If-Range", "\"v0\""}}),
      Bench::wanting("bytes=5-6", {{"Range", "bytes=7-8"}}),
      {"http://a.example/x", {{"Cache-Control", "only-if-cached"}}},
  };
  for (const Ask& ask : asks) {
    INFO(ask.method << " " << (ask.fields.empty() ? std::string() : ask.fields.back().second));
    InParts whole(false), parts(true);
    const Got expected = whole.p.ask(ask), got = parts.p.ask(ask);
    CHECK(got.at_once);
    CHECK(got.status == expected.status);
    CHECK(got.body == expected.body);
    CHECK(got.length == expected.length);
    CHECK(got.field("Content-Range") == expected.field("Content-Range"));
    CHECK(got.field("ETag") == expected.field("ETag"));
    CHECK(parts.asked() == parts.before);
  }
}

TEST_CASE("a stale HEAD of parts is validated, and answered from them", "[scenario][rfc9111 4.3]") {
  InParts b(true);
  b.p.clock.advance(Milliseconds(90'000));
  const Got got = b.p.ask({"HEAD", "http://a.example/x"});
  CHECK(b.last().method == "HEAD");
  CHECK(b.last().field("If-None-Match") == "\"v1\"");
  CHECK(got.status == 200);
  CHECK(got.length == 20);
  CHECK(got.body.empty());
  CHECK(b.p.ask({"HEAD", "http://a.example/x"}).at_once);
}

TEST_CASE("while a byte is missing, only the origin answers for the whole", "[scenario][rfc9111 3.3]") {
  for (const char* range : {"bytes=20-", "lines=1-2"}) {
    Bench b;
    b.get("bytes=0-18");
    b.get(range);
    CHECK(b.asked() == 2);
    CHECK(b.last().field("Range") == range);
  }
}

TEST_CASE("parts stay when too many fills are under way to close their gap", "[scenario][range]") {
  StoreOptions one_fill;
  one_fill.max_fills = 1;
  Pipeline p(Pipeline::default_options(), one_fill);
  Ranged ranged;
  const auto busy = std::make_shared<Trickle>();
  p.origin.answer = [&](const Seen& seen) {
    if (seen.target == "/busy") ranged.trickle = busy;
    return ranged(seen);
  };
  CHECK(p.ask(Bench::wanting("bytes=0-4")).outcome.stored);
  const auto other = p.start("http://a.example/busy");
  const Got got = p.ask(Bench::wanting("bytes=0-9"));
  CHECK(got.status == 206);
  CHECK(got.body == "0123456789");
  CHECK_FALSE(got.outcome.stored);
  busy->push(ranged.body);
  busy->finish();
  p.poll();
  CHECK(other->done);
  CHECK(p.ask(Bench::wanting("bytes=0-4")).at_once);
}
