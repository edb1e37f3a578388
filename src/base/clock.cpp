#include "freshet/base/clock.hpp"

namespace freshet {

Time SystemClock::now() const noexcept {
  thread_local SteadyTime asked = SteadyTime::min();
  thread_local WallTime wall;
  const SteadyTime now = steady();
  if (asked == SteadyTime::min() || now - asked >= Milliseconds(1)) {
    wall = std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now());
    asked = now;
  }
  return {now, wall};
}

SteadyTime SystemClock::steady() const noexcept { return std::chrono::steady_clock::now(); }

}  // namespace freshet
