// "did you mean": the known name next to one that somebody mistyped.
#pragma once

#include <span>
#include <string_view>

namespace freshet::config {

/// How many insertions, deletions, replacements and swaps of neighbours lie between two names; '-' counts as '_', case
/// does not. Names longer than 64 bytes count as unlike everything.
std::size_t distance(std::string_view a, std::string_view b) noexcept;

/// The one of `known` nearest to `name`, or empty when none is near enough to be what was meant.
std::string_view nearest(std::string_view name, std::span<const std::string_view> known) noexcept;

}  // namespace freshet::config
