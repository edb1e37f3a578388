#include "freshet/net/deadline_wheel.hpp"

#include <algorithm>

#include "freshet/base/check.hpp"

namespace freshet {

void Deadline::arm(Milliseconds after) noexcept {
  disarm();
  if (wheel_.armed_ == 0 && wheel_.first_armed_) wheel_.first_armed_(wheel_.first_armed_owner_);
  due_ = wheel_.due_tick(after);
  ++wheel_.armed_;
  // Where it lies it will be met in time, and can move on then: only its own memory is touched now.
  const bool is_met_in_time = previous_ && visit_ > wheel_.current_ && visit_ <= due_;
  if (is_met_in_time) return;
  unlink();
  visit_ = due_;
  link(wheel_.slots_[due_ % DeadlineWheel::kSlots]);
}

void Deadline::disarm() noexcept {
  if (!armed()) return;
  due_ = kNever;
  --wheel_.armed_;
}

void Deadline::link(Deadline*& list) noexcept {
  next_ = list;
  if (next_) next_->previous_ = &next_;
  previous_ = &list;
  list = this;
}

void Deadline::unlink() noexcept {
  if (!previous_) return;
  *previous_ = next_;
  if (next_) next_->previous_ = previous_;
  previous_ = nullptr;
  next_ = nullptr;
}

std::uint64_t DeadlineWheel::due_tick(Milliseconds after) const noexcept {
  // Longer than any process lives; keeps the sum below within 64 bits.
  constexpr Milliseconds kLongest = std::chrono::hours(24 * 365 * 100);
  const auto wait = std::clamp(after, Milliseconds(0), kLongest);
  const auto ticks = (now_ - start_ + wait + tick_ - SteadyTime::duration(1)) / tick_;
  return std::max(static_cast<std::uint64_t>(ticks), current_ + 1);
}

void DeadlineWheel::advance(SteadyTime now) noexcept {
  if (now < now_) return;
  now_ = now;
  const auto target = static_cast<std::uint64_t>((now - start_) / tick_);
  const std::uint64_t from = current_;
  current_ = target;
  if (armed_ == 0) return;

  // First everything that is due moves to a list of its own, so that callbacks meet a wheel that is already in order.
  Deadline* due = nullptr;
  const std::uint64_t steps = std::min<std::uint64_t>(target - from, kSlots);
  for (std::uint64_t step = 1; step <= steps; ++step) {
    Deadline* next = nullptr;
    for (Deadline* d = slots_[(from + step) % kSlots]; d; d = next) {
      next = d->next_;
      if (d->visit_ > target) continue;  // turns ahead
      d->unlink();
      if (!d->armed()) continue;
      const bool is_due = d->due_ <= target;
      if (!is_due) d->visit_ = d->due_;
      d->link(is_due ? due : slots_[d->due_ % kSlots]);
    }
  }
  while (Deadline* d = due) {
    d->unlink();
    if (!d->armed()) continue;  // a callback has disarmed it
    d->disarm();                // before the call: the callback may arm it again or destroy it
    d->expired_(d->owner_);
  }
}

}  // namespace freshet
