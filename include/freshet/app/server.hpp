// The running program: workers, listeners, cache, admin pages, signals.
#pragma once

#include <string>

#include "freshet/config/settings.hpp"

namespace freshet {

/// Builds everything from `settings`, prints where it listens, and serves until SIGTERM or SIGINT; then drains for at
/// most `settings.shutdown_grace`. Main thread only, once per process. Logs its own failures in one line each.
/// `how_started`: for the start banner, e.g. "conf/freshet.yaml" or "command line".
/// Returns the exit code: 0 good, 1 runtime failure (a port in use, a log file that cannot be opened).
int run_server(const Settings& settings, const std::string& how_started);

}  // namespace freshet
