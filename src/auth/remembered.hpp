// User names and passwords that were right lately, as keyed hashes: so that crypt(3) runs once and not for each
// request.
#pragma once

#include <array>
#include <mutex>
#include <vector>

#include "freshet/base/clock.hpp"
#include "hash.hpp"

namespace freshet {

/// Any thread; takes nothing from the heap but when it is made. Holds the latest 4096; neither passwords nor names.
class Remembered {
 public:
  void add(const HashBytes& key, SteadyTime expires) noexcept;
  bool contains(const HashBytes& key, SteadyTime now) const noexcept;

 private:
  static constexpr std::size_t kSets = 512, kWays = 8, kLocks = 16;
  struct Entry {
    HashBytes key{};
    SteadyTime expires;  // the epoch: free
  };
  using Set = std::array<Entry, kWays>;
  static std::size_t set_of(const HashBytes& key) noexcept { return (key[0] | std::size_t{key[1]} << 8) % kSets; }

  mutable std::array<std::mutex, kLocks> locks_;
  std::vector<Set> sets_{kSets};
};

}  // namespace freshet
