// ${NAME} and ${NAME:-default} in the values of a configuration.
#pragma once

#include <string>
#include <string_view>

#include "freshet/config/load.hpp"

namespace freshet::config {

struct Substituted {
  std::string text;
  std::string problem;  ///< what is wrong, and what was expected; empty when good
};

/// Replaces ${NAME} by the variable and ${NAME:-default} by it or, when it is unset or empty, by the default, which is
/// taken as it stands. $$ is a dollar; a dollar before anything else stands for itself. A result above 64 KiB is
/// refused.
Substituted substitute(std::string_view text, const Environment&);

}  // namespace freshet::config
