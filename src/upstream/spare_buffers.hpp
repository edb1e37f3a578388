// Read buffers between two exchanges: memory that was just in use is in the processor's cache, and costs neither the
// heap's search nor the kernel's fresh pages.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

namespace freshet {

/// Keeps a few buffers of the two usual sizes, at most kKept; others come from the heap and go back there. One worker's
/// thread.
class SpareBuffers {
 public:
  using Buffer = std::unique_ptr<std::byte[]>;
  static constexpr std::size_t kSmall = 16 * 1024;  ///< bytes: a head, and most small bodies with it
  static constexpr std::size_t kLarge = 64 * 1024;  ///< bytes: the next piece of a body
  static constexpr std::size_t kKept = 16;          ///< of each size

  /// At least one byte. Its contents are whatever they are.
  Buffer take(std::size_t capacity) {
    Shelf* const shelf = shelf_for(capacity);
    if (shelf && shelf->count > 0) return std::move(shelf->buffers[--shelf->count]);
    return std::make_unique_for_overwrite<std::byte[]>(capacity);
  }
  /// REQUIRES: `buffer` has `capacity` bytes.
  void give_back(Buffer buffer, std::size_t capacity) noexcept {
    Shelf* const shelf = shelf_for(capacity);
    if (shelf && shelf->count < kKept) shelf->buffers[shelf->count++] = std::move(buffer);
  }

 private:
  struct Shelf {
    std::array<Buffer, kKept> buffers;
    std::size_t count = 0;
  };
  Shelf* shelf_for(std::size_t capacity) noexcept {
    if (capacity == kSmall) return &small_;
    return capacity == kLarge ? &large_ : nullptr;
  }
  Shelf small_;
  Shelf large_;
};

}  // namespace freshet
