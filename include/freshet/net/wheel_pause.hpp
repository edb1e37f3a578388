// A Pause on a worker's deadline wheel.
#pragma once

#include "freshet/async/pause.hpp"
#include "freshet/async/wakeup.hpp"
#include "freshet/net/deadline_wheel.hpp"

namespace freshet {

/// As exact as the wheel's tick. The wheel outlives all who wait.
class WheelPause final : public Pause {
 public:
  explicit WheelPause(DeadlineWheel& wheel) noexcept : wheel_(wheel) {}
  Task<void> wait(Milliseconds time) override {
    Wakeup over;
    Deadline deadline(
        wheel_, [](void* wakeup) noexcept { static_cast<Wakeup*>(wakeup)->wake(); }, &over);
    deadline.arm(time);
    co_await over.wait();
  }

 private:
  DeadlineWheel& wheel_;
};

}  // namespace freshet
