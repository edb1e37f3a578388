// When stored responses become useless: a wheel of four levels, so that millions of lifetimes cost no scan.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace freshet {

/// Base of what an ExpiryWheel holds.
class ExpiryNode {
 protected:
  ExpiryNode() = default;
  ~ExpiryNode() = default;

 private:
  friend class ExpiryWheel;
  ExpiryNode* next_ = nullptr;
  ExpiryNode** link_ = nullptr;  // what points at this node; null: on no list
  std::uint32_t tick_ = 0;
};

/// Nodes by the time they expire, in ticks of kTick seconds. Adding and removing cost O(1); a node moves at most three
/// times before it is due. Owns no node; the caller's lock guards it.
class ExpiryWheel {
 public:
  static constexpr std::int64_t kTick = 4;  ///< seconds

  explicit ExpiryWheel(std::int64_t now_seconds) noexcept;
  /// Times beyond two years (the wheel's reach) count as that far. REQUIRES: on no list.
  void add(ExpiryNode&, std::int64_t at_seconds) noexcept;
  /// No effect on a node that is on no list.
  void remove(ExpiryNode&) noexcept;
  /// Takes one node off that is due by `now_seconds`, never early and at most one tick late; null: none. `work` bounds
  /// the nodes and slots that are looked at, and is reduced by them.
  ExpiryNode* pop_due(std::int64_t now_seconds, std::size_t& work) noexcept;
  std::size_t size() const noexcept { return size_; }

 private:
  static constexpr unsigned kBits = 6, kLevels = 4;
  static constexpr std::uint32_t kSlots = 1u << kBits;

  static void unlink(ExpiryNode&) noexcept;
  void place(ExpiryNode&) noexcept;
  bool cascade(std::size_t& work) noexcept;

  std::int64_t start_;
  std::uint32_t tick_ = 0;  // everything before it has been handed out
  std::array<std::array<ExpiryNode*, kSlots>, kLevels> slots_{};
  std::size_t size_ = 0;
};

}  // namespace freshet
