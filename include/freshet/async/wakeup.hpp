// Lets a coroutine wait for something that another thread, or code without an event loop, will report.
#pragma once

#include <atomic>
#include <memory>

#include "freshet/async/task.hpp"
#include "freshet/base/waiter.hpp"

namespace freshet {

/// wait() returns once wake() has been called since the last wait() returned; a wake() that comes first is not lost.
/// wake(): any thread. wait(): one coroutine at a time; it resumes on its own executor. Destroy it only when no wake() can be
/// under way: take it off the WaiterList first.
class Wakeup final : public Waiter {
 public:
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  void wake() noexcept override;
  Task<void> wait();

 private:
  struct Armed;  // the suspended coroutine's handler
  enum State : int { kIdle, kWoken, kWaiting };
  std::atomic<int> state_{kIdle};
  std::unique_ptr<Armed> armed_;
};

}  // namespace freshet
