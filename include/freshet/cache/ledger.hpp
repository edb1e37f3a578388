// The memory budget: everything the cache holds is charged here when it is allocated and credited when it is freed.
#pragma once

#include <atomic>
#include <cstdint>

namespace freshet {

class CacheGroups;
class CommonHeads;

/// Bytes held, against a limit. Any thread.
class Ledger {
 public:
  explicit Ledger(std::uint64_t limit) noexcept : limit_(limit) {}
  virtual ~Ledger() = default;

  /// Charges `bytes`, evicting if need be (make_room); false, and nothing charged, when there is no room to be made.
  bool charge(std::uint64_t bytes) noexcept;
  /// `bytes` will be charged soon: makes room for them, but no more than `step` in one call, so that charge() will not have to do all of it.
  void prepare(std::uint64_t bytes, std::uint64_t step) noexcept;
  void credit(std::uint64_t bytes) noexcept { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::uint64_t held() const noexcept { return held_.load(std::memory_order_relaxed); }
  std::uint64_t limit() const noexcept { return limit_; }
  /// What the responses that are charged here are grouped in; null: they are in no group.
  virtual CacheGroups* groups() noexcept { return nullptr; }
  /// Where responses that are charged here share what is the same in their heads; null: nowhere.
  virtual CommonHeads* common_heads() noexcept { return nullptr; }

 protected:
  /// Frees about `bytes`; false when nothing more can be freed. No lock of the caller's may be one that it takes.
  virtual bool make_room(std::uint64_t bytes) noexcept = 0;

 private:
  std::atomic<std::uint64_t> held_{0};
  std::uint64_t limit_;
};

}  // namespace freshet
