#include "pace.hpp"

#include <algorithm>

namespace freshet {

void Pace::begin(SteadyTime now, std::uint64_t moved) noexcept {
  if (!open_) {
    open_ = true;
    moved_before_ = moved;
    waited_ = {};
  }
  since_ = now;
  waiting_ = true;
}

void Pace::end(SteadyTime now) noexcept {
  waited_ = waited(now);
  waiting_ = false;
}

SteadyTime::duration Pace::waited(SteadyTime now) const noexcept {
  return waiting_ ? waited_ + std::max(now - since_, SteadyTime::duration(0)) : waited_;
}

Milliseconds Pace::left() const noexcept {
  const auto left = std::chrono::ceil<Milliseconds>(floor_.window - waited_);
  return std::max(left, Milliseconds(1));
}

bool Pace::window_is_full(SteadyTime now) const noexcept { return limits() && open_ && waited(now) >= floor_.window; }

bool Pace::was_too_slow(SteadyTime now, std::uint64_t moved) noexcept {
  const auto milliseconds = std::chrono::duration_cast<Milliseconds>(waited(now)).count();
  const double wanted = static_cast<double>(floor_.bytes_per_second) * static_cast<double>(milliseconds) / 1000;
  const bool slow = static_cast<double>(moved - moved_before_) < wanted;
  waited_ = {};
  since_ = now;
  moved_before_ = moved;
  open_ = waiting_;
  return slow;
}

}  // namespace freshet
