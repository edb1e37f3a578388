// Bytes that have arrived and are not used up yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

namespace freshet {

/// Allocates at the first space(). Everything that points into it is void after the next space().
class ArrivedBytes {
 public:
  std::span<std::byte> data() const noexcept { return {bytes_.get() + begin_, end_ - begin_}; }
  bool empty() const noexcept { return begin_ == end_; }
  std::size_t size() const noexcept { return end_ - begin_; }

  /// Room behind the data, in a buffer of at least `capacity` bytes. Empty only when the data fills that.
  std::span<std::byte> space(std::size_t capacity) {
    if (capacity > capacity_) {
      auto grown = std::make_unique_for_overwrite<std::byte[]>(capacity);
      if (!empty()) std::memcpy(grown.get(), bytes_.get() + begin_, size());
      bytes_ = std::move(grown);
      capacity_ = capacity;
      end_ -= begin_;
      begin_ = 0;
    } else if (begin_ > 0) {
      if (!empty()) std::memmove(bytes_.get(), bytes_.get() + begin_, size());
      end_ -= begin_;
      begin_ = 0;
    }
    return {bytes_.get() + end_, capacity_ - end_};
  }
  void commit(std::size_t size) noexcept { end_ += size; }
  void consume(std::size_t size) noexcept { begin_ += size; }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace freshet
