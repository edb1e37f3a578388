#include "read_buffer.hpp"

#include <algorithm>
#include <cstring>

#include "freshet/base/check.hpp"

namespace freshet {
namespace {

constexpr std::size_t kGrain = 256;

std::size_t in_grains(std::size_t size) noexcept { return (size + kGrain - 1) / kGrain * kGrain; }

}  // namespace

void ReadBuffer::consume(std::size_t size) noexcept {
  ENSURE(size <= end_ - begin_);
  begin_ += size;
}

std::span<std::byte> ReadBuffer::room(std::size_t wanted) {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (capacity() < wanted) block_ = make_ref<Block>(wanted);
  } else if (begin_ > 0 && capacity() - end_ < capacity() / 4) {
    std::memmove(block_->at(), block_->at() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == capacity()) move_to(std::max(wanted, 2 * capacity()));
  return {block_->at() + end_, capacity() - end_};
}

void ReadBuffer::append(std::span<const std::byte> bytes) {
  const std::size_t wanted = size() + bytes.size();
  if (wanted == 0) return;
  // A quarter more, so that a sender of single bytes does not make us copy all of them each time.
  if (capacity() - end_ < bytes.size()) move_to(in_grains(wanted + size() / 4));
  std::memcpy(block_->at() + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

void ReadBuffer::leave_block(ReadBuffer& spare) {
  Ref<Block> left = block_;
  if (empty()) {
    block_ = nullptr;
    clear();
  } else if (capacity() >= in_grains(size() + size() / 4) + kGrain) {
    move_to(in_grains(size()));
  } else {
    return;
  }
  if (left && left->size() == kSmall && left->references() == 1) spare.block_ = std::move(left);
}

void ReadBuffer::take_block(ReadBuffer& spare) noexcept {
  if (!block_) block_ = std::move(spare.block_);
}

Pin ReadBuffer::leave_behind() {
  Pin left(block_);
  if (empty()) {
    block_ = nullptr;
    clear();
  } else {
    move_to(std::max(kSmall, size()));
  }
  return left;
}

void ReadBuffer::move_to(std::size_t capacity) {
  auto grown = make_ref<Block>(capacity);
  const std::size_t kept = size();
  if (kept > 0) std::memcpy(grown->at(), block_->at() + begin_, kept);
  block_ = std::move(grown);
  begin_ = 0;
  end_ = kept;
}

}  // namespace freshet
