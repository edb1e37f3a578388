// What the program says about itself, on stderr.
#pragma once

#include <string>

#include "freshet/base/clock.hpp"
#include "freshet/config/settings.hpp"

namespace freshet {

/// Sets the level; call once, first.
void start_program_log(LogLevel level);
void log_info(const std::string& text);
void log_warning(const std::string& text);
void log_error(const std::string& text);

/// "30s", "1.5s".
std::string format_seconds(Milliseconds);

}  // namespace freshet
