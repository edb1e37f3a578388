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

/// While it lives, one call of operator new on this thread fails with std::bad_alloc: the n-th, counted from 1. One at a time.
class AllocFailure {
 public:
  explicit AllocFailure(std::size_t n) noexcept;
  ~AllocFailure();
  AllocFailure(const AllocFailure&) = delete;
  AllocFailure& operator=(const AllocFailure&) = delete;
  /// That call has come.
  bool happened() const noexcept;
};

/// While it lives, calls of operator new on this thread are good and not counted by an AllocFailure: for the test's own doing.
class AllocSpared {
 public:
  AllocSpared() noexcept;
  ~AllocSpared();
  AllocSpared(const AllocSpared&) = delete;
  AllocSpared& operator=(const AllocSpared&) = delete;

 private:
  std::size_t good_calls_left_;
};

}  // namespace freshet
