// What the operating system knows about this process (Linux /proc).
#pragma once

#include <cstdint>

namespace freshet {

struct ProcessStats {
  double cpu_seconds = 0;          ///< user and system
  double start_time_seconds = 0;   ///< since 1970
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;       ///< the soft limit
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_bytes = 0;
};

/// What cannot be read is 0. Any thread.
ProcessStats read_process_stats();

}  // namespace freshet
