// A mutex of one byte, for objects of which there are millions.
#pragma once

#include <atomic>
#include <cstdint>

namespace freshet {

/// For std::lock_guard. Not recursive, and not fair. Meant for sections of some instructions that hardly ever meet; who
/// does meet another one sleeps.
class SmallMutex {
 public:
  SmallMutex() = default;
  SmallMutex(const SmallMutex&) = delete;
  SmallMutex& operator=(const SmallMutex&) = delete;

  void lock() noexcept {
    if (try_lock()) return;
    // From here on it counts as wanted, even if nobody else waits: unlock() then wakes in vain, which does no harm.
    while (state_.exchange(kWanted, std::memory_order_acquire) != kFree)
      state_.wait(kWanted, std::memory_order_relaxed);
  }
  /// False: somebody else has it.
  bool try_lock() noexcept {
    std::uint8_t seen = kFree;
    return state_.compare_exchange_strong(seen, kTaken, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void unlock() noexcept {
    if (state_.exchange(kFree, std::memory_order_release) == kWanted) state_.notify_one();
  }

 private:
  static constexpr std::uint8_t kFree = 0, kTaken = 1, kWanted = 2;
  std::atomic<std::uint8_t> state_{kFree};
};

}  // namespace freshet
