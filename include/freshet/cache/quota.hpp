// At most so much of something at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace freshet {

/// A bound that all workers share. Any thread. Outlives its shares.
class Quota {
 public:
  explicit Quota(std::uint64_t most) noexcept : most_(most) {}
  Quota(const Quota&) = delete;
  Quota& operator=(const Quota&) = delete;

  /// What somebody has taken; given back when it is destroyed. One thread.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept
        : quota_(std::exchange(other.quota_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(quota_, other.quota_);
      std::swap(size_, other.size_);
      return *this;
    }
    ~Share() {
      if (quota_) quota_->taken_.fetch_sub(size_, std::memory_order_relaxed);
    }
    explicit operator bool() const noexcept { return quota_ != nullptr; }
    /// Takes more; false, and nothing taken, when there is not as much left. REQUIRES: not empty.
    bool grow(std::uint64_t more) noexcept {
      if (!quota_->add(more)) return false;
      size_ += more;
      return true;
    }

   private:
    friend class Quota;
    Share(Quota& quota, std::uint64_t size) noexcept : quota_(&quota), size_(size) {}
    Quota* quota_ = nullptr;
    std::uint64_t size_ = 0;
  };

  /// False (an empty share) when that would be more than there may be.
  Share take(std::uint64_t size = 1) noexcept { return add(size) ? Share(*this, size) : Share(); }
  std::uint64_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }
  std::uint64_t most() const noexcept { return most_; }

 private:
  bool add(std::uint64_t size) noexcept {
    if (size > most_) return false;
    std::uint64_t taken = taken_.load(std::memory_order_relaxed);
    while (taken <= most_ - size)
      if (taken_.compare_exchange_weak(taken, taken + size, std::memory_order_relaxed)) return true;
    return false;
  }

  std::atomic<std::uint64_t> taken_{0};
  const std::uint64_t most_;
};

}  // namespace freshet
