// The one place that knows yaml-cpp.
#pragma once

#include <optional>
#include <string_view>

#include "node.hpp"
#include "report.hpp"

namespace freshet::config {

inline constexpr std::size_t kMaxFileBytes = 1 << 20;
inline constexpr std::size_t kMaxNodes = 10'000;
inline constexpr std::size_t kMaxDepth = 16;

/// Parses one YAML document; an empty one is a Null node. What is wrong with it (syntax, duplicate keys, aliases, tags,
/// too much of anything, unknown variables) goes to the report; empty when there is no tree to go on with.
std::optional<Node> parse_yaml(std::string_view text, const Environment&, Report&);

}  // namespace freshet::config
