#include "freshet/base/clock.hpp"

#include <catch2/catch.hpp>

using namespace freshet;

TEST_CASE("the wall clock is told to the millisecond, and the steady one never goes back", "[base][clock]") {
  const SystemClock clock;
  SteadyTime before = clock.steady();
  for (int i = 0; i < 100'000; ++i) {
    const auto earliest = std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now()) - Milliseconds(2);
    const Time now = clock.now();
    REQUIRE(now.steady >= before);
    REQUIRE(now.wall >= earliest);
    REQUIRE(now.wall <= std::chrono::system_clock::now());
    before = now.steady;
  }
}
