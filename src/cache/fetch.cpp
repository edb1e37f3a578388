#include "freshet/cache/fetch.hpp"

namespace freshet {

Fetch::Look Fetch::look(Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  waiters_.remove(waiter);  // it may look more than once
  if (look_.verdict == FetchVerdict::Waiting) waiters_.add(waiter);
  return look_;
}

void Fetch::leave(Waiter& waiter) noexcept {
  const std::lock_guard lock(mutex_);
  waiters_.remove(waiter);
}

std::size_t Fetch::followers() const noexcept {
  const std::lock_guard lock(mutex_);
  return waiters_.size();
}

void Fetch::settle(Look verdict) {
  const std::lock_guard lock(mutex_);
  look_ = verdict;
  waiters_.wake_all();
}

}  // namespace freshet
