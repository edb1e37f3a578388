#include "freshet/cache/ledger.hpp"

#include <algorithm>

namespace freshet {

bool Ledger::charge(std::uint64_t bytes) noexcept {
  if (bytes > limit_) return false;
  for (;;) {
    std::uint64_t held = held_.load(std::memory_order_relaxed);
    while (held <= limit_ - bytes)
      if (held_.compare_exchange_weak(held, held + bytes, std::memory_order_relaxed)) return true;
    if (!make_room(bytes)) return false;  // each success has freed something, or taken it out of the index
  }
}

void Ledger::prepare(std::uint64_t bytes, std::uint64_t step) noexcept {
  const std::uint64_t held = this->held();
  const std::uint64_t free = limit_ - std::min(held, limit_);
  if (bytes <= limit_ && free < bytes) make_room(std::min(bytes, free + step));
}

}  // namespace freshet
