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

  bool any_errors() const noexcept { return errors_; }
  /// Ordered by place.
  std::vector<Problem> take();

 private:
  void add(Mark, std::string key, std::string what, bool warning);

  std::string file_;
  std::vector<Problem> problems_;
  bool errors_ = false;
};

}  // namespace freshet::config
