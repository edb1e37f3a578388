#include "freshet/upstream/balance.hpp"

#include <catch2/catch.hpp>

using namespace freshet;

namespace {
const SteadyTime kStart{std::chrono::seconds(100)};
const std::vector<std::size_t> kNone;
}  // namespace

TEST_CASE("Servers take turns, beginning where the worker is told to", "[upstream][balance]") {
  Balance balance(3, Milliseconds(10000), 4);
  std::vector<std::size_t> picked;
  for (int i = 0; i < 5; ++i) picked.push_back(*balance.pick(kStart, kNone));
  CHECK(picked == std::vector<std::size_t>{1, 2, 0, 1, 2});
}

TEST_CASE("A failed server is left out until its time is over", "[upstream][balance]") {
  Balance balance(2, Milliseconds(10000));
  balance.failed(0, kStart);
  CHECK_FALSE(balance.healthy(0, kStart));
  CHECK(*balance.pick(kStart, kNone) == 1);
  CHECK(*balance.pick(kStart + Milliseconds(9999), kNone) == 1);
  CHECK(balance.healthy(0, kStart + Milliseconds(10000)));
  CHECK(*balance.pick(kStart + Milliseconds(10000), kNone) == 0);
}

TEST_CASE("The last server that is left is never set aside", "[upstream][balance]") {
  SECTION("when it is the only one") {
    Balance balance(1, Milliseconds(10000));
    balance.failed(0, kStart);
    CHECK(balance.healthy(0, kStart));
    CHECK(*balance.pick(kStart, kNone) == 0);
  }
  SECTION("when the others are set aside") {
    Balance balance(2, Milliseconds(10000));
    balance.failed(1, kStart);
    balance.failed(0, kStart);
    CHECK(balance.healthy(0, kStart));
    CHECK_FALSE(balance.healthy(1, kStart));
  }
}

TEST_CASE("When only set-aside servers are untried, the one whose time ends first is next", "[upstream][balance]") {
  Balance balance(3, Milliseconds(10000));
  balance.failed(2, kStart);
  balance.failed(1, kStart + Milliseconds(1));
  CHECK(*balance.pick(kStart + Milliseconds(2), kNone) == 0);
  CHECK(*balance.pick(kStart + Milliseconds(2), std::vector<std::size_t>{0}) == 2);
  CHECK(*balance.pick(kStart + Milliseconds(2), std::vector<std::size_t>{0, 2}) == 1);
  CHECK_FALSE(balance.pick(kStart + Milliseconds(2), std::vector<std::size_t>{0, 2, 1}));
}

TEST_CASE("A server that answers is no longer set aside", "[upstream][balance]") {
  Balance balance(2, Milliseconds(10000));
  balance.failed(0, kStart);
  balance.answered(0);
  CHECK(balance.healthy(0, kStart));
}
