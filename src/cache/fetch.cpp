#include "freshet/cache/fetch.hpp"

#include <new>
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

/// By the references: the ticket's own, the list's, and those of who waits. They are read first: whoever takes it off
/// the list says so before the list lets go, so that one who waits is never overlooked.
bool Fetch::is_followed() const noexcept {
  const std::uint32_t all = references();
  return all > (listed_.load(std::memory_order_acquire) ? 2U : 1U);
}

void Fetch::settle(Look verdict) noexcept {
  // Nobody can join any more; one reference is the ticket's own.
  if (verdict.response && references() > 1) {
    try {
      hold_.emplace(verdict.response->body(), 0, StoredBodyReader::Purpose::Holding);
    } catch (const std::bad_alloc&) {  // without a hold the body might be gone when they come
      verdict = Look{FetchVerdict::Declined, Reason::NoRoom, 0, {}};
    }
  }
  const std::lock_guard lock(mutex_);
  look_ = std::move(verdict);
  waiters_.wake_all();
}

}  // namespace freshet
