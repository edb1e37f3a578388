// How often a piece of code asks the heap for memory. Linking this replaces the global operator new and delete of the
// test binary (by malloc and free, which sanitizers see as well), and aligned_alloc, which Asio uses instead.
#pragma once

#include <cstddef>

namespace freshet {

/// Counts the calls of operator new and aligned_alloc that this thread makes while it lives. Counters may be nested.
class AllocCounter {
 public:
  AllocCounter() noexcept;
  /// False under the thread sanitizer, which has an operator new of its own: then all counts are zero.
  static bool counts() noexcept;
  /// Calls since construction or the last restart().
  std::size_t count() const noexcept;
  /// Bytes asked for in them.
  std::size_t bytes() const noexcept;
  void restart() noexcept;

 private:
  std::size_t count_at_start_;
  std::size_t bytes_at_start_;
};

}  // namespace freshet
