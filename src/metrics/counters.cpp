#include "freshet/metrics/counters.hpp"

#include <algorithm>
#include <chrono>

namespace freshet {
namespace {

constexpr auto kBoundsInNanoseconds = [] {
  std::array<std::int64_t, DurationHistogram::kBounds.size()> bounds{};
  for (std::size_t i = 0; i < bounds.size(); ++i)
    bounds[i] = static_cast<std::int64_t>(DurationHistogram::kBounds[i] * 1e9 + 0.5);
  return bounds;
}();
static_assert(std::is_sorted(kBoundsInNanoseconds.begin(), kBoundsInNanoseconds.end()));

}  // namespace

void DurationHistogram::observe(std::chrono::nanoseconds duration) noexcept {
  const std::int64_t nanoseconds = std::max<std::int64_t>(duration.count(), 0);
  const auto first = kBoundsInNanoseconds.begin();  // nearly every hit
  const auto bound = nanoseconds <= *first ? first : std::lower_bound(first, kBoundsInNanoseconds.end(), nanoseconds);
  buckets_[static_cast<std::size_t>(bound - first)].add();
  sum_.add(static_cast<std::uint64_t>(nanoseconds));
}

}  // namespace freshet
