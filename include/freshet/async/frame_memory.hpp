// The memory of coroutines, used again by the next one of the same size: with many requests under way, that is what
// nearly all of the heap's work was for.
#pragma once

#include <cstddef>

namespace freshet {

/// Each thread keeps what it gives back, by size, the last first; never more than kKept bytes of one size, and none of
/// those beyond kLargest. What is not kept comes from the heap and goes back there. Under a sanitizer nothing is kept,
/// so that it sees who uses a frame that is gone.
class FrameMemory {
 public:
  static constexpr std::size_t kStep = 64;          ///< bytes: sizes are rounded up to a multiple
  static constexpr std::size_t kLargest = 4096;     ///< bytes
  static constexpr std::size_t kKept = 128 * 1024;  ///< bytes of one size

  /// False under a sanitizer.
  static bool keeps() noexcept;
  /// Aligned for everything but over-aligned types. Throws std::bad_alloc.
  static void* take(std::size_t size);
  /// REQUIRES: `memory` came from take(size), on any thread.
  static void give_back(void* memory, std::size_t size) noexcept;
};

/// std::allocator's form of it.
template <class T>
class FrameAllocator {
 public:
  using value_type = T;
  FrameAllocator() noexcept = default;
  template <class U>
  FrameAllocator(const FrameAllocator<U>&) noexcept {}
  T* allocate(std::size_t n) { return static_cast<T*>(FrameMemory::take(n * sizeof(T))); }
  void deallocate(T* at, std::size_t n) noexcept { FrameMemory::give_back(at, n * sizeof(T)); }
  template <class U>
  bool operator==(const FrameAllocator<U>&) const noexcept {
    return true;
  }
};

}  // namespace freshet
