#include "freshet/cache/groups.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <string>

#include "freshet/cache/key.hpp"
#include "parts.hpp"
#include "support/alloc_counter.hpp"

using namespace freshet;

namespace {

const SteadyTime kNow = test::FakeClock::start_steady();

struct Bench {
  test::PlainLedger ledger;
  CacheGroups groups{ledger};
};

}  // namespace

TEST_CASE("the origin of a key", "[cache][groups][rfc9875-2.1]") {
  CHECK(origin_of_key("app http://a.test/x?y http://b.test/") == "app http://a.test");
  CHECK(origin_of_key("app http://a.test:81") == "app http://a.test:81");
  CHECK(origin_of_key("a/b://c http://a.test/x SEARCH 1 2 q") == "a/b://c http://a.test");
  CHECK(origin_of_key("key") == "key");
}

TEST_CASE("members of a group share its fate, in one origin or in all", "[cache][groups]") {
  Bench b;
  Group* const one = b.groups.join("p http://a", "g");
  Group* const same = b.groups.join("p http://a", "g");
  Group* const other = b.groups.join("p http://b", "g");
  Group* const third = b.groups.join("p http://a", "h");
  CHECK(one == same);
  CHECK(one != other);
  const std::uint64_t before = b.groups.now();
  CHECK(b.groups.purge("p http://a", "g", Purge::Soft, kNow) == 2);
  CHECK(one->outdated_since(before) == kNow);
  CHECK_FALSE(one->outdated_since(b.groups.now()));
  CHECK_FALSE(other->outdated_since(before));
  CHECK_FALSE(one->is_purged());
  CHECK(b.groups.purge_everywhere("g", Purge::Soft, kNow + Seconds(5)) == 3);
  CHECK(one->outdated_since(before) == kNow);
  CHECK(one->outdated_since(before + 1) == kNow + Seconds(5));
  CHECK(other->outdated_since(before) == kNow + Seconds(5));
  CHECK(b.groups.purge("p http://a", "g", Purge::Hard, kNow) == 2);
  CHECK(one->is_purged());
  CHECK_FALSE(other->is_purged());
  Group* const next = b.groups.join("p http://a", "g");
  CHECK(next != one);
  CHECK_FALSE(next->is_purged());
  CHECK_FALSE(next->outdated_since(b.groups.now()));
  CHECK(b.groups.purge_everywhere("g", Purge::Hard, kNow) == 4);
  CHECK(next->is_purged());
  CHECK(other->is_purged());
  CHECK_FALSE(third->is_purged());
  Group* const again = b.groups.join("p http://b", "g");
  CHECK_FALSE(again->is_purged());
  CHECK(b.groups.purge_everywhere("g", Purge::Hard, kNow) == 1);
  CHECK(b.groups.emptied() == 3);
  for (Group* const group : {one, same, other, third, next, again}) b.groups.leave(*group);
  CHECK(b.ledger.held() == 0);
}

TEST_CASE("a purge is noticed by who asked before it", "[cache][groups]") {
  Bench b;
  Group* const group = b.groups.join("p http://a", "g");
  const std::array<Group*, 1> list{group};
  const std::uint64_t began = b.groups.now();
  CHECK_FALSE(b.groups.purged_since(began, "p http://a", list));
  b.groups.purge("p http://a", "h", Purge::Hard, kNow);
  b.groups.purge("p http://b", "g", Purge::Hard, kNow);
  b.groups.purge_everywhere("h", Purge::Hard, kNow);
  CHECK_FALSE(b.groups.purged_since(began, "p http://a", list));
  CHECK_FALSE(b.groups.purged_since(began, "p http://a", {}));
  const std::uint64_t later = b.groups.now();
  b.groups.purge("p http://a", "g", Purge::Soft, kNow);
  CHECK(b.groups.purged_since(began, "p http://a", list));
  CHECK(b.groups.purged_since(later, "p http://a", list));
  CHECK_FALSE(b.groups.purged_since(b.groups.now(), "p http://a", list));
  const std::uint64_t last = b.groups.now();
  b.groups.purge_everywhere("g", Purge::Hard, kNow);
  CHECK(b.groups.purged_since(last, "p http://a", list));
  b.groups.leave(*group);
}

TEST_CASE("who purges many groups at once takes no more of what others are remembered by", "[cache][groups]") {
  Bench b;
  Group* const group = b.groups.join("p http://a", "g");
  Group* const other = b.groups.join("p http://b", "g");
  const std::uint64_t began = b.groups.now();
  const std::vector<std::string> few = {"1", "2", "3"};
  std::vector<std::string> many(100);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = std::to_string(i);
  b.groups.purge("p http://a", few, Purge::Hard, kNow);
  CHECK_FALSE(b.groups.purged_since(began, "p http://a", std::array{group}));
  for (int i = 0; i < 200; ++i) b.groups.purge("p http://a", many, Purge::Hard, kNow);
  CHECK(b.groups.purged_since(began, "p http://a", std::array{group}));
  CHECK_FALSE(b.groups.purged_since(began, "p http://b", std::array{other}));
  CHECK_FALSE(group->is_purged());
  many.push_back("g");
  b.groups.purge("p http://a", many, Purge::Hard, kNow);
  CHECK(group->is_purged());
  CHECK_FALSE(other->is_purged());
  for (Group* const each : {group, other}) b.groups.leave(*each);
}

TEST_CASE("without memory nothing is joined, and nothing is lost", "[cache][groups]") {
  test::PlainLedger small(100);
  CacheGroups groups(small);
  CHECK(groups.join("p http://a", "g") == nullptr);
  CHECK(small.held() == 0);
  Bench b;
  for (std::size_t n = 1; n < 8; ++n) {
    const AllocFailure failing(n);
    if (Group* const group = b.groups.join("p http://a", "a name that no short string holds")) b.groups.leave(*group);
  }
  CHECK(b.ledger.held() == 0);
}
