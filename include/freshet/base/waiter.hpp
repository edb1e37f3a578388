// How code that knows no event loop wakes those who wait for it.
#pragma once

#include <algorithm>
#include <mutex>
#include <vector>

namespace freshet {

/// Somebody who wants to be told that something changed. wake() may be called from any thread, more than once, and while
/// locks are held: it only leaves a note (async/wakeup posts to the waiter's own executor).
class Waiter {
 public:
  virtual void wake() noexcept = 0;

 protected:
  ~Waiter() = default;
};

/// The waiters of one thing. Not locked itself: the owner's mutex guards it. A waiter stays on the list until it is removed;
/// whoever adds one removes it before it dies.
class WaiterList {
 public:
  void add(Waiter& waiter) { waiters_.push_back(&waiter); }
  void remove(Waiter& waiter) noexcept { std::erase(waiters_, &waiter); }
  void wake_all() noexcept {
    for (Waiter* waiter : waiters_) waiter->wake();
  }
  bool empty() const noexcept { return waiters_.empty(); }
  std::size_t size() const noexcept { return waiters_.size(); }

 private:
  std::vector<Waiter*> waiters_;
};

}  // namespace freshet
