#include "nearest.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "freshet/base/ascii.hpp"

namespace freshet::config {
namespace {
constexpr std::size_t kLongest = 64;

char folded(char c) noexcept { return c == '-' ? '_' : ascii::lower(c); }
}  // namespace

std::size_t distance(std::string_view a, std::string_view b) noexcept {
  if (a.size() > kLongest || b.size() > kLongest) return std::numeric_limits<std::size_t>::max();
  std::array<std::array<std::size_t, kLongest + 1>, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i - 1) % 3];
    const auto& two_above = rows[(i + 1) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = folded(a[i - 1]) == folded(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) && folded(a[i - 2]) == folded(b[j - 1]))
        row[j] = std::min(row[j], two_above[j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

std::string_view nearest(std::string_view name, std::span<const std::string_view> known) noexcept {
  std::string_view best;
  std::size_t best_distance = std::numeric_limits<std::size_t>::max();
  for (auto candidate : known) {
    const auto d = distance(name, candidate);
    // A third of the letters may be wrong: more than that is a guess.
    if (d < best_distance && d <= std::max<std::size_t>(1, candidate.size() / 3)) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

}  // namespace freshet::config
