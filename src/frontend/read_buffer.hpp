// What has been received on a connection and not yet consumed.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "freshet/base/pin.hpp"

namespace freshet {

/// A window over one block of memory that grows for large heads and bodies. One thread.
class ReadBuffer {
 public:
  static constexpr std::size_t kSmall = 4096;  ///< room for one read, and for nearly every head

  std::span<std::byte> bytes() noexcept { return {block_ ? block_->at() + begin_ : nullptr, end_ - begin_}; }
  std::string_view text() const noexcept {
    return {block_ ? reinterpret_cast<const char*>(block_->at()) + begin_ : nullptr, end_ - begin_};
  }
  bool empty() const noexcept { return begin_ == end_; }
  std::size_t size() const noexcept { return end_ - begin_; }
  std::size_t capacity() const noexcept { return block_ ? block_->size() : 0; }

  /// Takes `size` bytes off the front; they stay where they are until the next room() or leave_block().
  void consume(std::size_t size) noexcept;
  /// Room behind the bytes, never empty; moves the bytes when that helps. The block gets at least `wanted` bytes when
  /// nothing is buffered, and grows when it is full.
  std::span<std::byte> room(std::size_t wanted);
  /// Adds a copy of `bytes`, in hardly more memory than all bytes need.
  void append(std::span<const std::byte> bytes);
  /// `size` bytes of room() have been filled.
  void commit(std::size_t size) noexcept { end_ += size; }
  /// Forgets all bytes.
  void clear() noexcept { begin_ = end_ = 0; }
  /// Gives back all that the bytes do not need; a block of kSmall is left to `spare`, which is empty.
  void leave_block(ReadBuffer& spare);
  /// Takes the block of `spare`, which is empty, unless it has one.
  void take_block(ReadBuffer& spare) noexcept;
  /// Leaves the block, with every byte consumed so far, to whoever holds the pin; the bytes not yet consumed move on to
  /// a new one.
  Pin leave_behind();

 private:
  class Block final : public Pinned {
   public:
    explicit Block(std::size_t size) : bytes_(new std::byte[size]), size_(size) {}
    ~Block() override { delete[] bytes_; }
    std::byte* at() const noexcept { return bytes_; }
    std::size_t size() const noexcept { return size_; }

   private:
    std::byte* bytes_;
    std::size_t size_;
  };
  void move_to(std::size_t capacity);

  Ref<Block> block_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace freshet
