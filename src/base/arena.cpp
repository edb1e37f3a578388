#include "freshet/base/arena.hpp"

#include <algorithm>
#include <initializer_list>

#include "freshet/base/put_text.hpp"

namespace freshet {

void* Arena::allocate_block(std::size_t size) {
  const std::size_t block = std::max(block_size_, size);
  blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(block), block});
  held_ += block;
  std::byte* result = blocks_.back().bytes.get();  // operator new aligns to max_align_t
  if (blocks_.size() == 1) first_ = result;
  at_ = result + size;
  end_ = result + block;
  return result;
}

std::string_view Arena::join(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (auto part : parts) size += part.size();
  auto room = text(size);
  char* at = room.data();
  for (auto part : parts) at = put_text(at, part);
  return {room.data(), size};
}

void Arena::forget_later_blocks() noexcept {
  blocks_.resize(1);
  held_ = blocks_.front().size;
}

void Arena::release() noexcept {
  std::vector<Block>().swap(blocks_);  // "= {}" would keep the memory
  at_ = end_ = first_ = nullptr;
  held_ = 0;
}

}  // namespace freshet
