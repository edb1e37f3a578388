// Memory that will be needed soon: many lines of it come as fast as one, when they are asked for together.
#pragma once

#include <cstddef>
#include <cstdint>

namespace freshet {

/// Bytes that the processor fetches at a time.
inline constexpr std::size_t kCacheLine = 64;

/// Asks for `size` bytes from `at` on, without waiting for them. Any address will do, also one that cannot be read.
inline void prefetch(const void* at, std::size_t size) noexcept {
  const auto first = reinterpret_cast<std::uintptr_t>(at);
  for (std::size_t line = 0; line < size; line += kCacheLine) __builtin_prefetch(reinterpret_cast<const void*>(first + line));
  asm volatile("");  // g++ 12 takes a function that does nothing else for one without effect, and drops its calls
}

}  // namespace freshet
