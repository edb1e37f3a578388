// From a YAML file to Settings, with every mistake in it reported at once.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/config/settings.hpp"

namespace freshet {

/// One thing that is wrong, or (`warning`) probably not meant so.
struct Problem {
  std::string file;
  unsigned line = 0;  ///< from 1; 0 when the file as a whole is meant
  unsigned column = 0;
  std::string key;   ///< e.g. "listeners[0].routes[1].upstream"; empty when the text is not even YAML
  std::string what;  ///< what it is, and what was expected
  bool warning = false;
};
/// "file:line:column: key: what, expected what"; without what does not apply.
std::string to_string(const Problem&);

/// Looks up an environment variable; empty when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
/// The variables of this process.
std::optional<std::string> process_environment(const std::string& name);

struct LoadResult {
  Settings settings;              ///< worth using only when good()
  std::vector<Problem> problems;  ///< in the order of the file

  bool good() const noexcept {
    for (const auto& problem : problems)
      if (!problem.warning) return false;
    return true;
  }
};

/// Reads settings from YAML. `file`: its name for messages. Any bytes are welcome: time and memory are bounded
/// (1 MiB of text, 10,000 nodes, depth 16; aliases and tags are refused). Never throws but for lack of memory. Any
/// thread.
LoadResult load_text(std::string_view yaml, const std::string& file, const Environment& environment);

/// Reads a file and then load_text(). One that cannot be read is a problem like others.
LoadResult load_file(const std::string& path, const Environment& environment = process_environment);

}  // namespace freshet
