// Numbers and Content-Range as text (RFC 9110 14.4).
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "freshet/base/arena.hpp"
#include "freshet/http/range.hpp"

namespace freshet {

inline std::string_view decimal(std::uint64_t n, Arena& arena) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
  return arena.copy({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

/// "bytes 0-9/100", "bytes 0-9/*" when the size is unknown, or "bytes */100" for 416 (null). The text lies in `arena`.
inline std::string_view content_range(const ByteRange* range, std::optional<std::uint64_t> size, Arena& arena) {
  const std::string_view complete = size ? decimal(*size, arena) : "*";
  if (!range) return arena.join({"bytes */", complete});
  return arena.join({"bytes ", decimal(range->first, arena), "-", decimal(range->first + range->size - 1, arena), "/", complete});
}

}  // namespace freshet
