#include "freshet/cache/store.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "parts.hpp"
#include "support/alloc_counter.hpp"

using namespace freshet;
using test::at;
using test::bytes_of;
using test::CountingWaiter;
using test::fields_of;
using test::get;
using test::text_of;

namespace {

/// A store with its clock, and short words for what is done to it.
class Bench {
 public:
  explicit Bench(std::uint64_t max_size = 64u << 20, std::size_t max_variants = 64)
      : Bench(options(max_size, max_variants)) {}
  explicit Bench(const StoreOptions& options) : store(options, clock) {}

  static StoreOptions options(std::uint64_t max_size, std::size_t max_variants) {
    StoreOptions out;
    out.max_size = max_size;
    out.max_variants = max_variants;
    out.remember_declined = Milliseconds(10000);
    return out;
  }
  CacheKey key(std::string_view path) { return make_cache_key("p", "http", "a.test", path, arena); }
  Ref<StoredResponse> make(std::string_view path, std::string_view body,
                           std::string_view lines = "Cache-Control: max-age=60", std::string_view vary_key = {}) {
    auto stored = StoredBody::make(store, body.size(), UINT64_MAX);
    if (stored->append(bytes_of(body), waiter) != StoredBody::Appended::Taken) return {};
    stored->finish();
    return with_body(path, stored, lines, vary_key);
  }
  Ref<StoredResponse> with_body(std::string_view path, Ref<StoredBody> body,
                                std::string_view lines = "Cache-Control: max-age=60", std::string_view vary_key = {}) {
    const Fields response = fields_of(lines);
    const Time now = clock.now();
    const StoreDecision decision = decide_store(get(), {200, response}, {}, {}, {now, now});
    return make_stored_response(key(path).text, vary_key, {200, response}, decision, std::move(body), "", now.wall,
                                store);
  }
  bool put(std::string_view path, std::string_view body, std::string_view lines = "Cache-Control: max-age=60",
           std::string_view vary_key = {}) {
    auto joined = store.join(key(path), true);
    auto response = make(path, body, lines, vary_key);
    return response && joined.ticket.publish(response, true);
  }
  /// The body, "" for none.
  std::string found(std::string_view path, std::string_view request = {}) {
    const Fields fields = fields_of(request);
    const auto found = store.find(key(path), fields);
    return found.response ? std::string(test::text_of(found.response->body()->contiguous().value())) : "";
  }

  test::FakeClock clock;
  Store store;
  Arena arena;
  CountingWaiter waiter;
};

}  // namespace

TEST_CASE("what was published is found under its key, and nowhere else", "[cache][store]") {
  Bench bench;
  CHECK(bench.found("/a") == "");
  CHECK(bench.put("/a", "A"));
  CHECK(bench.put("/b", "B"));
  CHECK(bench.found("/a") == "A");
  CHECK(bench.found("/b") == "B");
  CHECK(bench.found("/c") == "");
  CHECK_FALSE(bench.store.find(bench.key("/c"), {}).other_variants);
  CHECK(bench.store.figures().objects == 2);
}

TEST_CASE("equal hashes are not trusted", "[cache][store]") {
  Bench bench;
  bench.put("/a", "A");
  CacheKey forged = bench.key("/forged");
  forged.hash = bench.key("/a").hash;
  CHECK_FALSE(bench.store.find(forged, {}).response);
  CHECK(bench.store.invalidate(forged) == 0);
  CHECK(bench.found("/a") == "A");
}

TEST_CASE("a hit allocates nothing", "[cache][store]") {
  Bench bench;
  bench.put("/a", "A", "Cache-Control: max-age=60", "accept-encoding:br,gzip\n");
  const Fields request = fields_of("Accept-Encoding: gzip;q=0.9, br|X: 1");
  const CacheKey key = bench.key("/a");
  const AllocCounter allocations;
  const auto found = bench.store.find(key, request);
  const bool all = found.response && found.response->body()->contiguous();
  const std::size_t made = allocations.count();
  CHECK(all);
  CHECK(made == 0);
}

TEST_CASE("variants live side by side, and Vary selects", "[cache][store][rfc9111-4.1]") {
  Bench bench;
  bench.put("/a", "one", "Cache-Control: max-age=60|Vary: Foo", "foo:1\n");
  bench.put("/a", "two", "Cache-Control: max-age=60|Vary: Foo", "foo:2\n");
  CHECK(bench.found("/a", "Foo: 1") == "one");
  CHECK(bench.found("/a", "Foo: 2") == "two");
  CHECK(bench.found("/a", "Foo: 3") == "");
  CHECK(bench.store.find(bench.key("/a"), {}).other_variants);
  CHECK(bench.store.figures().objects == 2);
}

TEST_CASE("the newest of those that match wins; the same variant is replaced", "[cache][store][rfc9111-4]") {
  Bench bench;
  bench.put("/a", "old", "Cache-Control: max-age=60|Vary: Foo", "foo:1\n");
  bench.put("/a", "bar", "Cache-Control: max-age=60|Vary: Bar", "bar:1\n");
  CHECK(bench.found("/a", "Foo: 1|Bar: 1") == "bar");
  CHECK(bench.found("/a", "Foo: 1") == "old");
  bench.put("/a", "new", "Cache-Control: max-age=60|Vary: Foo", "foo:1\n");
  CHECK(bench.found("/a", "Foo: 1|Bar: 1") == "new");
  CHECK(bench.store.figures().objects == 2);
  CHECK(bench.store.figures().replaced == 1);
  bench.put("/a", "all");  // without Vary: hides the others for good
  CHECK(bench.found("/a", "Foo: 1|Bar: 1") == "all");
  CHECK(bench.store.figures().objects == 1);
}

TEST_CASE("the number of variants is bounded, and the oldest leaves", "[cache][store][vary]") {
  Bench bench(64u << 20, 3);
  for (int i = 0; i < 10; ++i)
    bench.put("/a", "v" + std::to_string(i), "Cache-Control: max-age=60|Vary: Foo", "foo:" + std::to_string(i) + "\n");
  CHECK(bench.store.figures().objects == 3);
  CHECK(bench.store.figures().evicted_variants == 7);
  CHECK(bench.found("/a", "Foo: 6") == "");
  for (int i = 7; i < 10; ++i) CHECK(bench.found("/a", "Foo: " + std::to_string(i)) == "v" + std::to_string(i));
}

TEST_CASE("invalidation takes all variants of that key", "[cache][store][rfc9111-4.4]") {
  Bench bench;
  bench.put("/a", "one", "Cache-Control: max-age=60|Vary: Foo", "foo:1\n");
  bench.put("/a", "two", "Cache-Control: max-age=60|Vary: Foo", "foo:2\n");
  bench.put("/b", "B");
  CHECK(bench.store.invalidate(bench.key("/a")) == 2);
  CHECK(bench.store.invalidate(bench.key("/a")) == 0);
  CHECK(bench.found("/a", "Foo: 1") == "");
  CHECK(bench.found("/b") == "B");
  CHECK(bench.store.figures().invalidated == 2);
}

TEST_CASE("a fetch that began before an invalidation is not stored", "[cache][store][rfc9111-4.4]") {
  Bench bench;
  auto leader = bench.store.join(bench.key("/a"), false);
  REQUIRE(leader.ticket);
  auto follower = bench.store.join(bench.key("/a"), false);
  REQUIRE(follower.follow);
  CountingWaiter waiter;
  CHECK(follower.follow->look(waiter).verdict == FetchVerdict::Waiting);
  bench.store.invalidate(bench.key("/a"));
  auto later = bench.store.join(bench.key("/a"), false);
  CHECK(later.ticket);  // it does not wait for what is out of date
  CHECK_FALSE(leader.ticket.publish(bench.make("/a", "old"), true));
  CHECK(waiter.wakes == 1);
  CHECK(follower.follow->look(waiter).verdict == FetchVerdict::Declined);
  CHECK(follower.follow->look(waiter).reason == Reason::Invalidated);
  CHECK(bench.found("/a") == "");
  CHECK(later.ticket.publish(bench.make("/a", "new"), true));
  CHECK(bench.found("/a") == "new");
}

TEST_CASE("invalidations of other keys do not keep a fetch from being stored", "[cache][store][rfc9111-4.4]") {
  Bench bench;
  for (int round = 0; round < 20; ++round) {
    auto leader = bench.store.join(bench.key("/a"), false);
    for (int i = 0; i < 200; ++i) bench.store.invalidate(bench.key("/other" + std::to_string(round * 1000 + i)));
    CHECK(leader.ticket.publish(bench.make("/a", "new"), true));
    bench.store.invalidate(bench.key("/a"));
  }
  auto slow = bench.store.join(bench.key("/a"), false);
  bench.store.invalidate(bench.key("/a"));
  for (int i = 0; i < 100'000; ++i) bench.store.invalidate(bench.key("/other" + std::to_string(i)));
  CHECK_FALSE(slow.ticket.publish(bench.make("/a", "old"), true));  // remembered or not
}

TEST_CASE("one leads, the others follow and learn that it is there", "[cache][store][collapsing]") {
  Bench bench;
  auto leader = bench.store.join(bench.key("/a"), false);
  REQUIRE(leader.ticket);
  CHECK_FALSE(leader.follow);
  auto one = bench.store.join(bench.key("/a"), false), two = bench.store.join(bench.key("/a"), false);
  CHECK_FALSE(one.ticket);
  REQUIRE(one.follow);
  CHECK(one.follow == two.follow);
  CHECK(bench.store.join(bench.key("/b"), false).ticket);
  CountingWaiter first, second;
  one.follow->look(first);
  two.follow->look(second);
  CHECK(one.follow->followers() == 2);
  two.follow->leave(second);
  CHECK(one.follow->followers() == 1);
  CHECK(leader.ticket.publish(bench.make("/a", "A"), true));
  CHECK_FALSE(leader.ticket);
  CHECK(first.wakes == 1);
  CHECK(second.wakes == 0);
  CHECK(one.follow->look(first).verdict == FetchVerdict::Published);
  CHECK(bench.found("/a") == "A");
  CHECK(bench.store.join(bench.key("/a"), false).ticket);  // over: the next one leads
}

TEST_CASE("those who wait get the response itself, and hold its body until they have come",
          "[cache][store][collapsing]") {
  Bench bench;
  CountingWaiter waiter, filler;
  for (const bool somebody_waits : {true, false}) {
    auto leader = bench.store.join(bench.key("/a"), false);
    Store::Joined follower;
    if (somebody_waits) follower = bench.store.join(bench.key("/a"), false);
    auto body = StoredBody::make(bench.store, 1000, UINT64_MAX);
    auto response = bench.with_body("/a", body);
    REQUIRE(leader.ticket.publish(response, true));
    auto reader = std::make_unique<StoredBodyReader>(body);
    body->watch_readers({0, 100}, filler);
    reader.reset();  // the leader's client leaves before the follower has come
    CHECK(body->is_whole() == somebody_waits);
    if (somebody_waits) {
      const Fetch::Look look = follower.follow->look(waiter);
      CHECK(look.verdict == FetchVerdict::Published);
      CHECK(look.response == response);
      follower.follow = nullptr;  // it does not come after all
      CHECK_FALSE(body->is_whole());
    }
    body->stop_watching();
    bench.store.remove(response);
  }
}

TEST_CASE("a response can be shared without being stored", "[cache][store][collapsing]") {
  Bench bench;
  CountingWaiter waiter;
  for (const bool invalidated : {false, true}) {
    auto leader = bench.store.join(bench.key("/a"), false);
    CHECK_FALSE(leader.ticket.has_followers());
    auto follower = bench.store.join(bench.key("/a"), false);
    CHECK(leader.ticket.has_followers());
    auto body = StoredBody::make(bench.store, std::uint64_t{1} << 40, UINT64_MAX);
    const auto response = bench.with_body("/a", body);
    if (invalidated) bench.store.invalidate(bench.key("/a"));
    CHECK(leader.ticket.share(response, true) != invalidated);
    const Fetch::Look look = follower.follow->look(waiter);
    CHECK(look.verdict == (invalidated ? FetchVerdict::Declined : FetchVerdict::Published));
    CHECK(static_cast<bool>(look.response) != invalidated);
    CHECK(body->readers() == (invalidated ? 0 : 1));  // its beginning stays until the follower has come, or gone
    follower.follow = nullptr;
    CHECK(body->readers() == 0);
    CHECK_FALSE(bench.store.find(bench.key("/a"), {}).response);
  }
}

TEST_CASE("what is too large is remembered, and still waited for", "[cache][store][collapsing]") {
  Bench bench;
  bench.store.join(bench.key("/a"), false).ticket.decline(Reason::TooLarge, true);
  auto leader = bench.store.join(bench.key("/a"), false);
  CHECK(leader.ticket.remembered());
  CHECK(leader.ticket.remembered_as_large());
  CHECK(bench.store.join(bench.key("/a"), false).follow);
  Store::Joining conditional;
  conditional.conditional = true;
  CHECK(bench.store.join(bench.key("/a"), conditional).ticket);  // it may have it already: not waiting
  CHECK(leader.ticket.publish(bench.make("/a", "smaller now"), true));
  CHECK_FALSE(bench.store.join(bench.key("/a"), false).ticket.remembered());
  bench.store.outgrown(bench.store.find(bench.key("/a"), {}).response);
  CHECK(bench.found("/a") == "");
  CHECK(bench.store.join(bench.key("/a"), false).ticket.remembered_as_large());
  bench.store.join(bench.key("/a"), false).ticket.decline(Reason::PrivateResponse, true);  // the last word counts
  CHECK_FALSE(bench.store.join(bench.key("/a"), false).ticket.remembered_as_large());
}

TEST_CASE("an answer that is not shareable sends everybody off alone for a while", "[cache][store][collapsing]") {
  Bench bench;
  auto leader = bench.store.join(bench.key("/a"), false);
  auto follower = bench.store.join(bench.key("/a"), false);
  leader.ticket.decline(Reason::NoStore, true);
  CountingWaiter waiter;
  CHECK(follower.follow->look(waiter).verdict == FetchVerdict::Declined);
  CHECK(follower.follow->look(waiter).reason == Reason::NoStore);
  std::vector<Store::Joined> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back(bench.store.join(bench.key("/a"), false));
    CHECK(all.back().ticket);
    CHECK(all.back().ticket.remembered());
  }
  bench.clock.advance(Milliseconds(9999));
  CHECK(bench.store.join(bench.key("/a"), false).ticket.remembered());
  bench.clock.advance(Milliseconds(1));
  auto again = bench.store.join(bench.key("/a"), false);
  CHECK(again.ticket);
  CHECK_FALSE(again.ticket.remembered());
  CHECK(bench.store.join(bench.key("/a"), false).follow);
}

TEST_CASE("one that becomes shareable is shared again", "[cache][store][collapsing]") {
  Bench bench;
  bench.store.join(bench.key("/a"), false).ticket.decline(Reason::NoStore, true);
  auto alone = bench.store.join(bench.key("/a"), false);
  CHECK(alone.ticket.publish(bench.make("/a", "A"), true));
  CHECK(bench.found("/a") == "A");
  bench.store.invalidate(bench.key("/a"));
  auto leader = bench.store.join(bench.key("/a"), false);
  CHECK_FALSE(leader.ticket.remembered());
  CHECK(bench.store.join(bench.key("/a"), false).follow);
}

TEST_CASE("stored but not to be shared: those who wait go alone, and nobody waits for a while",
          "[cache][store][collapsing]") {
  Bench bench;
  auto leader = bench.store.join(bench.key("/a"), false);
  auto follower = bench.store.join(bench.key("/a"), false);
  CHECK(leader.ticket.publish(bench.make("/a", "A", "Cache-Control: no-cache|ETag: \"x\""), false));
  CountingWaiter waiter;
  CHECK(follower.follow->look(waiter).verdict == FetchVerdict::Declined);
  CHECK(bench.found("/a") == "A");
  CHECK(bench.store.join(bench.key("/a"), false).ticket.remembered());
}

TEST_CASE("declining without remembering lets the next one lead", "[cache][store][collapsing]") {
  Bench bench;
  bench.store.join(bench.key("/a"), false).ticket.decline(Reason::ClientClosed, false);
  auto leader = bench.store.join(bench.key("/a"), false);
  CHECK(leader.ticket);
  CHECK(bench.store.join(bench.key("/a"), false).follow);
}

TEST_CASE("a failure is told to those who wait", "[cache][store][collapsing]") {
  Bench bench;
  auto leader = bench.store.join(bench.key("/a"), false);
  auto follower = bench.store.join(bench.key("/a"), false);
  leader.ticket.fail(Reason::ConnectTimeout, 504);
  CountingWaiter waiter;
  const Fetch::Look look = follower.follow->look(waiter);
  CHECK(look.verdict == FetchVerdict::Failed);
  CHECK(look.reason == Reason::ConnectTimeout);
  CHECK(look.status == 504);
}

TEST_CASE("a dropped ticket declines, a moved one does not", "[cache][store][collapsing]") {
  Bench bench;
  CountingWaiter waiter;
  Ref<Fetch> fetch;
  {
    auto leader = bench.store.join(bench.key("/a"), false);
    fetch = bench.store.join(bench.key("/a"), false).follow;
    FetchTicket moved = std::move(leader.ticket);
    CHECK(fetch->look(waiter).verdict == FetchVerdict::Waiting);
    FetchTicket assigned;
    assigned = std::move(moved);
    CHECK(fetch->look(waiter).verdict == FetchVerdict::Waiting);
  }
  CHECK(waiter.wakes == 1);
  CHECK(fetch->look(waiter).verdict == FetchVerdict::Declined);
}

TEST_CASE("those who want to be alone are, and disturb nobody", "[cache][store][collapsing]") {
  Bench bench;
  auto leader = bench.store.join(bench.key("/a"), false);
  auto alone = bench.store.join(bench.key("/a"), true);
  CHECK(alone.ticket);
  CHECK(alone.ticket.publish(bench.make("/a", "A"), true));
  CHECK(bench.store.join(bench.key("/a"), false).follow);  // the leader is still under way
}

TEST_CASE("exactly one revalidates in the background", "[cache][store][rfc5861]") {
  Bench bench;
  auto first = bench.store.join_background(bench.key("/a"));
  REQUIRE(first);
  CHECK_FALSE(bench.store.join_background(bench.key("/a")));
  CHECK(bench.store.join(bench.key("/a"), false).follow);
  first->decline(Reason::None, false);
  CHECK(bench.store.join_background(bench.key("/a")));
}

TEST_CASE("a freshened response takes the place of the old one", "[cache][store][rfc9111-4.3.4]") {
  Bench bench;
  bench.put("/a", "A", "Cache-Control: max-age=60|ETag: \"1\"");
  auto old = bench.store.find(bench.key("/a"), {}).response;
  const auto renew = [&](std::string_view lines) {
    const Fields not_modified = fields_of(lines);
    const Time now = bench.clock.now();
    auto fresh = freshen(*old, get(), {304, not_modified}, {}, {now, now}, bench.store);
    auto joined = bench.store.join(bench.key("/a"), false);
    return joined.ticket.publish(old, fresh) ? fresh : Ref<StoredResponse>();
  };
  CHECK_FALSE(renew("Cache-Control: private"));  // not kept; the old one stays
  CHECK(bench.store.find(bench.key("/a"), {}).response == old);
  const auto fresh = renew("X: 1|Vary: Foo");
  REQUIRE(fresh);
  CHECK(bench.store.figures().objects == 1);
  CHECK(bench.store.find(bench.key("/a"), {}).response == fresh);
  CHECK(bench.found("/a") == "A");
}

TEST_CASE("what cannot be kept whole is not published, and not found", "[cache][store]") {
  Bench bench;
  CountingWaiter waiter;
  auto passing = StoredBody::make(bench.store, std::nullopt, 3);
  StoredBodyReader reader(passing);
  auto early = bench.with_body("/a", passing);
  auto joined = bench.store.join(bench.key("/a"), false);
  CHECK(joined.ticket.publish(early, true));
  CHECK(bench.store.find(bench.key("/a"), {}).response == early);  // still filling: readers join
  passing->append(bytes_of("four"), waiter);
  CHECK_FALSE(bench.store.find(bench.key("/a"), {}).response);
  bench.store.remove(early);
  bench.store.remove(early);
  CHECK(bench.store.figures().objects == 0);
  auto again = bench.store.join(bench.key("/a"), false);
  CHECK_FALSE(again.ticket.publish(bench.with_body("/a", passing), true));
  auto aborted = StoredBody::make(bench.store, std::nullopt, UINT64_MAX);
  aborted->abort(Reason::CutShort);
  auto third = bench.store.join(bench.key("/a"), false);
  CHECK_FALSE(third.ticket.publish(bench.with_body("/a", aborted), true));
  CHECK(bench.store.figures().objects == 0);
}

TEST_CASE("the budget holds, and what leaves gives its memory back", "[cache][store][memory]") {
  Bench bench(1u << 20);
  for (int i = 0; i < 5000; ++i) {
    const std::string path = "/" + std::to_string(i);
    bench.arena.reset();
    REQUIRE(bench.put(path, std::string(1000, 'x')));
    REQUIRE(bench.store.held() <= bench.store.limit());
  }
  const StoreFigures figures = bench.store.figures();
  CHECK(figures.objects > 400);
  CHECK(figures.objects + figures.evicted_for_room == 5000);
  CHECK(figures.bytes > (1u << 20) - 4000);
  for (int i = 0; i < 5000; ++i) bench.store.invalidate(bench.key("/" + std::to_string(i)));
  CHECK(bench.store.figures().objects == 0);
  CHECK(bench.store.held() == 0);
}

TEST_CASE("what is pinned is evicted from the index and freed later", "[cache][store][memory]") {
  Bench bench(1u << 20);
  bench.put("/pinned", std::string(400000, 'x'));
  auto pinned = bench.store.find(bench.key("/pinned"), {}).response;
  for (int i = 0; i < 100; ++i) bench.put("/" + std::to_string(i), std::string(100000, 'y'));
  CHECK(bench.found("/pinned") == "");
  CHECK(pinned->body()->contiguous()->size() == 400000);
  CHECK(bench.store.held() > 400000);
  const std::uint64_t before = bench.store.held();
  pinned = {};
  CHECK(bench.store.held() < before - 400000);
}

TEST_CASE("an object larger than half of the cache evicts nobody", "[cache][store][memory]") {
  Bench bench(1u << 20);
  for (int i = 0; i < 5; ++i) bench.put("/" + std::to_string(i), std::string(100000, 'y'));
  auto body = StoredBody::make(bench.store, 600000, UINT64_MAX);
  CHECK(body->passing());
  CHECK(bench.store.figures().objects == 5);
}

TEST_CASE("what is filling is evicted last", "[cache][store][memory]") {
  Bench bench(1u << 20);
  CountingWaiter waiter;
  auto body = StoredBody::make(bench.store, 300000, UINT64_MAX);
  StoredBodyReader reader(body);
  body->append(bytes_of("x"), waiter);
  auto joined = bench.store.join(bench.key("/filling"), false);
  CHECK(joined.ticket.publish(bench.with_body("/filling", body), true));
  for (int i = 0; i < 12; ++i) bench.put("/" + std::to_string(i), std::string(100000, 'y'));
  CHECK(bench.store.find(bench.key("/filling"), {}).response);
}

TEST_CASE("what leaves the store while it fills is kept no longer than its readers need it", "[cache][store][memory]") {
  Bench bench(1u << 20);
  const std::string piece(100'000, 'x');
  for (const std::string way : {"purged", "replaced", "evicted", "freshened"}) {
    INFO(way);
    auto body = StoredBody::make(bench.store, 400'000, UINT64_MAX);
    const auto response = bench.with_body("/a", body, "Cache-Control: max-age=60|ETag: \"1\"");
    REQUIRE(bench.store.join(bench.key("/a"), true).ticket.publish(response, true));
    StoredBodyReader reader(body);
    REQUIRE(body->append(bytes_of(piece), bench.waiter) == StoredBody::Appended::Taken);
    CHECK_FALSE(body->passing());
    if (way == "purged") bench.store.invalidate(bench.key("/a"));
    if (way == "replaced") REQUIRE(bench.put("/a", "B"));
    if (way == "evicted")
      for (int i = 0; i < 200; ++i) {
        const std::string path = "/b" + std::to_string(i);
        bench.put(path, std::string(20'000, 'y'));
        bench.store.find(bench.key(path), {});  // used, unlike the one that fills
      }
    if (way == "freshened") {
      const Fields fields = fields_of("Cache-Control: max-age=60");
      const Time now = bench.clock.now();
      auto fresh = freshen(*response, get(), {304, fields}, {}, {now, now}, bench.store);
      REQUIRE(bench.store.join(bench.key("/a"), true).ticket.publish(response, fresh));
    }
    CHECK(body->passing() == (way != "freshened"));
    CHECK(text_of(reader.look(bench.waiter).bytes) == piece);  // who reads it goes on
    CHECK(body->append(bytes_of(piece), bench.waiter) == StoredBody::Appended::Taken);
    body->abort(Reason::CutShort);
    bench.store.invalidate(bench.key("/a"));
  }
}

TEST_CASE("useless responses leave by themselves, useful ones stay", "[cache][store][expiry]") {
  Bench bench;
  bench.put("/forbids", "x", "Cache-Control: max-age=60, must-revalidate");
  bench.put("/plain", "x", "Cache-Control: max-age=60");
  bench.put("/swr", "x", "Cache-Control: max-age=60, stale-while-revalidate=2000");
  bench.put("/etag", "x", "Cache-Control: max-age=60|ETag: \"1\"");
  bench.put("/long", "x", "Cache-Control: max-age=100000");
  const auto there = [&](std::string_view path) {
    return static_cast<bool>(bench.store.find(bench.key(path), {}).response);
  };
  const auto pass = [&](int seconds) {
    std::size_t left = 0;
    for (int i = 0; i < seconds; i += 10) {
      bench.clock.advance(Milliseconds(10000));
      left += bench.store.expire_some(bench.clock.now().steady, 1000);
    }
    return left;
  };
  CHECK(pass(50) == 0);
  CHECK(pass(10) == 1);
  CHECK_FALSE(there("/forbids"));
  CHECK(there("/plain"));  // for when the origin cannot be reached
  CHECK(pass(600) == 1);
  CHECK_FALSE(there("/plain"));
  CHECK(there("/swr"));
  CHECK(pass(1400) == 1);
  CHECK_FALSE(there("/swr"));
  CHECK(there("/etag"));
  CHECK(pass(1600) == 1);
  CHECK_FALSE(there("/etag"));
  CHECK(there("/long"));
  CHECK(bench.store.figures().expired == 4);
  CHECK(bench.store.figures().evicted_for_room == 0);
  CHECK(bench.store.expire_some(bench.clock.now().steady, 0) == 0);
}

TEST_CASE("what may stand in for the origin by default is kept so long", "[cache][store][expiry][rfc5861-4]") {
  StoreOptions options = Bench::options(64u << 20, 64);
  options.default_stale_if_error = Seconds{5000};
  Bench bench(options);
  bench.put("/plain", "x", "Cache-Control: max-age=60");
  bench.put("/own", "x", "Cache-Control: max-age=60, stale-if-error=2000");
  bench.put("/forbids", "x", "Cache-Control: max-age=60, s-maxage=60");
  const auto there_at = [&](std::int64_t seconds) {
    bench.clock.advance(std::chrono::duration_cast<Milliseconds>(at(seconds).steady - bench.clock.now().steady));
    bench.store.expire_some(bench.clock.now().steady, 100'000);
    return bench.found("/plain") + bench.found("/own") + bench.found("/forbids");
  };
  CHECK(there_at(59) == "xxx");
  CHECK(there_at(70) == "xx");
  CHECK(there_at(2050) == "xx");
  CHECK(there_at(2070) == "x");
  CHECK(there_at(5055) == "x");
  CHECK(there_at(5070) == "");
}

TEST_CASE("for room, the useless leave before the useful", "[cache][store][expiry]") {
  Bench bench(1u << 20);
  bench.put("/useless", std::string(100, 'x'), "Cache-Control: max-age=1, must-revalidate");
  bench.clock.advance(Milliseconds(10000));
  for (int i = 0; i < 20; ++i) bench.put("/" + std::to_string(i), std::string(100000, 'y'));
  CHECK(bench.store.figures().expired == 1);
  CHECK(bench.found("/useless") == "");
}

TEST_CASE("a store of any size and shard count works", "[cache][store]") {
  for (const unsigned shards : {0u, 1u, 2u, 3u, 64u, 100u}) {
    for (const std::uint64_t size :
         {std::uint64_t{1}, std::uint64_t{10000}, std::uint64_t{64} << 20, std::uint64_t{1} << 40}) {
      test::FakeClock clock;
      StoreOptions options;
      options.max_size = size;
      options.shards = shards;
      Store store(options, clock);
      Arena arena;
      const CacheKey key = make_cache_key("p", "http", "a.test", "/", arena);
      CHECK_FALSE(store.find(key, {}).response);
      auto joined = store.join(key, false);
      CHECK(joined.ticket);
      joined.ticket.decline(Reason::NoStore, true);
      CHECK(store.join(key, false).ticket.remembered());
    }
  }
}
