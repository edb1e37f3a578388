// Read buffers between two exchanges: memory that was just in use is in the processor's cache, and costs neither the
// heap's search nor the kernel's fresh pages.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

namespace freshet {

/// Keeps a few buffers of the usual size, at most kKept; others come from the heap and go back there. One worker's
/// thread.
class SpareBuffers {
 public:
  using Buffer = std::unique_ptr<std::byte[]>;
  /// Bytes: a head and what comes with it, or a piece of a body. More is slower: the kernel sends so much at once.
  static constexpr std::size_t kUsual = 64 * 1024;
  static constexpr std::size_t kKept = 16;

  /// At least one byte. Its contents are whatever they are.
  Buffer take(std::size_t capacity) {
    if (capacity == kUsual && count_ > 0) return std::move(buffers_[--count_]);
    return std::make_unique_for_overwrite<std::byte[]>(capacity);
  }
  /// REQUIRES: `buffer` has `capacity` bytes.
  void give_back(Buffer buffer, std::size_t capacity) noexcept {
    if (capacity == kUsual && count_ < kKept) buffers_[count_++] = std::move(buffer);
  }

 private:
  std::array<Buffer, kKept> buffers_;
  std::size_t count_ = 0;
};

}  // namespace freshet
