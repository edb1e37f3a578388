// The nonces of Digest (RFC 7616 3.3, 5.5): made without being stored, stored once a right answer has used them.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "freshet/base/arena.hpp"
#include "freshet/base/clock.hpp"
#include "hash.hpp"

namespace freshet {

/// Any thread. A nonce is the time, a serial number and their signature: 64 hexadecimal digits.
class Nonces {
 public:
  static constexpr Milliseconds kLife = std::chrono::minutes(5);

  explicit Nonces(SteadyTime start) : start_(start) {}

  /// Before the first use(), so that nothing is allocated where nothing may fail. May be called again.
  void make_table() {
    if (sets_.empty()) sets_.resize(kSets);
  }
  std::string_view make(SteadyTime now, Arena& arena);

  enum class Use : std::uint8_t {
    First,     ///< this count has not been used before
    Replayed,  ///< it has, or is too old to be sure
    Stale,     ///< not ours, expired, or no longer known: a new one is needed
  };
  /// For right answers only: notes that `count` has been used. Counts may arrive in another order than they were made
  /// in, as clients with several connections do: one of the last 64 is good once. Nonces that had to be forgotten are
  /// stale, never fresh.
  Use use(std::string_view nonce, std::uint32_t count, SteadyTime now) noexcept;

 private:
  struct Entry {
    std::uint64_t serial = 0;  // 0: free
    std::uint64_t seen = 0;    // bit i: highest - i has been used
    std::uint32_t highest = 0;
  };
  static constexpr std::size_t kSets = 512, kWays = 8;
  struct Set {
    std::array<Entry, kWays> entries;
    std::uint64_t forgotten_until = 0;  // serials up to this one that are not here may have been used
  };

  std::uint64_t milliseconds(SteadyTime now) const noexcept;
  Entry& room_in(Set& set) noexcept;
  static Use note(Entry& entry, std::uint32_t count) noexcept;

  const SecretKey key_;
  const SteadyTime start_;
  std::mutex mutex_;
  std::uint64_t last_serial_ = 0;
  std::vector<Set> sets_;  // none before make_table()
};

}  // namespace freshet
