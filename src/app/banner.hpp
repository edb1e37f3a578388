// The first thing a person sees: where it listens, and one line to try.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "freshet/config/settings.hpp"

namespace freshet {

/// Prints to stderr. `ports`: what was bound, in the order of the listeners; `admin_port`: 0 for off, or for a Unix socket.
void print_banner(const Settings& settings, const std::vector<std::uint16_t>& ports, std::uint16_t admin_port, unsigned workers,
                  const std::string& how_started);
/// The text of it.
std::string banner_text(const Settings& settings, const std::vector<std::uint16_t>& ports, std::uint16_t admin_port, unsigned workers,
                        const std::string& how_started);

}  // namespace freshet
