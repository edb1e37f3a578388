#include "freshet/cache/fetch.hpp"

#include <utility>

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
  // Nobody can join any more; one reference is the ticket's own.
  if (verdict.response && references() > 1)
    hold_.emplace(verdict.response->body(), 0, StoredBodyReader::Purpose::Holding);
  const std::lock_guard lock(mutex_);
  look_ = std::move(verdict);
  waiters_.wake_all();
}

}  // namespace freshet
