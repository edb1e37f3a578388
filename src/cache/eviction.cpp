#include "freshet/cache/eviction.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <new>

namespace freshet {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr unsigned kMostPassedOver = 16;

}  // namespace

// ---- ghosts ----

void EvictionGhosts::remember(std::uint64_t hash, unsigned level) noexcept {
  Bucket& bucket = buckets_[hash & (buckets_.size() - 1)];
  std::move_backward(bucket.begin(), bucket.end() - 1, bucket.end());
  bucket[0] = (static_cast<std::uint32_t>(hash >> 32) & ~7u) | level;
}

unsigned EvictionGhosts::take(std::uint64_t hash) noexcept {
  Bucket& bucket = buckets_[hash & (buckets_.size() - 1)];
  const std::uint32_t mark = static_cast<std::uint32_t>(hash >> 32) & ~7u;
  const auto at = std::find_if(bucket.begin(), bucket.end(),
                               [mark](std::uint32_t ghost) { return ghost != 0 && (ghost & ~7u) == mark; });
  if (at == bucket.end()) return 0;
  const unsigned level = *at & 7u;
  std::move(at + 1, bucket.end(), at);
  bucket.back() = 0;
  return level + 1;
}

void EvictionGhosts::fit(std::size_t objects) noexcept {
  while (places() < objects) {
    const std::size_t before = buckets_.size();
    try {
      buckets_.reserve(2 * before);
    } catch (const std::bad_alloc&) {
      return;
    }
    // Which half a ghost belongs to is not known any more: it haunts both.
    for (std::size_t i = 0; i < before; ++i) buckets_.push_back(buckets_[i]);
  }
}

// ---- queues ----

Eviction::Eviction() noexcept { head_priority_.fill(kInfinite); }

void Eviction::set_bytes(EvictionNode& node, std::uint64_t bytes) noexcept {
  node.cost_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(bytes, 1, UINT32_MAX));
}

void Eviction::enqueue(EvictionNode& node, unsigned level, double base) noexcept {
  const auto width = static_cast<unsigned>(std::bit_width(node.cost_));  // 1 .. 32; below 32 bytes all are alike
  const unsigned size_class = width < 5 ? 0 : width - 5;
  node.queue_ = static_cast<std::uint16_t>(size_class * kLevels + level);
  node.priority_ = base + worth(level, node.cost_);
  Queue& queue = queues_[node.queue_];
  node.previous_ = queue.last;
  node.next_ = nullptr;
  if (queue.last != nullptr) {
    queue.last->next_ = &node;
  } else {
    queue.first = &node;
    head_priority_[node.queue_] = node.priority_;
  }
  queue.last = &node;
  ++size_;
}

void Eviction::erase(EvictionNode& node) noexcept {
  if (node.queue_ == EvictionNode::kNowhere) return;
  Queue& queue = queues_[node.queue_];
  (node.previous_ != nullptr ? node.previous_->next_ : queue.first) = node.next_;
  (node.next_ != nullptr ? node.next_->previous_ : queue.last) = node.previous_;
  if (node.previous_ == nullptr)
    head_priority_[node.queue_] = queue.first != nullptr ? queue.first->priority_ : kInfinite;
  node.queue_ = EvictionNode::kNowhere;
  --size_;
}

void Eviction::insert(EvictionNode& node, std::uint64_t hash, std::uint64_t bytes) noexcept {
  ghosts_.fit(size_ + 1);
  set_bytes(node, bytes);
  enqueue(node, std::min(ghosts_.take(hash), kLevels - 1), inflation_);
}

void Eviction::replace(EvictionNode& old, EvictionNode& fresh, std::uint64_t hash, std::uint64_t bytes) noexcept {
  if (old.queue_ == EvictionNode::kNowhere) return insert(fresh, hash, bytes);
  const unsigned level = level_of(old);
  const std::uint8_t used = old.used_.load(std::memory_order_relaxed);
  erase(old);
  set_bytes(fresh, bytes);
  fresh.used_.store(std::max<std::uint8_t>(used, 1), std::memory_order_relaxed);
  enqueue(fresh, level, inflation_);
}

unsigned Eviction::lowest_queue() const noexcept {
  return static_cast<unsigned>(std::min_element(head_priority_.begin(), head_priority_.end()) - head_priority_.begin());
}

EvictionNode* Eviction::pick(Measure measure) noexcept {
  for (unsigned passed_over = 0; size_ > 0;) {
    EvictionNode& node = *queues_[lowest_queue()].first;
    const unsigned level = level_of(node);
    const Standing standing = measure(node);
    const std::uint32_t cost_then = node.cost_;
    const double base = node.priority_ - worth(level, cost_then);
    erase(node);
    set_bytes(node, standing.bytes);
    const std::uint8_t used = node.used_.exchange(0, std::memory_order_relaxed);
    if (node.cost_ < cost_then && used == 0) {  // smaller than was thought: its turn comes later
      enqueue(node, level, base);
      continue;
    }
    inflation_ = std::max(inflation_, base + worth(level, cost_then));
    if (used > 0) {
      enqueue(node, std::min(level + used, kLevels - 1), inflation_);
    } else if (standing.busy && passed_over++ < kMostPassedOver) {
      enqueue(node, level, inflation_);
    } else {
      ghosts_.remember(standing.hash, level);
      return &node;
    }
  }
  return nullptr;
}

}  // namespace freshet
