#include "freshet/base/clock.hpp"

namespace freshet {
namespace {

/// How long the distance between the two clocks is taken for what it was: a step of the wall clock shows so late.
constexpr std::chrono::milliseconds kSame(10);

/// One for each thread: of the two clocks, one read is enough nearly always.
struct Distance {
  SteadyTime until;
  std::chrono::system_clock::duration wall;  // what the wall clock is ahead
};

}  // namespace

Time SystemClock::now() const noexcept {
  thread_local constinit Distance distance{};
  const SteadyTime steady = std::chrono::steady_clock::now();
  if (steady >= distance.until) {
    distance.wall = std::chrono::system_clock::now().time_since_epoch() - steady.time_since_epoch();
    distance.until = steady + kSame;
  }
  const std::chrono::system_clock::time_point wall(steady.time_since_epoch() + distance.wall);
  return {steady, std::chrono::time_point_cast<Milliseconds>(wall)};
}

}  // namespace freshet
