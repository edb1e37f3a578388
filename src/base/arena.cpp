#include "freshet/base/arena.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace freshet {

void* Arena::allocate(std::size_t size, std::size_t align) {
  const auto padding = static_cast<std::size_t>(-reinterpret_cast<std::uintptr_t>(at_)) & (align - 1);
  if (at_ && size + padding <= static_cast<std::size_t>(end_ - at_)) {
    std::byte* result = at_ + padding;
    at_ = result + size;
    return result;
  }
  const std::size_t block = std::max(block_size_, size);
  blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(block), block});
  held_ += block;
  std::byte* result = blocks_.back().bytes.get();  // operator new aligns to max_align_t
  at_ = result + size;
  end_ = result + block;
  return result;
}

std::string_view Arena::copy(std::string_view s) {
  const auto room = text(s.size());
  if (!s.empty()) std::memcpy(room.data(), s.data(), s.size());
  return {room.data(), room.size()};
}

std::string_view Arena::join(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (auto part : parts) size += part.size();
  auto room = text(size);
  char* at = room.data();
  for (auto part : parts) at = std::copy(part.begin(), part.end(), at);
  return {room.data(), size};
}

void Arena::reset() noexcept {
  if (blocks_.empty()) return;
  blocks_.resize(1);
  held_ = blocks_.front().size;
  at_ = blocks_.front().bytes.get();
  end_ = at_ + blocks_.front().size;
}

void Arena::release() noexcept {
  std::vector<Block>().swap(blocks_);  // "= {}" would keep the memory
  at_ = end_ = nullptr;
  held_ = 0;
}

}  // namespace freshet
