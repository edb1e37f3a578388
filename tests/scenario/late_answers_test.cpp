// What a review found; the comments say what was wrong.
#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr const char* kUrl = "http://a.example/x";

/// One representation of an origin; ranges and If-None-Match as usual, If-Range where it `knows_if_range`.
struct Edition {
  std::string etag, body;
  bool knows_if_range = true;
  FieldList more = {};

  Answer operator()(const Seen& seen) const {
    Answer answer;
    answer.as_source = true;
    answer.fields = {{"Cache-Control", "max-age=60"}, {"ETag", etag}};
    answer.fields.insert(answer.fields.end(), more.begin(), more.end());
    if (seen.field("If-None-Match") == etag) {
      answer.status = 304;
      return answer;
    }
    answer.body = body;
    const std::string if_range = seen.field("If-Range");
    const auto range = decide_range(seen.field("Range"), body.size(), 1);
    if (range.kind == RangeKind::Satisfiable && (if_range.empty() || if_range == etag || !knows_if_range)) {
      const ByteRange part = range.parts.front();
      answer.status = 206;
      answer.body = body.substr(part.first, part.size);
      answer.fields.emplace_back("Content-Range", "bytes " + std::to_string(part.first) + "-" + std::to_string(part.first + part.size - 1) +
                                                      "/" + std::to_string(body.size()));
    }
    return answer;
  }
};

const Edition kOld{"\"v1\"", "0123456789abcdefghij"};
const Edition kNew{"\"v2\"", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"};

Ask wanting(std::string range, FieldList more = {}) {
  more.emplace_back("Range", std::move(range));
  return {kUrl, std::move(more)};
}

Ask get(FieldList fields = {}) { return {kUrl, std::move(fields)}; }

}  // namespace

// Preconditions::StoredPart sends the client's Range without its If-Range.
TEST_CASE("If-Range holds when stored parts are validated and turn out to be outdated", "[scenario][rfc9110 13.1.5]") {
  Pipeline p;
  p.origin.answer = kOld;
  p.ask(wanting("bytes=5-9"));
  p.origin.answer = kNew;
  FieldList more = {{"If-Range", "\"v1\""}};
  SECTION("stale") { p.clock.advance(Milliseconds(61'000)); }
  SECTION("no-cache") { more.emplace_back("Cache-Control", "no-cache"); }
  const Got got = p.ask(wanting("bytes=5-9", more));
  CHECK(got.status == 200);  // it has the rest of "v1": a part of "v2" spoils its copy
  CHECK(got.body == kNew.body);
}

// completed() resolves what is wanted against one list of parts, and answers from another.
TEST_CASE("a gap is not closed with parts that came meanwhile and are of another version", "[scenario][rfc9111 3.4]") {
  Pipeline p;
  p.origin.answer = kOld;
  p.ask(wanting("bytes=0-9"));
  Edition hasty = kNew;
  hasty.knows_if_range = false;
  auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen& seen) {
    Answer answer = hasty(seen);
    if (seen.field("Range") == "bytes=10-19") answer.wait_for = gate;
    return answer;
  };
  Ask ask = get();
  std::string expected = kNew.body;
  int status = 200;
  SECTION("the whole") {}
  SECTION("the last ten bytes") {
    ask = wanting("bytes=-10");
    expected = kNew.body.substr(16);
    status = 206;
  }
  const auto first = p.start(ask);
  p.ask(wanting("bytes=0-9", {{"Cache-Control", "no-cache"}}));  // brings a part of the new version
  gate->wake();
  p.poll();
  REQUIRE(first->done);
  CHECK(first->status == status);
  CHECK(first->body == expected);
}

// freshen() takes over the fields of a 304 whose strong ETag is not the stored one's.
TEST_CASE("a 304 about another representation updates nothing", "[scenario][rfc9111 4.3.4]") {
  Pipeline p;
  p.origin.answer = kOld;
  // Validated by its date, say: the origin has changed within the second.
  const Edition same_size{"\"v2\"", "ABCDEFGHIJKLMNOPQRST"};
  const auto careless = [&same_size](const Seen& seen) {
    if (seen.field("If-None-Match").empty()) return same_size(seen);
    Answer answer;
    answer.status = 304;
    answer.fields = {{"Cache-Control", "max-age=60"}, {"ETag", same_size.etag}};
    return answer;
  };
  SECTION("whole") {
    p.ask(get());
    p.origin.answer = careless;
    p.clock.advance(Milliseconds(61'000));
    const Got got = p.ask(get());
    CHECK(got.field("ETag") + got.body == same_size.etag + same_size.body);
  }
  SECTION("parts: bytes of two representations in one answer") {
    p.ask(wanting("bytes=0-9"));
    p.origin.answer = careless;
    p.clock.advance(Milliseconds(61'000));
    p.ask(wanting("bytes=0-9"));
    const Got got = p.ask(wanting("bytes=5-14"));
    CHECK(got.body == same_size.body.substr(5, 10));
  }
}

// A 206 to a request with If-Range need not carry the representation's fields.
TEST_CASE("a 206 to If-Range does not become the head of the whole", "[scenario][rfc9110 15.3.7]") {
  Pipeline p;
  p.origin.answer = [](const Seen& seen) {
    Edition edition = kOld;
    if (seen.field("If-Range").empty()) edition.more = {{"Content-Type", "text/html"}, {"Content-Encoding", "gzip"}};
    return edition(seen);
  };
  p.ask(wanting("bytes=0-", {{"If-Range", "\"v1\""}}));
  const Got got = p.ask(get());
  CHECK(got.status == 200);
  CHECK(got.field("Content-Type") == "text/html");
  CHECK(got.field("Content-Encoding") == "gzip");
}

// PartList::asked() is the first Range line; the origin may have answered another one.
TEST_CASE("the answer to two Range lines is not the answer to the first one", "[scenario][rfc9110 14.2]") {
  Pipeline p;
  p.origin.answer = [](const Seen& seen) {
    Seen last = seen;
    std::string value;
    for (const Field field : seen.fields.view())
      if (field.id == FieldId::Range) value = std::string(field.value);
    last.fields.set(FieldId::Range, value);
    return kOld(last);
  };
  p.ask(wanting("bytes=10-14", {{"Range", "bytes=0-4"}}));
  const Got got = p.ask(wanting("bytes=0-4"));
  CHECK(got.field("Content-Range") == "bytes 0-4/20");
  CHECK(got.body == "01234");
}

// SequenceSource keeps the readers of finished segments, and has those of later ones already: a passing body waits for them for ever.
TEST_CASE("several ranges of a filling body do not stop the fill when memory runs out", "[scenario][rfc9110 14.6]") {
  StoreOptions store;
  store.max_size = 64u << 20;
  Pipeline p(Pipeline::default_options(), store);
  auto trickle = std::make_shared<Trickle>();
  const std::size_t size = 20u << 20;
  p.origin.answer = [&](const Seen&) {
    Answer answer;
    answer.fields = {{"Cache-Control", "max-age=60"}};
    answer.trickle = trickle;
    answer.trickle_length = size;
    return answer;
  };
  const auto all = p.start(get());
  trickle->push(std::string(100'000, 'x'));
  p.poll();
  std::string ranges;
  SECTION("in order") { ranges = "bytes=0-0,15000000-15000000"; }
  SECTION("backwards") { ranges = "bytes=15000000-15000000,0-0"; }
  SECTION("one alone: this works") { ranges = "bytes=15000000-15000000"; }
  const auto several = p.start(wanting(ranges));
  // Backwards, earlier bytes would have to be kept for it.
  REQUIRE(several->status == (ranges == "bytes=15000000-15000000,0-0" ? 200 : 206));
  REQUIRE(p.store.charge(p.store.limit() - p.store.held()));
  for (std::size_t left = size - 100'000, n = 0; left > 0; left -= n) {
    n = std::min<std::size_t>(left, 64 * 1024);
    trickle->push(std::string(n, 'x'));
  }
  trickle->finish();
  p.poll();
  CHECK(all->done);  // somebody else, who reads as fast as he can
  CHECK(all->body.size() == size);
  CHECK(several->done);
  CHECK(several->body_failure == Reason::None);
}

// publish(old, ...) does not look whether `old` is still what is stored.
TEST_CASE("what a late answer says of an old response does not replace a newer one", "[scenario][rfc9111 4.3.5]") {
  Pipeline p;
  p.origin.answer = kOld;
  p.ask(get());
  auto gate = std::make_shared<Wakeup>();
  std::string method;
  SECTION("a HEAD that tells of the newer version") {
    method = "HEAD";
    p.origin.answer = [&](const Seen& seen) {
      Answer answer = kNew(seen);
      answer.wait_for = gate;
      return answer;
    };
  }
  SECTION("a 304 that was on its way when the newer version came") {
    method = "GET";
    p.origin.answer = [&](const Seen& seen) {
      Answer answer = kOld(seen);
      answer.wait_for = gate;
      return answer;
    };
  }
  const auto late = p.start({method, kUrl, {{"Cache-Control", "no-cache"}}});
  p.origin.answer = kNew;
  CHECK(p.ask(get({{"Cache-Control", "no-cache"}})).body == kNew.body);
  gate->wake();
  p.poll();
  REQUIRE(late->done);
  if (method == "GET") CHECK(late->cache_status.find("; detail=outdone") != std::string::npos);
  const Got got = p.ask(get({{"Cache-Control", "max-stale, only-if-cached"}}));
  CHECK(got.body == kNew.body);
}

// `held` is what was found before the origin was asked.
TEST_CASE("a part does not replace a whole that came while it was fetched", "[scenario][rfc9111 3.3]") {
  Pipeline p;
  std::string range;
  SECTION("a first part") { range = "bytes=0-0"; }
  SECTION("one that closes a gap") {
    range = "bytes=5-14";
    p.origin.answer = kOld;
    p.ask(wanting("bytes=0-9"));
  }
  auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen& seen) {
    Answer answer = kOld(seen);
    answer.wait_for = gate;
    return answer;
  };
  const auto part = p.start(wanting(range));
  p.origin.answer = [&](const Seen& seen) {
    Seen plain = seen;
    plain.fields.remove(FieldId::Range);
    plain.fields.remove(FieldId::IfRange);
    return kOld(plain);
  };
  p.ask(get());
  gate->wake();
  p.poll();
  REQUIRE(part->done);
  CHECK(p.start(get())->at_once);
  gate->wake();
  p.poll();
}

// StatusNotCacheable counts as "about the URL", although these answers are about the request.
TEST_CASE("an error that a request brought on itself does not keep others from sharing a fetch", "[scenario][collapse]") {
  Pipeline p;
  std::vector<std::shared_ptr<Wakeup>> gates;
  p.origin.answer = [&](const Seen& seen) {
    Answer answer = kOld(seen);
    if (seen.field("Range") == "bytes=99-") answer.status = 416, answer.fields = {{"Content-Range", "bytes */20"}}, answer.body.clear();
    else if (!seen.field("Range").empty() && !seen.field("If-None-Match").empty()) answer.status = 304, answer.body.clear();
    else if (!seen.field("Expect").empty()) answer.status = 417, answer.body.clear();
    else answer.wait_for = gates.emplace_back(std::make_shared<Wakeup>());
    return answer;
  };
  SECTION("416") { CHECK(p.ask(wanting("bytes=99-")).status == 416); }
  SECTION("304") { CHECK(p.ask(wanting("bytes=0-1", {{"If-None-Match", "\"v1\""}})).status == 304); }
  SECTION("417") { CHECK(p.ask(get({{"Expect", "the-impossible"}})).status == 417); }
  const std::size_t before = p.origin.seen.size();
  const auto one = p.start(get()), two = p.start(get());
  CHECK(p.origin.seen.size() == before + 1);
  for (const auto& gate : gates) gate->wake();
  p.poll();
  CHECK((one->done && two->done));
}

// stored_response.hpp: "send that line of the 304 to the client who asked". Nobody does.
TEST_CASE("Set-Cookie of a 304 reaches the client that asked, and nobody else", "[scenario][rfc9111 4.3.4]") {
  Pipeline p;
  std::string cache_control;
  SECTION("not public") { cache_control = "max-age=60"; }
  SECTION("what is stored says public, the 304 does not") { cache_control = "public, max-age=60"; }
  p.origin.answer = [&](const Seen& seen) {
    Answer answer;
    if (seen.field("If-None-Match").empty()) {
      answer.fields = {{"Cache-Control", cache_control}, {"ETag", "\"v1\""}};
      answer.body = "hello";
    } else {
      answer.status = 304;
      answer.fields = {{"ETag", "\"v1\""}, {"Set-Cookie", "user=alice"}};
    }
    return answer;
  };
  p.ask(get());
  p.clock.advance(Milliseconds(61'000));
  const Got alice = p.ask(get({{"Cookie", "user=alice"}}));
  REQUIRE(alice.outcome.cache == CacheResult::Revalidated);
  CHECK(alice.field("Set-Cookie") == "user=alice");
  const Got bob = p.ask(get());
  REQUIRE(bob.at_once);
  CHECK(bob.field("Set-Cookie").empty());
}

// read_part() refuses this when Content-Length says so; without one the part stays.
TEST_CASE("a 206 with more bytes than its Content-Range says is not stored, whatever its framing", "[scenario][rfc9111 3.3]") {
  Pipeline p;
  p.origin.answer = [](const Seen&) {
    Answer answer;
    answer.status = 206;
    answer.fields = {{"Cache-Control", "max-age=60"}, {"ETag", "\"v1\""}, {"Content-Range", "bytes 0-4/20"}};
    answer.body = "0123456789";
    answer.as_source = true;
    answer.known_length = false;
    return answer;
  };
  p.ask(wanting("bytes=0-4"));
  p.ask(wanting("bytes=0-4"));
  CHECK(p.origin.seen.size() == 2);
}

// put_locked(): a response without Vary hides all others, be it one byte of them.
TEST_CASE("a part without Vary does not cost the whole variants that are still good", "[scenario][rfc9111 4.1]") {
  Pipeline p;
  p.origin.answer = [](const Seen& seen) {
    Edition edition = kOld;
    if (seen.field("Range").empty()) edition.more = {{"Vary", "Accept-Language"}};
    return edition(seen);
  };
  p.ask(get({{"Accept-Language", "de"}}));
  p.ask(wanting("bytes=0-0"));
  CHECK(p.ask(get({{"Accept-Language", "de"}})).at_once);
}

// freshened() answers from the stored body whatever has become of it since the look-up.
TEST_CASE("a 304 for a response whose fill has failed meanwhile is asked again", "[scenario][rfc9111 4.3.3]") {
  Pipeline p;
  auto trickle = std::make_shared<Trickle>();
  auto gate = std::make_shared<Wakeup>();
  const bool part = GENERATE(false, true);
  p.origin.answer = [&](const Seen& seen) {
    Answer answer = kOld(seen);
    if (answer.status == 304) {
      answer.wait_for = gate;
    } else if (trickle) {
      answer.trickle_length = answer.body.size();
      answer.trickle = std::move(trickle);
      trickle = nullptr;
    }
    return answer;
  };
  FieldList fields;
  if (part) fields = {{"Range", "bytes=0-9"}};
  const auto filling = trickle;
  const auto first = p.start(get(fields));
  filling->push("0123");
  p.poll();
  fields.emplace_back("Cache-Control", "no-cache");
  const auto second = p.start(get(fields));
  filling->fail(Reason::CutShort);
  p.poll();
  REQUIRE(first->body_failure == Reason::CutShort);
  gate->wake();
  p.poll();
  REQUIRE(second->done);
  CHECK(second->body_failure == Reason::None);
  CHECK(second->body == kOld.body.substr(0, part ? 10 : 20));
}

// pass_on() after Preconditions::Gap: the stored parts are known to be outdated, and stay.
TEST_CASE("outdated parts of what is too large to be stored do not cost every range the whole", "[scenario][rfc9110 13.1.5]") {
  ProxyOptions options = Pipeline::default_options();
  options.policy.max_object_size = 25;
  Pipeline p(options);
  p.origin.answer = kOld;
  p.ask(wanting("bytes=0-9"));
  p.origin.answer = kNew;
  CHECK(p.ask(wanting("bytes=8-12")).body == "IJKLM");
  CHECK(p.ask(wanting("bytes=8-12")).body == "IJKLM");
  CHECK(p.ask(wanting("bytes=0-4")).body == "ABCDE");
}
