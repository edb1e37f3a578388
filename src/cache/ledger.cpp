#include "freshet/cache/ledger.hpp"

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

}  // namespace freshet
