#include "freshet/config/units.hpp"

#include <iterator>

namespace freshet {
namespace {

/// With the largest unit from the end of `table` down to `first` that divides it.
template <std::size_t n>
std::string format(std::uint64_t value, const units::Unit (&table)[n], std::size_t first) {
  for (std::size_t i = n; i-- > first;)
    if (value % table[i].factor == 0) return std::to_string(value / table[i].factor) + std::string{table[i].name};
  return std::to_string(value);
}

}  // namespace

std::string format_duration(Milliseconds duration) {
  if (duration.count() == 0) return "0s";
  return format(static_cast<std::uint64_t>(duration.count()), units::kDurations, 0);
}

std::string format_size(Bytes size) {
  constexpr std::size_t kFirstBinary = 6;
  static_assert(units::kSizes[kFirstBinary].name == "KiB");
  return size == 0 ? "0" : format(size, units::kSizes, kFirstBinary);
}

}  // namespace freshet
