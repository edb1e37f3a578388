// A configuration file as a small tree that knows where everything stood; all that the rest of config sees of YAML.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace freshet::config {

/// A place in the file, counted from 1; 0 stands for the file as a whole.
struct Mark {
  unsigned line = 0;
  unsigned column = 0;
};

struct Node {
  enum class Kind : std::uint8_t { Null, Scalar, List, Map };
  Kind kind = Kind::Null;
  Mark mark;
  std::string text;            ///< of a scalar, after substitution of ${...}
  std::string key;             ///< when it is the value of a map's entry
  Mark key_mark;               ///< where that key stands
  std::vector<Node> children;  ///< of a list, or of a map (keys are unique)

  /// The map's entry with that key, or null.
  const Node* find(std::string_view name) const noexcept {
    if (kind != Kind::Map) return nullptr;
    const auto found = std::ranges::find(children, name, &Node::key);
    return found == children.end() ? nullptr : &*found;
  }
};

}  // namespace freshet::config
