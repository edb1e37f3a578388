// Collects what is wrong with a configuration, with its places.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "freshet/config/load.hpp"
#include "node.hpp"

namespace freshet::config {

class Report {
 public:
  explicit Report(std::string file) : file_(std::move(file)) {}

  void error(Mark mark, std::string key, std::string what) { add(mark, std::move(key), std::move(what), false); }
  void warning(Mark mark, std::string key, std::string what) { add(mark, std::move(key), std::move(what), true); }

  /// So much is wrong that more would not be read.
  bool full() const noexcept { return problems_.size() >= kMost; }
  /// Ordered by place.
  std::vector<Problem> take();

 private:
  void add(Mark, std::string key, std::string what, bool warning);

  static constexpr std::size_t kMost = 200;

  std::string file_;
  std::vector<Problem> problems_;
};

}  // namespace freshet::config
