#include "freshet/exchange/outcome.hpp"

#include <array>

namespace freshet {

std::string_view name(CacheResult result) noexcept {
  static constexpr std::array<std::string_view, kCacheResults> kNames = {
      "none", "hit", "stale", "revalidated", "miss", "expired", "bypass", "uncacheable", "collapsed", "error"};
  return kNames[static_cast<std::size_t>(result)];
}

}  // namespace freshet
