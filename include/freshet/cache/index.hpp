// A hash table of nodes that link themselves: one pointer for each bucket, and growth in small steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace freshet {

/// Base of what an Index holds.
class IndexNode {
 public:
  std::uint64_t hash() const noexcept { return hash_; }

 protected:
  explicit IndexNode(std::uint64_t hash) noexcept : hash_(hash) {}
  ~IndexNode() = default;

 private:
  friend class Index;
  IndexNode* chain_ = nullptr;
  std::uint64_t hash_;
};

/// Owns no node and takes no lock: the caller's lock guards it, and its references keep the nodes. Nodes of one hash are met newest first.
class Index {
 public:
  using Table = std::unique_ptr<IndexNode*[]>;

  /// `buckets`: a power of two.
  explicit Index(std::size_t buckets = 16);

  /// The first node of that hash, and the next one of the same hash; null: none.
  IndexNode* first(std::uint64_t hash) const noexcept { return same_hash(*bucket(hash), hash); }
  IndexNode* next(const IndexNode& node) const noexcept { return same_hash(node.chain_, node.hash_); }
  void insert(IndexNode&) noexcept;
  /// False when it is not here.
  bool remove(IndexNode&) noexcept;

  std::size_t size() const noexcept { return size_; }
  /// The number of buckets it should grow to; 0: it is large enough, or still growing.
  std::size_t wanted_buckets() const noexcept;
  /// `table`: twice as many buckets as now, all null. Ignored unless wanted_buckets() says `buckets`. Nodes move with later insertions.
  /// True when it was taken; the old table comes back later, from settle().
  bool grow(Table& table, std::size_t buckets) noexcept;
  /// The old table once every node has left it, with its number of buckets.
  Table settle(std::size_t& buckets) noexcept;
  static constexpr std::size_t bytes_for(std::size_t buckets) noexcept { return buckets * sizeof(IndexNode*); }
  std::size_t buckets() const noexcept { return mask_ + 1; }

  /// Calls `use(node)` for each; `use` must not change the index.
  template <class Use>
  void for_each(Use use) const {
    for (std::size_t i = 0; i <= mask_; ++i)
      for (IndexNode* node = table_[i]; node != nullptr; node = node->chain_) use(*node);
    for (std::size_t i = moved_; old_ && i <= old_mask_; ++i)
      for (IndexNode* node = old_[i]; node != nullptr; node = node->chain_) use(*node);
  }

 private:
  static IndexNode* same_hash(IndexNode* node, std::uint64_t hash) noexcept {
    while (node != nullptr && node->hash_ != hash) node = node->chain_;
    return node;
  }
  IndexNode** bucket(std::uint64_t hash) const noexcept {
    if (old_ && (hash & old_mask_) >= moved_) return &old_[hash & old_mask_];
    return &table_[hash & mask_];
  }
  void move_buckets(std::size_t count) noexcept;

  Table table_, old_;  // old_: being left; its buckets below moved_ are empty
  std::size_t mask_, old_mask_ = 0, moved_ = 0;
  std::size_t size_ = 0;
};

}  // namespace freshet
