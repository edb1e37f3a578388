// The pieces of one gather write, and how much of them is left to write.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "freshet/base/check.hpp"
#include "freshet/net/transport.hpp"

namespace freshet {

/// Views only: whoever adds a piece keeps its bytes alive until it has been written.
class GatherList {
 public:
  static constexpr std::size_t kCapacity = Transport::kMaxGather;

  /// Empty pieces are left out. REQUIRES: room() > 0.
  void add(std::span<const std::byte> piece) noexcept {
    if (piece.empty()) return;
    ENSURE(end_ < kCapacity);
    pieces_[end_++] = piece;
    left_ += piece.size();
  }
  std::span<const std::span<const std::byte>> pieces() const noexcept {
    return {pieces_.data() + begin_, end_ - begin_};
  }
  /// The first `most` bytes of them.
  GatherList front(std::size_t most) const noexcept {
    GatherList front;
    for (std::size_t i = begin_; i < end_ && most > 0; ++i) {
      const auto piece = pieces_[i].first(std::min(pieces_[i].size(), most));
      front.add(piece);
      most -= piece.size();
    }
    return front;
  }
  /// `size` bytes of the front have been written. REQUIRES: size <= left().
  void consume(std::size_t size) noexcept {
    ENSURE(size <= left_);
    if (size == left_) return clear();
    left_ -= size;
    while (size > 0) {
      std::span<const std::byte>& first = pieces_[begin_];
      const std::size_t taken = size < first.size() ? size : first.size();
      first = first.subspan(taken);
      size -= taken;
      if (first.empty()) ++begin_;
    }
  }
  void clear() noexcept { begin_ = end_ = left_ = 0; }
  bool empty() const noexcept { return begin_ == end_; }
  std::size_t left() const noexcept { return left_; }  ///< bytes
  std::size_t room() const noexcept { return kCapacity - end_; }

 private:
  std::array<std::span<const std::byte>, kCapacity> pieces_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t left_ = 0;
};

}  // namespace freshet
