#include "yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <exception>
#include <istream>
#include <streambuf>
#include <utility>

#include "substitute.hpp"

namespace freshet::config {
namespace {

Mark to_mark(const YAML::Mark& mark) noexcept {
  if (mark.is_null()) return {};
  return {static_cast<unsigned>(mark.line + 1), static_cast<unsigned>(mark.column + 1)};
}

/// Ends parsing; what was wrong is in the report already.
struct Stop : std::exception {};

std::string_view line_at(std::string_view text, int line) noexcept {
  for (; line > 0; --line) {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

/// What people most often mean where the parser only says that it is not YAML.
std::string_view hint_for(std::string_view text, const YAML::Mark& mark) noexcept {
  if (mark.is_null()) return {};
  const std::string_view line = line_at(text, mark.line);
  const std::size_t first = line.find_first_not_of(" \t");
  if (line.substr(0, first).find('\t') != line.npos) return " (indented with spaces: this line has a tab)";
  const auto column = static_cast<std::size_t>(mark.column);
  if (column < line.size() && (line[column] == '*' || line[column] == '&')) return " (a value that begins with * or & stands in quotes)";
  return {};
}

/// The bytes of a string_view as a stream.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // the get area is never written to
    setg(begin, begin, begin + text.size());
  }
};

/// Builds our tree from yaml-cpp's events. No graph is built on the way, so that there is nothing for aliases to
/// multiply.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const Environment& environment, Report& report) : environment_(environment), report_(report) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check_anchor(mark, anchor);
    if (expects_key()) return take_key(to_mark(mark), "");
    add(Node::Kind::Null, mark);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fail(to_mark(mark), "is an alias, expected the value itself (anchors and aliases are not supported)");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_anchor(mark, anchor);
    check_tag(mark, tag);
    if (expects_key()) return take_key(to_mark(mark), value);
    Node& node = add(Node::Kind::Scalar, mark);
    auto substituted = substitute(value, environment_);
    if (!substituted.problem.empty()) report_.error(node.mark, path_, substituted.problem);
    node.text = std::move(substituted.text);
    leave_value();
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::List, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::Map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    Node* node;
    std::size_t path_size;  ///< of path_, up to this node
    bool has_key = false;   ///< a map's key was read and its value comes next
    std::string key;
    Mark key_mark;
  };

  [[noreturn]] void fail(Mark mark, std::string what) {
    report_.error(mark, path_, std::move(what));
    throw Stop{};
  }
  void check_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor) fail(to_mark(mark), "has an anchor, expected a plain value (anchors and aliases are not supported)");
  }
  /// "?" is a plain scalar's or a collection's own tag, "!" a quoted one's.
  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      fail(to_mark(mark), "has the tag '" + tag + "', expected a value without tag");
  }
  bool expects_key() const noexcept {
    return !levels_.empty() && levels_.back().node->kind == Node::Kind::Map && !levels_.back().has_key;
  }
  void take_key(Mark mark, const std::string& key) {
    Level& level = levels_.back();
    if (key.empty()) fail(mark, "has an empty key, expected the name of a setting");
    if (const Node* before = level.node->find(key))
      report_.error(mark, joined(path_, key),
                    "stands here again, expected once (first in line " + std::to_string(before->key_mark.line) + ")");
    level.has_key = true;
    level.key = key;
    level.key_mark = mark;
    path_ = joined(path_, key);
  }
  Node& add(Node::Kind kind, const YAML::Mark& mark) {
    if (++nodes_ > kMaxNodes)
      fail(to_mark(mark), "is too much, expected at most " + std::to_string(kMaxNodes) + " values");
    Node* node = &root_;
    if (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.node->kind == Node::Kind::List) path_ += '[' + std::to_string(level.node->children.size()) + ']';
      node = &level.node->children.emplace_back();
      node->key = std::move(level.key);
      node->key_mark = level.key_mark;
    }
    node->kind = kind;
    node->mark = to_mark(mark);
    if (kind == Node::Kind::Null) {
      if (node->key_mark.line) node->mark = node->key_mark;  // yaml-cpp marks the absence of a value anywhere
      leave_value();
    }
    return *node;
  }
  void leave_value() {
    if (levels_.empty()) return;
    levels_.back().has_key = false;
    path_.resize(levels_.back().path_size);
  }
  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    check_anchor(mark, anchor);
    check_tag(mark, tag);
    if (expects_key()) fail(to_mark(mark), "has a list or a map as key, expected the name of a setting");
    if (levels_.size() >= kMaxDepth)
      fail(to_mark(mark), "is nested too deep, expected at most " + std::to_string(kMaxDepth) + " levels");
    // The parent's vector does not grow while a child of it is open, so the pointers in levels_ stay good.
    Node& node = add(kind, mark);
    levels_.push_back({&node, path_.size(), false, {}, {}});
  }
  void close() {
    levels_.pop_back();
    leave_value();
  }
  static std::string joined(const std::string& path, const std::string& key) {
    return path.empty() ? key : path + '.' + key;
  }

  const Environment& environment_;
  Report& report_;
  Node root_;
  std::vector<Level> levels_;
  std::string path_;
  std::size_t nodes_ = 0;
};

}  // namespace

std::optional<Node> parse_yaml(std::string_view text, const Environment& environment, Report& report) {
  if (text.size() > kMaxFileBytes) {
    report.error({}, "", "the file is larger than " + format_size(kMaxFileBytes) + ", expected a configuration");
    return {};
  }
  TreeBuilder builder(environment, report);
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return Node{};
    Node root = builder.take();
    TreeBuilder second(environment, report);
    if (parser.HandleNextDocument(second)) {
      report.error({}, "", "there is a second YAML document, expected one");
      return {};
    }
    return root;
  } catch (const Stop&) {
  } catch (const YAML::Exception& problem) {
    report.error(to_mark(problem.mark), "", "this is not YAML: " + problem.msg + ", expected 'key: value' lines" + std::string(hint_for(text, problem.mark)));
  }
  return {};
}

}  // namespace freshet::config
