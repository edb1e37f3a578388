#include "freshet/config/load.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <tuple>

#include "read.hpp"
#include "report.hpp"
#include "yaml_tree.hpp"

namespace freshet {
namespace config {

void Report::add(Mark mark, std::string key, std::string what, bool warning) {
  if (problems_.size() < kMost)
    problems_.push_back({file_, mark.line, mark.column, std::move(key), std::move(what), warning});
  else if (!warning && problems_.size() == kMost)
    problems_.push_back(
        {file_, mark.line, mark.column, {}, "there is more wrong, expected these to be mended first", false});
}

std::vector<Problem> Report::take() {
  std::ranges::stable_sort(problems_, {}, [](const Problem& p) { return std::tuple{p.line, p.column}; });
  return std::move(problems_);
}

namespace {

/// Reads up to kMaxFileBytes + 1 bytes. On failure `what` says why, with what was expected.
std::string read_file(const std::string& path, std::string& what) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    what = "cannot be opened (" + std::generic_category().message(errno) + "), expected a readable file";
    return {};
  }
  struct stat status {};
  std::string text;
  if (::fstat(file, &status) == 0 && S_ISDIR(status.st_mode)) {
    what = "is a directory, expected a file";
  } else {
    text.resize(kMaxFileBytes + 1);
    std::size_t size = 0;
    while (size < text.size()) {
      const auto n = ::read(file, text.data() + size, text.size() - size);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) what = "cannot be read (" + std::generic_category().message(errno) + "), expected a readable file";
      if (n <= 0) break;
      size += static_cast<std::size_t>(n);
    }
    text.resize(size);
  }
  ::close(file);
  return text;
}

}  // namespace
}  // namespace config

std::string to_string(const Problem& problem) {
  std::string text = problem.file;
  if (problem.line) text += ':' + std::to_string(problem.line) + ':' + std::to_string(problem.column);
  text += problem.warning ? ": warning: " : ": ";
  if (!problem.key.empty()) text += problem.key + ": ";
  return text + problem.what;
}

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (!value) return {};
  return value;
}

LoadResult load_text(std::string_view yaml, const std::string& file, const Environment& environment) {
  config::Report report(file);
  LoadResult result;
  if (const auto root = config::parse_yaml(yaml, environment, report)) {
    result.settings = config::read_settings(*root, report);
    config::check_settings(result.settings, *root, report);
  }
  result.problems = report.take();
  return result;
}

LoadResult load_file(const std::string& path, const Environment& environment) {
  std::string what;
  const auto text = config::read_file(path, what);
  if (what.empty()) return load_text(text, path, environment);
  LoadResult result;
  result.problems.push_back({path, 0, 0, {}, what, false});
  return result;
}

}  // namespace freshet
