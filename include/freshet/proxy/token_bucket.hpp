// The arithmetic of a token bucket: pure.
#pragma once

#include <chrono>
#include <cstdint>

#include "freshet/base/clock.hpp"

namespace freshet {

/// How fast a bucket fills, and how much it holds.
struct TokenRate {
  std::chrono::nanoseconds interval{1};  ///< from one token to the next; at least 1 ns
  std::uint32_t burst = 1;               ///< tokens in a full bucket; at least 1
  /// The time in which an empty bucket fills. REQUIRES: less than 100 years.
  std::chrono::nanoseconds capacity() const noexcept { return interval * static_cast<std::int64_t>(burst); }
};

/// `requests` in each `per`, at least one; `burst` 0: as many. The interval is rounded up to whole nanoseconds.
TokenRate make_token_rate(std::uint32_t requests, Milliseconds per, std::uint32_t burst) noexcept;

/// Takes one token. A bucket is nothing but the time at which it will be full again (the generic cell rate algorithm);
/// a time that is past is a full bucket. Returns how long to wait until there is a token, and then takes none; 0: it
/// has been taken, and `full_at` moved.
std::chrono::nanoseconds take_token(const TokenRate&, SteadyTime now, SteadyTime& full_at) noexcept;

/// A wait as Retry-After says it: whole seconds, rounded up (RFC 9110 10.2.3).
std::uint32_t retry_after_seconds(std::chrono::nanoseconds wait) noexcept;

}  // namespace freshet
