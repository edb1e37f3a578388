#include "freshet/upstream/balance.hpp"

#include <algorithm>
#include <limits>

#include "freshet/base/check.hpp"

namespace freshet {
namespace {
std::int64_t ticks(SteadyTime t) noexcept { return t.time_since_epoch().count(); }
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
}  // namespace

Balance::Balance(std::size_t servers, Milliseconds set_aside, std::size_t first)
    : size_(servers),
      set_aside_(set_aside),
      next_(0),
      aside_until_(std::make_unique<std::atomic<std::int64_t>[]>(servers)) {
  ENSURE(servers > 0);
  next_ = first % servers;
  for (std::size_t i = 0; i < size_; ++i) aside_until_[i].store(kNever, std::memory_order_relaxed);
}

std::optional<std::size_t> Balance::pick(SteadyTime now, std::span<const std::size_t> tried) noexcept {
  std::optional<std::size_t> soonest;
  for (std::size_t k = 0; k < size_; ++k) {
    const std::size_t server = (next_ + k) % size_;
    if (std::find(tried.begin(), tried.end(), server) != tried.end()) continue;
    if (healthy(server, now)) {
      next_ = (server + 1) % size_;
      return server;
    }
    if (!soonest ||
        aside_until_[server].load(std::memory_order_relaxed) < aside_until_[*soonest].load(std::memory_order_relaxed))
      soonest = server;
  }
  return soonest;
}

void Balance::failed(std::size_t server, SteadyTime now) noexcept {
  bool another = false;
  for (std::size_t i = 0; i < size_; ++i) another = another || (i != server && healthy(i, now));
  if (another) aside_until_[server].store(ticks(now + set_aside_), std::memory_order_relaxed);
}

void Balance::answered(std::size_t server) noexcept { aside_until_[server].store(kNever, std::memory_order_relaxed); }

bool Balance::healthy(std::size_t server, SteadyTime now) const noexcept {
  return aside_until_[server].load(std::memory_order_relaxed) <= ticks(now);
}

}  // namespace freshet
