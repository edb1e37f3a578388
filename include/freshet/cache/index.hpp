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

/// Owns no node and takes no lock: the caller's lock guards it, and the caller's references keep the nodes. Nodes of
/// one hash are met newest first; a hash that is new comes behind those that have been in its bucket for long: in a full store they
/// are there because they are asked for. It grows to one bucket for each node and never shrinks; while it grows, a few nodes
/// move with each insertion.
class Index {
 public:
  Index();

  /// The node that is probably the one of that hash; null: none.
  const IndexNode* likely(std::uint64_t hash) const noexcept { return *bucket(hash); }
  /// The first node of that hash, and the next one of the same hash; null: none.
  IndexNode* first(std::uint64_t hash) const noexcept { return same_hash(*bucket(hash), hash); }
  IndexNode* next(const IndexNode& node) const noexcept { return same_hash(node.chain_, node.hash_); }
  void insert(IndexNode&) noexcept;
  /// False when it is not here.
  bool remove(IndexNode&) noexcept;
  /// `by` takes the place of `old`, which is here and has the same hash.
  void replace(IndexNode& old, IndexNode& by) noexcept;
  std::size_t size() const noexcept { return size_; }
  std::size_t buckets() const noexcept { return mask_ + 1; }
  /// Calls `each` with every node of one bucket; it must not change the index.
  template <class Each>
  void each_in(std::size_t bucket_number, Each each) const {
    for (IndexNode* node = *bucket(bucket_number); node != nullptr; node = node->chain_)
      if ((node->hash_ & mask_) == bucket_number) each(*node);
  }
  /// Any node; null when empty.
  IndexNode* any() const noexcept;

 private:
  using Table = std::unique_ptr<IndexNode*[]>;
  static IndexNode* same_hash(IndexNode* node, std::uint64_t hash) noexcept {
    while (node != nullptr && node->hash_ != hash) node = node->chain_;
    return node;
  }
  IndexNode** bucket(std::uint64_t hash) const noexcept {
    if (old_ && (hash & old_mask_) >= moved_) return &old_[hash & old_mask_];
    return &table_[hash & mask_];
  }
  void grow() noexcept;
  void move_buckets(std::size_t count) noexcept;

  Table table_, old_;  // old_: being left; its buckets below moved_ are empty
  std::size_t mask_ = 0, old_mask_ = 0, moved_ = 0;
  std::size_t size_ = 0;
};

}  // namespace freshet
