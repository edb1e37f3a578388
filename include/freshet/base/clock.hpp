// Time. Policy computes ages on the steady clock, so that a step of the wall clock changes no verdict;
// the wall clock is for Date fields and logs alone.
#pragma once

#include <chrono>
#include <cstdint>

namespace freshet {

using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::duration<std::int64_t>;
/// A point on the monotonic clock; it means nothing outside this process.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
/// A point on the wall clock (UTC).
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/// The two clocks at one moment.
struct Time {
  SteadyTime steady;
  WallTime wall;
  Time() = default;
  Time(SteadyTime s, WallTime w) : steady(s), wall(w) {}
};

/// Where a component takes the time from; tests put a fake in its place. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const noexcept = 0;
};

/// The operating system's clocks. That the wall clock has been set shows up to 10 ms late.
class SystemClock final : public Clock {
 public:
  Time now() const noexcept override;
};

/// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
inline std::int64_t unix_seconds(WallTime t) noexcept {
  return std::chrono::floor<Seconds>(t).time_since_epoch().count();
}

}  // namespace freshet
