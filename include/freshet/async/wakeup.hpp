// Lets a coroutine wait for something that another thread, or code without an event loop, will report.
#pragma once

#include <atomic>
#include <memory>

#include "freshet/async/task.hpp"
#include "freshet/base/waiter.hpp"

namespace freshet {

/// wait() returns once wake() has been called since the last wait() returned; a wake() that comes first is not lost.
/// wake(): any thread. wait(): one coroutine at a time; it resumes on its own executor. Destroy it only when no wake()
/// can be under way: take it off the WaiterList first. A loop that is destroyed destroys the coroutines that wait on it,
/// as it does with those that wait for its timers and sockets; no other thread may be about to wake one of them then
/// (app joins all workers and ends the resolver before it discards any loop).
class Wakeup final : public Waiter {
 public:
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  void wake() noexcept override;
  Task<void> wait();

 private:
  struct Armed;     // the suspended coroutine's handler
  class Suspended;  // the list of those of one loop
  enum State : int { kIdle, kWoken, kWaiting };
  void leave() noexcept;
  std::atomic<int> state_{kIdle};
  std::unique_ptr<Armed> armed_;
  // Place in the Suspended list while a coroutine waits; touched by the loop's thread only.
  Wakeup** previous_ = nullptr;
  Wakeup* next_ = nullptr;
};

}  // namespace freshet
