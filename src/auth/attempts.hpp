// Who has guessed how often: wrong passwords by client address, and by address and user. Bounded.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "freshet/base/clock.hpp"
#include "hash.hpp"

namespace freshet {

/// What a number of wrong passwords means for the next one.
struct Patience {
  bool refuse = false;
  Milliseconds delay{0};
};
/// `free`: that many cost nothing. Then 1 s, doubled each time up to 10 s; none at all after four times as many. Pure.
Patience decide_patience(std::uint32_t failures, std::uint32_t free) noexcept;

/// Any thread.
class Attempts {
 public:
  /// So long after the last wrong password all is forgotten.
  static constexpr Seconds kMemory{300};
  static constexpr std::size_t kSets = 1024, kWays = 8;  // 8192 addresses and pairs

  /// Someone at an address who claims to be a user.
  struct Subject {
    std::uint64_t address = 0, pair = 0;
  };
  /// `address`: an IP literal; of IPv6 the first 64 bits count, as one client has them all.
  Subject subject(std::string_view address, std::string_view user) const noexcept;

  /// Before the first use, so that nothing is allocated where nothing may fail. May be called again.
  void make_table() {
    if (sets_.empty()) sets_.resize(kSets);
  }
  /// Nobody has guessed lately: subject() need not be asked for.
  bool none() const noexcept { return used_.load(std::memory_order_relaxed) == 0; }
  struct Failures {
    std::uint32_t address = 0, pair = 0;
    Seconds forgotten_in{0};  ///< the later of the two
  };
  Failures failures(const Subject&, SteadyTime now) noexcept;
  void note_wrong(const Subject&, SteadyTime now) noexcept;
  /// The pair tried while the address was refused: counted for the pair alone, and not so that it takes longer to be
  /// forgotten.
  void note_refused(const Subject&, SteadyTime now) noexcept;
  /// The pair has proven itself. The address stays: whoever has one password may not guess others for free.
  void note_right(const Subject&) noexcept;

 private:
  struct Entry {
    std::uint64_t key = 0;  // 0: free
    std::uint32_t failures = 0;
    SteadyTime last;
  };
  using Set = std::array<Entry, kWays>;
  Entry* find(std::uint64_t key, SteadyTime now) noexcept;
  void add(std::uint64_t key, SteadyTime now, bool lasts) noexcept;
  void free(Entry& entry) noexcept;

  const SecretKey key_;
  std::mutex mutex_;
  std::vector<Set> sets_;  // none before make_table()
  std::atomic<std::size_t> used_{0};
};

}  // namespace freshet
