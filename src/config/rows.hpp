// settings.def as tables: for each section the rows that read its settings and document them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/config/settings.hpp"
#include "node.hpp"
#include "report.hpp"
#include "values.hpp"

namespace freshet::config {

/// A row as text.
struct RowText {
  std::string_view name;
  TypeText type;
  std::string_view fallback, low, high, help;

  bool required() const noexcept { return fallback.empty(); }
  /// What a message says was expected, range included.
  std::string expected() const;
};

template <typename Section>
struct Row {
  RowText text;
  /// Reads the value of `node` into its member of the section, or reports what is wrong with it under `key`.
  void (*read)(const RowText& text, const Node& node, const std::string& key, Report&, Section&);
};

/// The rows of a section, in the order of settings.def.
template <typename Section>
std::span<const Row<Section>> rows();

struct SectionText {
  std::string_view path;  ///< "" for the top of the file
  std::string_view help;
  std::vector<RowText> rows;
};
/// Everything, in the order of settings.def.
const std::vector<SectionText>& all_sections();

/// "is empty", "is 'x'", "is a list", "is a map".
std::string describe(const Node&);

}  // namespace freshet::config
