#include "freshet/cache/expiry.hpp"

#include <algorithm>

namespace freshet {

ExpiryWheel::ExpiryWheel(std::int64_t now_seconds) noexcept : start_(now_seconds) {}

void ExpiryWheel::add(ExpiryNode& node, std::int64_t at_seconds) noexcept {
  constexpr std::int64_t kReach = (std::int64_t{1} << (kBits * kLevels)) - 1;
  const std::int64_t ticks = (at_seconds - start_ + kTick - 1) / kTick;
  const std::int64_t now = tick_;
  node.tick_ = static_cast<std::uint32_t>(std::clamp(ticks, now, now + kReach));
  place(node);
  ++size_;
}

void ExpiryWheel::remove(ExpiryNode& node) noexcept {
  if (node.link_ == nullptr) return;
  unlink(node);
  --size_;
}

void ExpiryWheel::unlink(ExpiryNode& node) noexcept {
  *node.link_ = node.next_;
  if (node.next_ != nullptr) node.next_->link_ = node.link_;
  node.link_ = nullptr;
  node.next_ = nullptr;
}

void ExpiryWheel::place(ExpiryNode& node) noexcept {
  unsigned level = 0;
  for (std::uint32_t ahead = (node.tick_ - tick_) >> kBits; ahead != 0 && level + 1 < kLevels; ahead >>= kBits) ++level;
  ExpiryNode*& first = slots_[level][(node.tick_ >> (kBits * level)) % kSlots];
  node.next_ = first;
  node.link_ = &first;
  if (first != nullptr) first->link_ = &node.next_;
  first = &node;
}

// At the turn of a level its next slot is spread over the levels below, the coarsest first. False when the work ran
// out.
bool ExpiryWheel::cascade(std::size_t& work) noexcept {
  for (unsigned level = kLevels - 1; level > 0; --level) {
    const unsigned shift = kBits * level;
    if (tick_ % (1u << shift) != 0) continue;
    ExpiryNode*& first = slots_[level][(tick_ >> shift) % kSlots];
    while (first != nullptr) {
      if (work == 0) return false;
      --work;
      ExpiryNode& node = *first;
      unlink(node);
      place(node);
    }
  }
  return true;
}

ExpiryNode* ExpiryWheel::pop_due(std::int64_t now_seconds, std::size_t& work) noexcept {
  const std::int64_t now = (now_seconds - start_) / kTick;
  while (static_cast<std::int64_t>(tick_) <= now && work > 0) {
    --work;
    if (!cascade(work)) return nullptr;
    if (ExpiryNode* const node = slots_[0][tick_ % kSlots]) {
      remove(*node);
      return node;
    }
    if (static_cast<std::int64_t>(tick_) == now) return nullptr;  // more may still come into this slot
    ++tick_;
  }
  return nullptr;
}

}  // namespace freshet
