// What an allocation costs in memory, as far as the ledger is concerned.
#pragma once

#include <algorithm>
#include <cstddef>

namespace freshet {

/// Bytes that malloc takes for a block of `size`: its header, and rounding up.
constexpr std::size_t heap_cost(std::size_t size) noexcept {
  return std::max<std::size_t>((size + 8 + 15) / 16 * 16, 32);
}

/// Bytes that a mapping of `size` takes: whole pages.
constexpr std::size_t mapping_cost(std::size_t size) noexcept {
  constexpr std::size_t kPage = 4096;
  return (size + kPage - 1) / kPage * kPage;
}

}  // namespace freshet
