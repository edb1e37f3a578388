// Gives other coroutines of the same loop their turn, for those that could go on for long without waiting.
#pragma once

#include <cstddef>

#include "freshet/async/task.hpp"

namespace freshet {

/// Returns on a later turn of the awaiting coroutine's loop, when all that was ready has been served.
Task<void> yield();

/// For a loop that moves bytes and may find more of them each time without waiting: how long its turn lasts. One coroutine.
class Turns {
 public:
  static constexpr std::size_t kBytes = 64 * 1024;   ///< of a turn
  static constexpr std::size_t kFirst = 128 * 1024;  ///< of the first one: most bodies are shorter, and go on best with what is in the processor's cache
  static constexpr std::size_t kStep = 2 * 1024;     ///< a step takes as long as so many bytes do, besides those that it moves

  /// After each step. True: co_await yield().
  bool over(std::size_t moved) noexcept {
    used_ += moved + kStep;
    if (used_ < most_) return false;
    used_ = 0;
    most_ = kBytes;
    return true;
  }

 private:
  std::size_t used_ = 0;
  std::size_t most_ = kFirst;
};

}  // namespace freshet
