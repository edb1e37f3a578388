// What the heads of many stored responses have in common, kept once: an origin says Server, Content-Type, Cache-Control
// and most others with each of its answers in the same words.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string_view>

#include "freshet/cache/index.hpp"
#include "freshet/cache/key.hpp"
#include "freshet/cache/ledger.hpp"
#include "freshet/http/fields.hpp"

namespace freshet {

/// Immutable. One allocation: the object, and behind it entries, lines, and the beginning of keys. Any thread.
class CommonHead final : public IndexNode {
 public:
  /// All lines of such a head, in order. Those that are kept here have kInSecond set; the others lie with each response,
  /// next to each other.
  std::span<const FieldEntry> entries() const noexcept { return {reinterpret_cast<const FieldEntry*>(this + 1), entry_count_}; }
  const char* lines() const noexcept { return reinterpret_cast<const char*>(this + 1) + entry_count_ * sizeof(FieldEntry); }
  std::uint32_t lines_size() const noexcept { return lines_size_; }
  std::string_view key_start() const noexcept { return {lines() + lines_size_, key_start_size_}; }
  /// Ends one use; the last one frees it.
  void release() const noexcept;

 private:
  friend class CommonHeads;
  explicit CommonHead(std::uint64_t hash) noexcept : IndexNode(hash) {}
  bool retain_if_used() const noexcept;
  std::size_t size() const noexcept { return entry_count_ * sizeof(FieldEntry) + lines_size_ + key_start_size_; }

  CommonHeads* owner_ = nullptr;
  mutable std::atomic<std::uint32_t> uses_{1};
  std::uint32_t lines_size_ = 0;
  std::uint32_t key_start_size_ = 0;
  std::uint16_t entry_count_ = 0;
};

/// A head that is about to be stored: each of its lines, and its key, belongs to what is common or to what is its own.
class DividedHead {
 public:
  /// What is larger is not divided, which bounds the work.
  static constexpr std::size_t kMostLines = 64, kLargest = 8192;

  /// Entries of all lines: of those that are common, kInSecond is set.
  std::span<const FieldEntry> entries() const noexcept { return {entries_.data(), entry_count_}; }
  std::string_view own_lines() const noexcept { return {own_.data(), own_size_}; }
  std::string_view common_lines() const noexcept { return {common_.data(), common_size_}; }
  std::string_view key_start() const noexcept { return key_start_; }
  std::string_view own_key() const noexcept { return own_key_; }

 private:
  friend class CommonHeads;
  void add(const FieldEntry& entry, std::string_view line, bool common) noexcept;
  std::array<FieldEntry, kMostLines> entries_;
  std::array<char, kLargest> own_, common_;
  std::size_t entry_count_ = 0, own_size_ = 0, common_size_ = 0;
  std::string_view key_start_, own_key_;
};

/// The common heads of a store. What is common is found out by what has come before under another key: lines that are
/// different each time (an identifier, say) stay with their responses, and so does all that comes for the first time,
/// so that an origin which never says the same again costs no more than without. There are never more of them than
/// responses; each is charged to the ledger. Any thread.
class CommonHeads {
 public:
  /// `ledger` outlives it, and it outlives all its heads.
  explicit CommonHeads(Ledger& ledger) : ledger_(ledger) {}

  /// Divides the lines and the key of a response, and returns the head that it has in common with others: release() it.
  /// Null: there is none, or no room; then `divided` says nothing. REQUIRES: `lines` are contiguous.
  const CommonHead* divide(FieldsView lines, const CacheKey& key, DividedHead& divided) noexcept;
  /// How many there are.
  std::size_t size() const noexcept;

 private:
  friend class CommonHead;
  static constexpr std::size_t kPlaces = 4096;
  bool seen(std::uint64_t hash, std::uint64_t key) noexcept;
  const CommonHead* find(std::uint64_t hash, const DividedHead&) const noexcept;
  const CommonHead* make(std::uint64_t hash, const DividedHead&) noexcept;
  void forget(const CommonHead&) noexcept;
  static bool is_same(const CommonHead&, const DividedHead&) noexcept;

  Ledger& ledger_;
  mutable std::mutex mutex_;  // taken alone, or last
  Index index_;
  // What came lately, and under which key it came last: 32 bits of each hash. What meets in one place forgets the other.
  std::array<std::atomic<std::uint64_t>, kPlaces> seen_{};
};

}  // namespace freshet
