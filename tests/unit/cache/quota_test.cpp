#include "freshet/cache/quota.hpp"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using namespace freshet;

TEST_CASE("a quota gives what there is, and takes it back", "[cache][quota]") {
  Quota quota(3);
  {
    const Quota::Share a = quota.take(), b = quota.take(2);
    CHECK(a);
    CHECK(b);
    CHECK_FALSE(quota.take());
    CHECK(quota.taken() == 3);
  }
  CHECK(quota.taken() == 0);
  CHECK_FALSE(quota.take(4));
  CHECK_FALSE(quota.take(UINT64_MAX));
}

TEST_CASE("a share may be moved and may grow", "[cache][quota]") {
  Quota quota(10);
  Quota::Share share = quota.take(0);
  CHECK(share);
  CHECK(share.grow(10));
  CHECK_FALSE(share.grow(1));
  Quota::Share other = std::move(share);
  CHECK_FALSE(share);
  CHECK(quota.taken() == 10);
  other = Quota::Share();
  CHECK(quota.taken() == 0);
}

TEST_CASE("threads never take more than there is", "[cache][quota][threads]") {
  Quota quota(5);
  std::vector<std::thread> threads;
  std::atomic<std::uint64_t> most{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 10000; ++n) {
        const Quota::Share share = quota.take(2);
        const std::uint64_t now = quota.taken();
        for (std::uint64_t seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(most <= 5);
  CHECK(quota.taken() == 0);
}
