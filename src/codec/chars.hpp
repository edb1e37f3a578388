// Classes of characters and the search for control bytes, inlined into the readers' loops.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "freshet/base/ascii.hpp"

namespace freshet {

/// tchar of RFC 9110 5.6.2.
inline constexpr std::array<bool, 256> kTokenChars = [] {
  std::array<bool, 256> table{};
  for (int i = 0; i < 128; ++i) {
    const char c = static_cast<char>(i);
    table[static_cast<std::size_t>(i)] = ascii::is_digit(c) || ascii::is_alpha(c);
  }
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<std::uint8_t>(c)] = true;
  return table;
}();

inline bool is_token_char(char c) noexcept { return kTokenChars[static_cast<std::uint8_t>(c)]; }

/// A byte that may not stand in a field value (RFC 9110 5.5): a control byte other than HTAB.
inline bool is_control(char c) noexcept { return (static_cast<std::uint8_t>(c) < 0x20 && c != '\t') || c == 0x7f; }

/// The first is_control() byte in [at, end), or `end`.
inline const char* find_control(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i highest = _mm_set1_epi8(0x1f);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, highest), bytes);
    const __m128i found = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), low), _mm_cmpeq_epi8(bytes, del));
    const int mask = _mm_movemask_epi8(found);
    if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  while (at != end && !is_control(*at)) ++at;
  return at;
}

/// The first space or control byte (up to 0x20) in [at, end), or `end`.
inline const char* find_blank(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i space = _mm_set1_epi8(' ');
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, space), bytes));
    if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  while (at != end && static_cast<std::uint8_t>(*at) > 0x20) ++at;
  return at;
}

/// The first colon in [at, end), or `end`.
inline const char* find_colon(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i colon = _mm_set1_epi8(':');
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, colon));
    if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  while (at != end && *at != ':') ++at;
  return at;
}

/// Calls found(position) for each LF at or after `from`, as long as it returns true. False when it did not.
template <class Found>
bool each_line_feed(std::string_view text, std::size_t from, Found found) noexcept {
  std::size_t at = from;
#if defined(__SSE2__)
  const __m128i feed = _mm_set1_epi8('\n');
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    for (auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, feed))); mask != 0; mask &= mask - 1)
      if (!found(at + static_cast<std::size_t>(__builtin_ctz(mask)))) return false;
  }
#endif
  for (; at < text.size(); ++at)
    if (text[at] == '\n' && !found(at)) return false;
  return true;
}

}  // namespace freshet
