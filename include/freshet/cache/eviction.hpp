// Which stored response leaves when room is needed.
//
// Every object has a priority: the inflation L at the time it was looked at last, plus weight / sqrt(bytes). The weight grows
// with the number of times it was used. The object of the lowest priority leaves, and L rises to its priority: so the
// small and the often used stay longer (as in GreedyDual-Size-Frequency), and what was popular once ages. Four things
// differ from the textbook:
//   - the root of the size: by the size itself, more requests are hits, but fewer bytes than with LRU (docs/why/eviction.md);
//   - a hit moves nothing: it sets a counter that is read when the object's turn comes (as in CLOCK and S3-FIFO);
//   - an object that has never been used weighs little, so that a scan passes through quickly; fingerprints of those
//   that left are
//     remembered for a while (ghosts), and one that comes back weighs more than before;
//   - there is no heap: objects of one size class and level wait in one queue, oldest first; the lowest head leaves.
#pragma once

#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

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
  static constexpr std::uint8_t kMostUses = 3;
  static constexpr std::uint16_t kNowhere = UINT16_MAX;
  EvictionNode* previous_ = nullptr;
  EvictionNode* next_ = nullptr;
  double priority_ = 0;
  std::uint32_t cost_ = 1;  // bytes, saturating
  std::uint16_t queue_ = kNowhere;
  std::atomic<std::uint8_t> used_{0};
};

/// Fingerprints of objects that left, with the level they had: a table of small FIFO buckets, about as many places as
/// there are objects.
class EvictionGhosts {
 public:
  void remember(std::uint64_t hash, unsigned level) noexcept;
  /// The level + 1, and forgets it; 0: not remembered.
  unsigned take(std::uint64_t hash) noexcept;
  /// Grows to at least that many places; never shrinks. Without memory it stays as it is.
  void fit(std::size_t objects) noexcept;
  std::size_t places() const noexcept { return buckets_.size() * kWays; }

 private:
  static constexpr std::size_t kWays = 8;
  using Bucket = std::array<std::uint32_t, kWays>;  // fingerprint << 3 | level, newest first; 0: empty
  std::vector<Bucket> buckets_{Bucket{}};           // a power of two
};

/// The order of eviction. Owns no node; the caller's lock guards it (but for mark_used).
class Eviction {
 public:
  Eviction() noexcept;

  /// REQUIRES: in no queue. `bytes`: what its leaving would free.
  void insert(EvictionNode&, std::uint64_t hash, std::uint64_t bytes) noexcept;
  /// No effect on a node that is in no queue.
  void erase(EvictionNode&) noexcept;
  /// `fresh` takes the place of `old`, whose standing it inherits; somebody asked for it, so that counts as a use.
  void replace(EvictionNode& old, EvictionNode& fresh, std::uint64_t hash, std::uint64_t bytes) noexcept;

  /// What the owner knows of a node at the moment.
  struct Standing {
    std::uint64_t hash = 0, bytes = 0;
    bool busy = false;  ///< taking it would free nothing yet
  };
  using Measure = Standing (*)(const EvictionNode&);
  /// Takes the one that should leave out of its queue; null: empty. Busy ones are passed over, but not forever.
  EvictionNode* pick(Measure) noexcept;

  std::size_t size() const noexcept { return size_; }

 private:
  static constexpr unsigned kLevels = 8, kSizeClasses = 28, kQueues = kLevels * kSizeClasses;
  struct Queue {
    EvictionNode* first = nullptr;
    EvictionNode* last = nullptr;
  };
  static double worth(unsigned level, std::uint32_t cost) noexcept { return (level == 0 ? 0.3 : level) / std::sqrt(cost); }
  static unsigned level_of(const EvictionNode& node) noexcept { return node.queue_ % kLevels; }
  unsigned lowest_queue() const noexcept;
  void set_bytes(EvictionNode&, std::uint64_t bytes) noexcept;
  void enqueue(EvictionNode&, unsigned level, double base) noexcept;

  std::array<double, kQueues> head_priority_;  // infinite: empty
  std::array<Queue, kQueues> queues_{};
  EvictionGhosts ghosts_;
  double inflation_ = 0;
  std::size_t size_ = 0;
};

}  // namespace freshet
