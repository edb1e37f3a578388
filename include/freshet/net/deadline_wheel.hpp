// One timer wheel per worker instead of one timer per request: arming and disarming is a list operation.
#pragma once

#include <array>
#include <cstdint>

#include "freshet/base/clock.hpp"

namespace freshet {

class DeadlineWheel;

/// Something that should not take longer than agreed. Belongs to one worker's thread. Disarms itself when destroyed.
class Deadline {
 public:
  /// `expired` is called on the wheel's thread, at most once per arm(), from DeadlineWheel::advance().
  using Expired = void (*)(void* owner) noexcept;
  Deadline(DeadlineWheel& wheel, Expired expired, void* owner) noexcept : wheel_(wheel), expired_(expired), owner_(owner) {}
  ~Deadline() { disarm(); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  /// Expires `after` from now, rounded up to the wheel's tick; arming again moves it. O(1), no allocation.
  void arm(Milliseconds after) noexcept;
  void disarm() noexcept;
  bool armed() const noexcept { return previous_ != nullptr; }

 private:
  friend class DeadlineWheel;
  DeadlineWheel& wheel_;
  Expired expired_;
  void* owner_;
  std::uint64_t due_ = 0;  // tick
  Deadline** previous_ = nullptr;
  Deadline* next_ = nullptr;
};

/// Hashed wheel; far deadlines stay in their slot for several turns. The worker calls advance() from one repeating timer; a test
/// calls it with any time it likes.
class DeadlineWheel {
 public:
  explicit DeadlineWheel(SteadyTime now, Milliseconds tick = Milliseconds(50)) noexcept : start_(now), tick_(tick) {}
  DeadlineWheel(const DeadlineWheel&) = delete;
  DeadlineWheel& operator=(const DeadlineWheel&) = delete;

  /// Expires all that is due at `now`. A callback may arm and disarm any deadline, and destroy its owner.
  void advance(SteadyTime now) noexcept;
  Milliseconds tick() const noexcept { return tick_; }

 private:
  friend class Deadline;
  static constexpr std::size_t kSlots = 1024;
  SteadyTime start_;
  Milliseconds tick_;
  std::uint64_t current_ = 0;
  std::array<Deadline*, kSlots> slots_{};
};

}  // namespace freshet
