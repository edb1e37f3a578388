#include "freshet/base/small_mutex.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <mutex>
#include <thread>

using namespace freshet;

TEST_CASE("a small mutex lets one in at a time, and wakes those who wait", "[base]") {
  static_assert(sizeof(SmallMutex) == 1);
  constexpr int kRounds = 20000;
  SmallMutex mutex;
  int count = 0;  // plain: two at a time would lose some
  std::array<std::thread, 4> threads;
  for (std::thread& thread : threads)
    thread = std::thread([&] {
      for (int i = 0; i < kRounds; ++i) {
        const std::lock_guard lock(mutex);
        const int seen = count;
        if (i % 64 == 0) std::this_thread::yield();  // the others come meanwhile
        count = seen + 1;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(count == 4 * kRounds);
}

TEST_CASE("a small mutex that is taken is not waited for by those who only try", "[base]") {
  SmallMutex mutex;
  {
    const std::unique_lock first(mutex, std::try_to_lock);
    REQUIRE(first.owns_lock());
    CHECK_FALSE(std::unique_lock(mutex, std::try_to_lock).owns_lock());
  }
  CHECK(std::unique_lock(mutex, std::try_to_lock).owns_lock());
}
