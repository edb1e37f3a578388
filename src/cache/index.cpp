#include "freshet/cache/index.hpp"

#include "freshet/base/check.hpp"

namespace freshet {

Index::Index(std::size_t buckets) : table_(std::make_unique<IndexNode*[]>(buckets)), mask_(buckets - 1) {
  CHECK(buckets > 0 && (buckets & mask_) == 0);
}

void Index::insert(IndexNode& node) noexcept {
  move_buckets(2);
  IndexNode** const head = bucket(node.hash_);
  node.chain_ = *head;
  *head = &node;
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

std::size_t Index::wanted_buckets() const noexcept { return old_ || size_ <= mask_ ? 0 : 2 * (mask_ + 1); }

bool Index::grow(Table& table, std::size_t buckets) noexcept {
  if (wanted_buckets() != buckets) return false;
  old_ = std::move(table_);
  old_mask_ = mask_;
  moved_ = 0;
  table_ = std::move(table);
  mask_ = buckets - 1;
  return true;
}

// A bucket's nodes go to one of two new ones, and keep their order there.
void Index::move_buckets(std::size_t count) noexcept {
  for (; old_ && moved_ <= old_mask_ && count > 0; --count, ++moved_) {
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
  }
}

Index::Table Index::settle(std::size_t& buckets) noexcept {
  if (!old_ || moved_ <= old_mask_) return {};
  buckets = old_mask_ + 1;
  return std::move(old_);
}

}  // namespace freshet
