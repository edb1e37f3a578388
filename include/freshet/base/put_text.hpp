// Copies of short texts, of which a message is made: in place, since the call of memcpy() costs more than the copy.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

namespace freshet {
namespace detail {

/// At least N and at most 2 N bytes: two moves that may overlap.
template <std::size_t N>
void move_twice(char* to, std::string_view text) noexcept {
  char first[N], last[N];
  const std::size_t behind = text.size() - N;
  std::memcpy(first, text.data(), N);
  std::memcpy(last, text.data() + behind, N);
  std::memcpy(to, first, N);
  std::memcpy(to + behind, last, N);
}

}  // namespace detail

/// Copies `text` to `to`, where there is room for it, and which is somewhere else. Returns the place behind it.
inline char* put_text(char* to, std::string_view text) noexcept {
  const std::size_t size = text.size();
  if (size > 32)
    std::memcpy(to, text.data(), size);
  else if (size >= 16)
    detail::move_twice<16>(to, text);
  else if (size >= 8)
    detail::move_twice<8>(to, text);
  else if (size >= 4)
    detail::move_twice<4>(to, text);
  else if (size >= 2)
    detail::move_twice<2>(to, text);
  else if (size == 1)
    *to = text.front();
  return to + size;
}

}  // namespace freshet
