// What an allocation costs in memory, as far as the ledger is concerned.
#pragma once

#include <algorithm>
#include <cstddef>

namespace freshet {

/// Bytes that malloc takes for a block of `size`: its header, and rounding up; large blocks are whole pages.
constexpr std::size_t heap_cost(std::size_t size) noexcept {
  constexpr std::size_t kMapped = 128 * 1024, kPage = 4096;
  if (size >= kMapped) return (size + 16 + kPage - 1) / kPage * kPage;
  return std::max<std::size_t>((size + 8 + 15) / 16 * 16, 32);
}

}  // namespace freshet
