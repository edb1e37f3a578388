#include "process_stats.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <memory>
#include <sstream>
#include <string>

namespace freshet {
namespace {

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; }

std::uint64_t count_open_fds() {
  struct Close {
    void operator()(DIR* d) const noexcept { closedir(d); }
  };
  const std::unique_ptr<DIR, Close> directory(opendir("/proc/self/fd"));
  if (!directory) return 0;
  std::uint64_t entries = 0;
  while (readdir(directory.get())) ++entries;
  return entries > 3 ? entries - 3 : 0;  // ".", ".." and the descriptor of the directory itself
}

/// When the machine started, in seconds since 1970.
double boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("btime ", 0) == 0) return static_cast<double>(std::stoull(line.substr(6)));
  return 0;
}

/// /proc/self/stat, see proc(5): the fields after the command name, which may hold spaces and parentheses.
void read_stat(ProcessStats& stats) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return;
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  std::uint64_t start_ticks = 0, virtual_bytes = 0, resident_pages = 0;
  if (!(fields >> start_ticks >> virtual_bytes >> resident_pages)) return;
  stats.start_time_seconds = boot_time() + static_cast<double>(start_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  stats.virtual_bytes = virtual_bytes;
  stats.resident_bytes = resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

ProcessStats read_process_stats() {
  ProcessStats stats;
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) stats.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    stats.max_fds = limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<std::uint64_t>::max() : limit.rlim_cur;
  stats.open_fds = count_open_fds();
  read_stat(stats);
  return stats;
}

}  // namespace freshet
