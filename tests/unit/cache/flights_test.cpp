// One fetch for each key and variant.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "freshet/cache/store.hpp"
#include "freshet/cache/vary.hpp"
#include "parts.hpp"

using namespace freshet;
using test::bytes_of;
using test::CountingWaiter;
using test::fields_of;
using test::get;

namespace {

constexpr std::string_view kGzip = "accept-encoding:gzip\n", kBr = "accept-encoding:br\n";

struct Bench {
  explicit Bench(std::size_t max_variants = 64) : store(options(max_variants), clock) {}
  static StoreOptions options(std::size_t max_variants) {
    StoreOptions out;
    out.max_size = 8u << 20;
    out.max_variants = max_variants;
    return out;
  }
  CacheKey key(std::string_view path = "/a") { return make_cache_key("p", "http", "a.test", path, arena); }
  Ref<StoredResponse> make(std::string_view vary_key, std::string_view lines = "Cache-Control: max-age=60") {
    auto body = StoredBody::make(store, 1, UINT64_MAX);
    body->append(bytes_of("x"), waiter);
    body->finish();
    const Fields response = fields_of(lines);
    const Time now = clock.now();
    const StoreDecision decision = decide_store(get(), {200, response}, {}, {}, {now, now});
    return make_stored_response(key().text, vary_key, {200, response}, decision, body, "", now.wall, store);
  }
  Store::Joined join(std::string_view variant, std::string_view part = {}) { return join(key(), variant, part); }
  Store::Joined join(const CacheKey& of, std::string_view variant, std::string_view part = {}) {
    Store::Joining joining;
    joining.variant = variant;
    joining.part = part;
    return store.join(of, joining);
  }

  test::FakeClock clock;
  Store store;
  CountingWaiter waiter;
  Arena arena;
};

}  // namespace

TEST_CASE("a fetch knows of every follower, also when an invalidation keeps others from joining", "[cache][store][collapsing]") {
  const bool invalidated = GENERATE(false, true);
  Bench bench;
  auto leader = bench.join("");
  CHECK_FALSE(leader.ticket.has_followers());
  auto follower = bench.join("");
  REQUIRE(follower.follow);
  CHECK(leader.ticket.has_followers());
  if (invalidated) bench.store.invalidate(bench.key());
  CHECK(leader.ticket.has_followers());
  follower.follow = nullptr;
  CHECK_FALSE(leader.ticket.has_followers());
}

TEST_CASE("each variant of a key has a fetch of its own", "[cache][store][collapsing]") {
  Bench bench;
  auto whole = bench.join(""), gzip = bench.join(kGzip), br = bench.join(kBr);
  REQUIRE(whole.ticket);
  REQUIRE(gzip.ticket);
  REQUIRE(br.ticket);
  const auto after_whole = bench.join(""), after_gzip = bench.join(kGzip), after_br = bench.join(kBr);
  REQUIRE(after_gzip.follow);
  CHECK(after_gzip.follow != after_br.follow);
  CHECK(after_gzip.follow != after_whole.follow);
  CHECK(gzip.ticket.publish(bench.make(kGzip), true));
  CHECK(after_gzip.follow->look(bench.waiter).verdict == FetchVerdict::Published);
  CHECK(after_br.follow->look(bench.waiter).verdict == FetchVerdict::Waiting);
  CHECK(after_whole.follow->look(bench.waiter).verdict == FetchVerdict::Waiting);
  after_br.follow->leave(bench.waiter);
  after_whole.follow->leave(bench.waiter);
  CHECK(bench.join(kGzip).ticket);  // over: the next one leads
  CHECK(bench.join(kBr).follow);    // still under way
  CHECK(bench.join("").follow);
}

TEST_CASE("an invalidation ends the fetches of all variants for those who come later", "[cache][store][rfc9111-4.4]") {
  Bench bench;
  std::vector<Store::Joined> early;
  for (const std::string_view variant : {std::string_view(), kGzip, kBr}) early.push_back(bench.join(variant));
  auto other = bench.join(bench.key("/b"), kBr);
  bench.store.invalidate(bench.key());
  for (const std::string_view variant : {std::string_view(), kGzip, kBr}) {
    const auto late = bench.join(variant);
    CHECK(late.ticket);
    CHECK_FALSE(late.follow);
  }
  CHECK(bench.join(bench.key("/b"), kBr).follow);
  for (Store::Joined& joined : early) {
    const Kept kept = joined.ticket.publish(bench.make(kGzip), true);
    CHECK(kept.why_not() == Reason::Invalidated);
  }
  CHECK(bench.store.figures().objects == 0);
}

TEST_CASE("the fetches under way for one key are bounded", "[cache][store][collapsing][P18]") {
  Bench bench(4);
  std::vector<Store::Joined> leaders;
  for (int i = 0; i < 4; ++i) leaders.push_back(bench.join("x:" + std::to_string(i) + "\n"));
  const auto more = bench.join("x:5\n"), again = bench.join("x:5\n");
  CHECK(more.ticket);
  CHECK(again.ticket);  // it waits for nobody, and nobody for it
  CHECK(bench.join("x:3\n").follow);
  leaders.pop_back();
  CHECK(bench.join("x:5\n").ticket);
}

TEST_CASE("each part of a key has a fetch of its own, for each variant", "[cache][store][collapsing]") {
  Bench bench;
  auto whole = bench.join(""), head = bench.join("", "bytes=0-9"), tail = bench.join("", "bytes=-9"), gzip = bench.join(kGzip, "bytes=0-9");
  for (Store::Joined* const leader : {&whole, &head, &tail, &gzip}) CHECK(leader->ticket);
  CHECK_FALSE(whole.ticket.is_for_part());
  CHECK(head.ticket.is_for_part());
  const auto late = bench.join("", "bytes=0-9");
  REQUIRE(late.follow);
  head.ticket.decline_part(Reason::PartialResponse);
  CHECK(late.follow->look(bench.waiter).verdict == FetchVerdict::Declined);
  CHECK(bench.join("").follow);
  CHECK(bench.join("", "bytes=-9").follow);
}

TEST_CASE("a part that is of no use to others is remembered, and no other part", "[cache][store][collapsing]") {
  Bench bench;
  bench.join("", "bytes=99-").ticket.decline_part(Reason::RequestAtFault);
  const auto again = bench.join("", "bytes=99-"), more = bench.join("", "bytes=99-");
  CHECK(again.ticket);
  CHECK(more.ticket);
  CHECK_FALSE(again.ticket.remembered());
  for (const std::string_view part : {"", "bytes=9-"}) {
    const auto leader = bench.join("", part);
    CHECK(bench.join("", part).follow);
  }
  const auto leader = bench.join(bench.key("/b"), "", "bytes=99-");
  CHECK(bench.join(bench.key("/b"), "", "bytes=99-").follow);
  bench.clock.advance(StoreOptions().remember_declined);
  const auto later = bench.join("", "bytes=99-");
  CHECK(bench.join("", "bytes=99-").follow);
}

TEST_CASE("what is remembered of many parts leaves what is remembered of URLs", "[cache][store][collapsing][P18]") {
  Bench bench;
  bench.join("").ticket.decline(Reason::NoStore, true);
  for (const std::string_view path : {"/b", "/c", "/d", "/e"})
    for (int i = 0; i < 5000; ++i) bench.join(bench.key(path), "", "bytes=" + std::to_string(i) + "-").ticket.decline_part(Reason::RequestAtFault);
  CHECK(bench.join("").ticket.remembered());
}

TEST_CASE("many parts do not take the places of the whole", "[cache][store][collapsing][P18]") {
  Bench bench(4);
  std::vector<Store::Joined> leaders;
  for (int i = 0; i < 8; ++i) leaders.push_back(bench.join("", "bytes=" + std::to_string(i) + "-"));
  CHECK(bench.join("", "bytes=1-").follow);
  CHECK(bench.join("", "bytes=2-").ticket);
  const auto whole = bench.join("");
  CHECK(bench.join("").follow);
}

TEST_CASE("equal hashes are not trusted for fetches either", "[cache][store][collapsing]") {
  Bench bench;
  CacheKey forged = bench.key("/forged");
  forged.hash = bench.key().hash;
  const auto leader = bench.join(kGzip);
  CHECK(bench.join(forged, kGzip).ticket);
  bench.store.invalidate(forged);
  CHECK(bench.join(kGzip).follow);
}

TEST_CASE("exactly one revalidation in the background for each stored variant", "[cache][store][rfc5861]") {
  Bench bench;
  auto gzip = bench.store.join_background(bench.key(), kGzip);
  REQUIRE(gzip);
  CHECK_FALSE(bench.store.join_background(bench.key(), kGzip));
  CHECK(bench.store.join_background(bench.key(), kBr));
  CHECK(bench.join(kGzip).follow);
  gzip->decline(Reason::None, false);
  CHECK(bench.store.join_background(bench.key(), kGzip));
}

TEST_CASE("the newest stored response with Vary says which variant a request is about", "[cache][store][rfc9111-4.1]") {
  Bench bench;
  const Fields request = fields_of("Accept-Encoding: br|Foo: 1");
  CHECK(bench.store.variant_of(bench.key(), request).empty());
  CHECK(bench.join("").ticket.publish(bench.make(kGzip), true));
  CHECK(bench.store.variant_of(bench.key(), request) == kBr);
  CHECK(bench.join("").ticket.publish(bench.make("foo:2\nnone\n"), true));
  CHECK(bench.store.variant_of(bench.key(), request) == "foo:1\nnone\n");
  CHECK(bench.store.variant_of(bench.key("/b"), request).empty());
}

TEST_CASE("a vary key like another one names the same fields", "[cache][rfc9111-4.1]") {
  const struct {
    std::string_view response, like, request;
  } cases[] = {
      {"Vary: Foo", "Foo: 1", "Foo: 2"},
      {"Vary: Foo", "Foo: 1", ""},
      {"Vary: Foo", "", "Foo:"},
      {"Vary: Foo, Bar, Accept-Encoding", "Bar: a:b|Accept-Encoding: gzip", "Foo: 1,2|Accept-Encoding: br;q=0.5, gzip"},
      {"Vary: Accept-Language", "Accept-Language: de", "Accept-Language: en;q=0.5, fr"},
      {"", "Foo: 1", "Foo: 2"}};
  for (const auto& each : cases) {
    const Fields response = fields_of(each.response), like = fields_of(each.like), request = fields_of(each.request);
    INFO(each.response << " for " << each.request);
    CHECK(make_vary_key_like(*make_vary_key(response, like), request) == *make_vary_key(response, request));
    CHECK(make_vary_key_like(*make_vary_key(response, like), like) == *make_vary_key(response, like));
  }
  const Fields long_one = fields_of("Foo: " + std::string(kLongestVaryKey, 'x'));
  CHECK(make_vary_key_like("foo:1\n", long_one).empty());
}

TEST_CASE("why a response is not kept is said", "[cache][store]") {
  Bench bench;
  CHECK(bench.join("").ticket.publish({}, true).why_not() == Reason::NoRoom);
  auto passing = StoredBody::make(bench.store, 100, 3);
  const Fields fields = fields_of("Cache-Control: max-age=60");
  const Time now = bench.clock.now();
  const auto decision = decide_store(get(), {200, fields}, {}, {}, {now, now});
  const auto make = [&](const Ref<StoredBody>& body) {
    return make_stored_response(bench.key().text, "", {200, fields}, decision, body, "", now.wall, bench.store);
  };
  CHECK(bench.join("").ticket.publish(make(passing), true).why_not() == Reason::TooLarge);
  auto aborted = StoredBody::make(bench.store, std::nullopt, 1000);
  aborted->abort(Reason::ShutDown);
  CHECK(bench.join("").ticket.publish(make(aborted), true).why_not() == Reason::CutShort);

  CHECK(bench.join("").ticket.publish(bench.make(""), true).why_not() == Reason::None);
  const auto old = bench.store.find(bench.key(), {}).response;
  auto slow = bench.store.join(bench.key(), true).ticket;
  CHECK(bench.join("").ticket.publish(bench.make(""), true));
  CHECK(slow.publish(old, bench.make("")).why_not() == Reason::Outdone);
}
