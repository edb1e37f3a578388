#include "freshet/proxy/token_bucket.hpp"

#include <algorithm>
#include <limits>

namespace freshet {

using std::chrono::nanoseconds;

TokenRate make_token_rate(std::uint32_t requests, Milliseconds per, std::uint32_t burst) noexcept {
  const auto count = static_cast<std::int64_t>(std::max<std::uint32_t>(requests, 1));
  const nanoseconds time = std::max(nanoseconds(per), nanoseconds(1));
  TokenRate rate;
  rate.interval = nanoseconds((time.count() - 1) / count + 1);
  rate.burst = static_cast<std::uint32_t>(burst ? burst : count);
  return rate;
}

nanoseconds take_token(const TokenRate& rate, SteadyTime now, SteadyTime& full_at) noexcept {
  const SteadyTime then = std::max(full_at, now) + rate.interval;
  const nanoseconds missing = then - now;
  if (missing > rate.capacity()) return missing - rate.capacity();
  full_at = then;
  return nanoseconds(0);
}

std::uint32_t retry_after_seconds(nanoseconds wait) noexcept {
  const std::int64_t seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace freshet
