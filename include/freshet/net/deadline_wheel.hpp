// One timer wheel per worker instead of one timer per request: arming and disarming costs next to nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "freshet/base/clock.hpp"

namespace freshet {

class DeadlineWheel;

/// Something that should not take longer than agreed. Belongs to one worker's thread. Disarms itself when destroyed.
class Deadline {
 public:
  /// `expired` is called on the wheel's thread, at most once per arm(), from DeadlineWheel::advance().
  using Expired = void (*)(void* owner) noexcept;
  Deadline(DeadlineWheel& wheel, Expired expired, void* owner) noexcept
      : wheel_(wheel), expired_(expired), owner_(owner) {}
  ~Deadline() {
    disarm();
    unlink();
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  /// Expires `after` from the wheel's time, rounded up to its tick; arming again moves it. O(1), no allocation. The
  /// wheel's time is that of the last advance(): a deadline can come up to one tick early by the real clock.
  void arm(Milliseconds after) noexcept;
  void disarm() noexcept;
  bool armed() const noexcept { return due_ != kNever; }

 private:
  friend class DeadlineWheel;
  static constexpr std::uint64_t kNever = UINT64_MAX;
  void link(Deadline*& list) noexcept;
  void unlink() noexcept;
  DeadlineWheel& wheel_;
  Expired expired_;
  void* owner_;
  // One that is disarmed, or armed again for later, stays where it is until the wheel comes by.
  std::uint64_t due_ = kNever;     // tick
  std::uint64_t visit_ = 0;        // the tick when the wheel looks at it
  Deadline** previous_ = nullptr;  // the pointer that points here; null: in no list
  Deadline* next_ = nullptr;
};

/// Hashed wheel; far deadlines stay in their slot for several turns. The worker calls advance() from one repeating
/// timer; a test calls it with any time it likes.
class DeadlineWheel {
 public:
  explicit DeadlineWheel(SteadyTime now, Milliseconds tick = Milliseconds(50)) noexcept
      : start_(now), now_(now), tick_(tick) {}
  DeadlineWheel(const DeadlineWheel&) = delete;
  DeadlineWheel& operator=(const DeadlineWheel&) = delete;

  /// Expires all that is due at `now`. A callback may arm and disarm any deadline, and destroy its owner. What a
  /// callback arms never expires in the same call. Time that goes backwards is ignored.
  void advance(SteadyTime now) noexcept;
  Milliseconds tick() const noexcept { return tick_; }
  /// How many deadlines are armed.
  std::size_t armed() const noexcept { return armed_; }
  /// `first` is called by the arm() that finds no other deadline armed, before it looks at the wheel's time: whoever
  /// stopped calling advance() because nothing was armed brings the wheel up to date there and starts again.
  using FirstArmed = void (*)(void* owner) noexcept;
  void on_first_armed(FirstArmed first, void* owner) noexcept {
    first_armed_ = first;
    first_armed_owner_ = owner;
  }

 private:
  friend class Deadline;
  static constexpr std::size_t kSlots = 1024;
  std::uint64_t due_tick(Milliseconds after) const noexcept;
  SteadyTime start_;
  SteadyTime now_;
  Milliseconds tick_;
  std::uint64_t current_ = 0;  // the last tick that has been expired
  std::size_t armed_ = 0;
  FirstArmed first_armed_ = nullptr;
  void* first_armed_owner_ = nullptr;
  std::array<Deadline*, kSlots> slots_{};
};

}  // namespace freshet
