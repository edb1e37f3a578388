// Bytes that have arrived and are not used up yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

#include "spare_buffers.hpp"

namespace freshet {

/// Takes a buffer at the first space(). Everything that points into it is void after the next space().
class ArrivedBytes {
 public:
  /// `spare` outlives it.
  explicit ArrivedBytes(SpareBuffers& spare) noexcept : spare_(spare) {}
  ~ArrivedBytes() { give_back(); }
  ArrivedBytes(const ArrivedBytes&) = delete;
  ArrivedBytes& operator=(const ArrivedBytes&) = delete;

  std::span<std::byte> data() const noexcept { return {bytes_.get() + begin_, end_ - begin_}; }
  bool empty() const noexcept { return begin_ == end_; }
  std::size_t size() const noexcept { return end_ - begin_; }

  /// Room behind the data, in a buffer of at least `capacity` bytes. Empty only when the data fills that.
  std::span<std::byte> space(std::size_t capacity) {
    if (capacity > capacity_) {
      SpareBuffers::Buffer grown = spare_.take(capacity);
      if (!empty()) std::memcpy(grown.get(), bytes_.get() + begin_, size());
      give_back();
      bytes_ = std::move(grown);
      capacity_ = capacity;
    } else if (begin_ > 0 && !empty()) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, size());
    }
    end_ -= begin_;
    begin_ = 0;
    return {bytes_.get() + end_, capacity_ - end_};
  }
  /// Nothing will come for a while: others may have the buffer, if there is nothing in it.
  void lend() noexcept {
    if (!empty()) return;
    give_back();
    capacity_ = begin_ = end_ = 0;
  }
  void commit(std::size_t size) noexcept { end_ += size; }
  void consume(std::size_t size) noexcept { begin_ += size; }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  void give_back() noexcept {
    if (bytes_) spare_.give_back(std::move(bytes_), capacity_);
  }
  SpareBuffers& spare_;
  SpareBuffers::Buffer bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace freshet
