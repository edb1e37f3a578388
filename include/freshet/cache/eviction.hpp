// Which stored response leaves when room is needed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace freshet {

/// Base of what can be evicted.
class EvictionNode {
 public:
  /// A hit. Any thread, no lock: one relaxed counter that saturates; a lost count does no harm.
  void mark_used() noexcept {
    const std::uint8_t used = used_.load(std::memory_order_relaxed);
    if (used < kMostUses) used_.store(static_cast<std::uint8_t>(used + 1), std::memory_order_relaxed);
  }

 protected:
  EvictionNode() = default;
  ~EvictionNode() = default;

 private:
  friend class Eviction;
  friend struct EvictionQueue;
  static constexpr std::uint8_t kMostUses = 3;
  EvictionNode* previous_ = nullptr;
  EvictionNode* next_ = nullptr;
};

}  // namespace freshet
