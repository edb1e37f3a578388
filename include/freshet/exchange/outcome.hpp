// What happened to one request, for the access log and the metrics.
#pragma once

#include <cstdint>
#include <string_view>

#include "freshet/base/clock.hpp"
#include "freshet/base/reason.hpp"

namespace freshet {

/// The `result` label of freshet_cache_requests_total.
enum class CacheResult : std::uint8_t {
  None,         ///< the cache had no part in it: CONNECT, a refused request
  Hit,
  Stale,        ///< a stale stored response was used
  Revalidated,  ///< the origin said 304 and the stored response was used
  Miss,
  Expired,      ///< the stored response had to be replaced
  Bypass,       ///< method, request directive or setting: the cache was not asked
  Uncacheable,  ///< asked the origin, and the answer may not be stored
  Collapsed,    ///< another client's fetch answered it
  Error,        ///< the origin failed and nothing stored could be used
};
/// "hit", "stale", ...
std::string_view name(CacheResult) noexcept;
inline constexpr std::size_t kCacheResults = 10;

struct Outcome {
  CacheResult cache = CacheResult::None;
  Reason reason = Reason::None;
  bool stored = false;
  bool origin_asked = false;
  std::uint16_t origin_status = 0;      ///< 0: none
  std::uint16_t upstream = 0xffff;      ///< index into the configured upstreams; 0xffff: forward or none
  std::chrono::nanoseconds origin_head_time{0};  ///< from asking the origin to its head
  std::string_view origin_address;      ///< "ip:port" that was dialled; in the request's arena or static
  std::string_view cache_status;        ///< our Cache-Status member; in the request's arena or static
  Outcome() = default;
};

}  // namespace freshet
