// A bump allocator for what lives as long as one request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "freshet/base/put_text.hpp"

namespace freshet {

/// Hands out bytes that stay valid until reset(). One thread. Nothing is destructed: only trivial things go here.
class Arena {
 public:
  explicit Arena(std::size_t first_block = 2048) : block_size_(first_block) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// `size` bytes aligned to `align` (a power of two up to alignof(max_align_t)).
  void* allocate(std::size_t size, std::size_t align = alignof(std::max_align_t)) {
    const auto padding = static_cast<std::size_t>(-reinterpret_cast<std::uintptr_t>(at_)) & (align - 1);
    if (size + padding > static_cast<std::size_t>(end_ - at_)) return allocate_block(size);
    std::byte* const result = at_ + padding;
    at_ = result + size;
    return result;
  }
  /// Room for text; not terminated.
  std::span<char> text(std::size_t size) { return {static_cast<char*>(allocate(size, 1)), size}; }
  /// A copy of `s` that lives in the arena.
  std::string_view copy(std::string_view s) {
    const std::span<char> room = text(s.size());
    put_text(room.data(), s);
    return {room.data(), room.size()};
  }
  /// The concatenation of `parts`.
  std::string_view join(std::initializer_list<std::string_view> parts);

  /// Forgets everything and keeps the first block, so that the next request of the same size allocates nothing.
  void reset() noexcept {
    if (blocks_.size() > 1) forget_later_blocks();
    at_ = first_;
    end_ = at_ + held_;
  }
  /// Gives the first block back too: an idle connection holds none.
  void release() noexcept;
  /// Bytes held from the heap.
  std::size_t held() const noexcept { return held_; }

 private:
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size;
  };
  void* allocate_block(std::size_t size);
  void forget_later_blocks() noexcept;

  std::vector<Block> blocks_;
  std::byte* at_ = nullptr;
  std::byte* end_ = nullptr;
  std::byte* first_ = nullptr;  // the first block
  std::size_t block_size_;
  std::size_t held_ = 0;
};

}  // namespace freshet
