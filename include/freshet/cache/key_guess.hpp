// The key of a request that is still being read, guessed from the key before: what it will need of the store can be asked for early.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "freshet/cache/key.hpp"

namespace freshet {

/// Most requests are for the same origin as the one before. Where they are not, little is asked for in vain: a guess is only told after
/// one that was right, and not when it is the same again: what that needs is there. One thread.
class KeyGuess {
 public:
  /// The hash of the key that a request for `target` will probably have; 0: there is no telling. `target`: as it came, in origin-form or
  /// absolute-form (RFC 9112 3.2), and maybe no good.
  std::uint64_t guess(std::string_view target) noexcept;
  /// make_cache_key(): of what was guessed the hash is known.
  CacheKey make(std::string_view partition, const RequestHead& head, Arena& arena);

 private:
  static constexpr std::size_t kLongest = 512;
  std::array<char, kLongest> text_{};  // what was guessed
  std::size_t size_ = 0;               // of that; 0: nothing
  std::uint64_t hash_ = 0;             // of that
  std::size_t partition_ = 0;          // so much of it says the partition of the last key, with the space behind; 0: it is not known
  std::size_t origin_ = 0;             // and so much its origin, too; 0: that is not known
  bool was_right_ = false;             // the last guess
};

}  // namespace freshet
