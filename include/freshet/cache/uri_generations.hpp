// How often a URI was invalidated: for stored responses that are found by more than their URI.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace freshet {

/// A fixed number of counters, each shared by several URIs: that of one may advance because another was invalidated,
/// which costs a fetch and no more. Any thread.
class UriGenerations {
 public:
  /// `cache_size` in bytes: one counter for every 4 KiB, 256 at least and 65536 at most.
  explicit UriGenerations(std::uint64_t cache_size);
  /// `hash`: of the URI's key.
  std::uint32_t of(std::uint64_t hash) const noexcept { return counters_[index(hash)].load(std::memory_order_acquire); }
  void advance(std::uint64_t hash) noexcept { counters_[index(hash)].fetch_add(1, std::memory_order_release); }

 private:
  std::size_t index(std::uint64_t hash) const noexcept { return (hash >> 12) & (counters_.size() - 1); }
  std::vector<std::atomic<std::uint32_t>> counters_;
};

}  // namespace freshet
