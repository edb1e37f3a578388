// What an invalidation takes out of the store, and what it keeps out (RFC 9111 4.4).
#include <catch2/catch.hpp>
#include <string>

#include "parts.hpp"

using namespace freshet;
using test::fields_of;
using test::get;

namespace {

/// A store with one path "/x" and the rule that "u" does not matter.
class Bench {
 public:
  CacheKey uri(std::string_view target) { return make_cache_key("p", "http", "a.test", target, arena); }
  CacheKey shared(std::string_view target) {
    const CacheKey key = uri(target);
    Fields fields;
    fields.add(FieldId::NoVarySearch, "params=(\"u\")");
    const UrlVariation variation = parse_no_vary_search(fields);
    const SearchRule known = store.search_rules().learn(hash_key(path_of_key(key.text)), variation);
    return make_search_key(key, known, arena).value();
  }
  Ref<StoredResponse> make(const CacheKey& key) {
    auto body = StoredBody::make(store, 0, UINT64_MAX);
    body->finish();
    const Fields response = fields_of("Cache-Control: max-age=60");
    const StoreDecision decision = decide_store(get(), {200, response}, {}, {}, {clock.now(), clock.now()});
    return make_stored_response(key.text, "", {200, response}, decision, body, "", clock.now().wall, store);
  }
  bool there(const CacheKey& key) { return static_cast<bool>(store.find(key, {}).response); }

  test::FakeClock clock;
  Store store{{}, clock};
  Arena arena;
};

}  // namespace

TEST_CASE("a response may be stored under another key of its path", "[cache][store][no-vary-search]") {
  Bench bench;
  auto ticket = bench.store.join(bench.uri("/x?a&u=1"), false).ticket;
  const auto follow = bench.store.join(bench.uri("/x?a&u=1"), false).follow;
  CHECK(ticket.publish(bench.make(bench.shared("/x?a&u=1")), true));
  CHECK(bench.there(bench.shared("/x?a&u=2")));
  CHECK_FALSE(bench.there(bench.uri("/x?a&u=1")));
  test::CountingWaiter waiter;
  CHECK(follow->look(waiter).verdict == FetchVerdict::Published);
}

TEST_CASE("an invalidation of any URL of the path meanwhile keeps it out",
          "[cache][store][no-vary-search][rfc9111-4.4]") {
  for (const char* target : {"/x?a&u=1", "/x?a&u=2", "/x", "/x?b"}) {
    INFO(target);
    Bench bench;
    auto ticket = bench.store.join(bench.uri("/x?a&u=1"), true).ticket;
    bench.store.invalidate(bench.uri(target));
    CHECK_FALSE(ticket.publish(bench.make(bench.shared("/x?a&u=1")), true));
  }
}

TEST_CASE("an invalidation of an equivalent URL takes the response out",
          "[cache][store][no-vary-search][rfc9111-4.4]") {
  Bench bench;
  auto ticket = bench.store.join(bench.uri("/x?a&u=1"), true).ticket;
  REQUIRE(ticket.publish(bench.make(bench.shared("/x?a&u=1")), true));
  CHECK(bench.store.invalidate(bench.uri("/x?b")) == 0);
  CHECK(bench.store.invalidate(bench.uri("/y?a")) == 0);
  CHECK(bench.there(bench.shared("/x?a")));
  CHECK(bench.store.invalidate(bench.uri("/x?u=7&a")) == 1);
  CHECK_FALSE(bench.there(bench.shared("/x?a")));
}

TEST_CASE("who invalidates may store its own answer, unless others invalidated too", "[cache][store][rfc9111-4.4]") {
  for (const bool others_too : {false, true}) {
    Bench bench;
    const CacheKey a = bench.uri("/a"), b = bench.uri("/b");
    auto own = bench.store.join(a, true).ticket;
    auto earlier = bench.store.join(a, true).ticket;
    if (others_too) bench.store.invalidate(a);
    CHECK(bench.store.invalidate(a, own) == 0);
    CHECK(bench.store.invalidate(b, own) == 0);
    CHECK_FALSE(earlier.publish(bench.make(a), true));
    CHECK(bool(own.publish(bench.make(a), true)) == !others_too);
    CHECK(bench.there(a) == !others_too);
  }
}

TEST_CASE("each invalidation of a URI begins a new generation", "[cache][store][rfc9111-4.4]") {
  Bench bench;
  const CacheKey uri = bench.uri("/x");
  const std::uint32_t before = bench.store.uri_generation(uri);
  CHECK(bench.store.uri_generation(uri) == before);
  bench.store.invalidate(uri);
  CHECK(bench.store.uri_generation(uri) == before + 1);
}
