// Whether a client is slower than it may be. Pure: time and bytes are told.
#pragma once

#include <cstdint>

#include "freshet/base/clock.hpp"
#include "freshet/frontend/rate_floor.hpp"

namespace freshet {

/// One direction of one connection. Only the time between begin() and end() passes here, which is time spent waiting
/// for the client; what an origin needs, or what goes by at once, takes none. The waits are added up into windows, and
/// in each window the client has to move its share. One thread.
class Pace {
 public:
  explicit Pace(const RateFloor& floor) noexcept : floor_(floor) {}

  bool limits() const noexcept { return floor_.bytes_per_second > 0; }
  /// From now on any rate will do.
  void lift() noexcept { floor_.bytes_per_second = 0; }

  /// A wait begins. `moved`: bytes so far, in all.
  void begin(SteadyTime now, std::uint64_t moved) noexcept;
  /// It has ended.
  void end(SteadyTime now) noexcept;
  /// How long the wait under way may go on before the window is full.
  Milliseconds left() const noexcept;
  bool window_is_full(SteadyTime now) const noexcept;
  /// Judges a window, and begins the next. REQUIRES: window_is_full(now).
  bool was_too_slow(SteadyTime now, std::uint64_t moved) noexcept;

 private:
  SteadyTime::duration waited(SteadyTime now) const noexcept;
  RateFloor floor_;
  SteadyTime since_;
  SteadyTime::duration waited_{};  // in this window, without the wait under way
  std::uint64_t moved_before_ = 0;
  bool open_ = false;  // a window is
  bool waiting_ = false;
};

}  // namespace freshet
