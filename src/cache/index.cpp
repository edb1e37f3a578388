#include "freshet/cache/index.hpp"

#include <new>
#include <utility>

namespace freshet {
namespace {

constexpr std::size_t kFirstBuckets = 16;

}  // namespace

Index::Index() : table_(std::make_unique<IndexNode*[]>(kFirstBuckets)), mask_(kFirstBuckets - 1) {}

void Index::insert(IndexNode& node) noexcept {
  if (!old_ && size_ > mask_) grow();
  move_buckets(2);
  IndexNode** at = bucket(node.hash_);
  while (*at != nullptr && (*at)->hash_ != node.hash_) at = &(*at)->chain_;
  node.chain_ = *at;
  *at = &node;
  ++size_;
}

bool Index::remove(IndexNode& node) noexcept {
  for (IndexNode** at = bucket(node.hash_); *at != nullptr; at = &(*at)->chain_) {
    if (*at != &node) continue;
    *at = node.chain_;
    node.chain_ = nullptr;
    --size_;
    return true;
  }
  return false;
}

void Index::replace(IndexNode& old, IndexNode& by) noexcept {
  IndexNode** at = bucket(old.hash_);
  while (*at != &old) at = &(*at)->chain_;
  by.chain_ = std::exchange(old.chain_, nullptr);
  *at = &by;
}

IndexNode* Index::any() const noexcept {
  for (std::size_t i = 0; size_ > 0 && i <= mask_; ++i)
    if (table_[i] != nullptr) return table_[i];
  for (std::size_t i = moved_; size_ > 0 && old_ && i <= old_mask_; ++i)
    if (old_[i] != nullptr) return old_[i];
  return nullptr;
}

void Index::grow() noexcept {
  Table larger(new (std::nothrow) IndexNode*[2 * (mask_ + 1)]());
  if (!larger) return;  // longer chains, then
  old_ = std::move(table_);
  old_mask_ = mask_;
  moved_ = 0;
  table_ = std::move(larger);
  mask_ = 2 * mask_ + 1;
}

// A bucket's nodes go to one of two new ones, and keep their order there.
void Index::move_buckets(std::size_t count) noexcept {
  for (; old_ && count > 0; --count) {
    IndexNode** low = &table_[moved_];
    IndexNode** high = &table_[moved_ + old_mask_ + 1];
    for (IndexNode* node = old_[moved_]; node != nullptr; node = node->chain_) {
      IndexNode**& tail = (node->hash_ & mask_) == moved_ ? low : high;
      *tail = node;
      tail = &node->chain_;
    }
    *low = nullptr;
    *high = nullptr;
    old_[moved_] = nullptr;
    if (++moved_ > old_mask_) old_.reset();
  }
}

}  // namespace freshet
