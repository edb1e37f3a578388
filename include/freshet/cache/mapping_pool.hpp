// Memory for large chunks of bodies: mappings of their own, so that blocks of all sizes leave no holes in the heap. The
// kernel takes its time to hand out and clear pages (more than it takes to receive the bytes that go there), so a few
// freed mappings are kept and cut to size.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>

namespace freshet {

/// Any thread.
class MappingPool {
 public:
  ~MappingPool();
  /// `size` bytes, page aligned, with arbitrary content; null when the kernel has none. REQUIRES: a multiple of the
  /// page size.
  void* take(std::size_t size) noexcept;
  /// Gives back what take() returned, with the same size.
  void give(void* at, std::size_t size) noexcept;
  /// Bytes kept at the moment.
  std::size_t kept() const noexcept;

  static constexpr std::size_t kMostKept = 8u << 20;  ///< bytes

 private:
  struct Mapping {
    void* at = nullptr;
    std::size_t size = 0;
  };
  Mapping closest(std::size_t size) noexcept;

  mutable std::mutex mutex_;
  std::array<Mapping, 32> mappings_{};
  std::size_t kept_ = 0;
};

/// The one of this process.
MappingPool& mapping_pool() noexcept;

}  // namespace freshet
