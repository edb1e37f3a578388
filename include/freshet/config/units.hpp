// Quantities as people write them in a configuration: 30s, 256MiB, 10.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "freshet/base/ascii.hpp"
#include "freshet/base/clock.hpp"

namespace freshet {

using Bytes = std::uint64_t;

namespace units {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
inline constexpr Unit kDurations[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
inline constexpr Unit kSizes[] = {{"", 1},
                                  {"B", 1},
                                  {"kB", 1000},
                                  {"MB", 1'000'000},
                                  {"GB", 1'000'000'000},
                                  {"TB", 1'000'000'000'000},
                                  {"KiB", 1ULL << 10},
                                  {"MiB", 1ULL << 20},
                                  {"GiB", 1ULL << 30},
                                  {"TiB", 1ULL << 40}};

/// Digits followed at once by the name of one of `table`; empty when it is not that or exceeds 2^62.
template <std::size_t n>
constexpr std::optional<std::uint64_t> parse(std::string_view text, const Unit (&table)[n]) noexcept {
  std::size_t digits = 0;
  while (digits < text.size() && ascii::is_digit(text[digits])) ++digits;
  const auto number = ascii::parse_decimal(text.substr(0, digits));
  if (!number) return {};
  for (const auto& unit : table)
    if (unit.name == text.substr(digits)) {
      if (*number > (1ULL << 62) / unit.factor) return {};
      return *number * unit.factor;
    }
  return {};
}

}  // namespace units

/// "500ms", "30s", "5m", "1h", "1d"; a unit is required, except for "0".
constexpr std::optional<Milliseconds> parse_duration(std::string_view text) noexcept {
  if (text == "0") return Milliseconds{0};
  const auto value = units::parse(text, units::kDurations);
  if (!value) return {};
  return Milliseconds{static_cast<std::int64_t>(*value)};
}

/// "1000", "64KiB", "256MiB", "1GiB", "10MB" (decimal: 10,000,000); no unit means bytes.
constexpr std::optional<Bytes> parse_size(std::string_view text) noexcept { return units::parse(text, units::kSizes); }

/// The shortest exact way to write it: "90s", "2m", "0s".
std::string format_duration(Milliseconds);
/// The shortest exact way to write it with a binary unit: "256MiB", "1000".
std::string format_size(Bytes);

}  // namespace freshet
