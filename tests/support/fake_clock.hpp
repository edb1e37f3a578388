// Time that stands still until a test moves it.
#pragma once

#include <chrono>

#include "freshet/base/clock.hpp"

namespace freshet::test {

/// Starts at 2026-01-01T00:00:00Z on the wall and at 1000 s of monotonic time. One thread.
class FakeClock final : public Clock {
 public:
  static constexpr std::int64_t kStartUnix = 1767225600;  // 2026-01-01T00:00:00Z
  static WallTime start_wall() { return WallTime(std::chrono::seconds(kStartUnix)); }
  static SteadyTime start_steady() { return SteadyTime(std::chrono::seconds(1000)); }

  Time now() const noexcept override { return time_; }

  /// Moves both clocks.
  void advance(Milliseconds by) noexcept {
    time_.steady += by;
    time_.wall += by;
  }
  /// Steps the wall clock alone, as an administrator or NTP does.
  void set_wall(WallTime wall) noexcept { time_.wall = wall; }

 private:
  Time time_{start_steady(), start_wall()};
};

}  // namespace freshet::test
