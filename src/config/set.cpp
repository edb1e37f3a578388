#include <algorithm>
#include <string>

#include "rows.hpp"

namespace freshet {
namespace {

/// True when the section has a setting of that name; then it is set, or the report says why not.
template <typename Section>
bool set_in(Section& section, std::string_view name, const config::Node& node, config::Report& report) {
  const auto rows = config::rows<Section>();
  const auto row = std::ranges::find_if(rows, [&](const auto& r) { return r.text.name == name; });
  if (row == rows.end()) return false;
  row->read(row->text, node, {}, report, section);
  return true;
}

bool set_by_path(Settings& settings, std::string_view path, const config::Node& node, config::Report& report) {
  const auto dot = path.find('.');
  if (dot == path.npos) return set_in(settings, path, node, report);
  const auto section = path.substr(0, dot);
  const auto name = path.substr(dot + 1);
  if (section == "cache") return set_in(settings.cache, name, node, report);
  if (section == "access_log") return set_in(settings.access_log, name, node, report);
  if (section == "log") return set_in(settings.log, name, node, report);
  if (section == "timeouts") return set_in(settings.timeouts, name, node, report);
  if (section == "limits") return set_in(settings.limits, name, node, report);
  if (section != "admin") return false;
  if (node.text == "off") {
    settings.admin.reset();
    return name == "bind";
  }
  return set_in(settings.admin ? *settings.admin : settings.admin.emplace(), name, node, report);
}

}  // namespace

std::string set(Settings& settings, std::string_view path, std::string_view text) {
  config::Node node;
  node.kind = config::Node::Kind::Scalar;
  node.text = text;
  config::Report report{{}};
  if (!set_by_path(settings, path, node, report)) return "is no setting, expected a path of docs/configuration.md";
  settings.cache.max_object_size = std::min(settings.cache.max_object_size, settings.cache.max_size);
  const auto problems = report.take();
  return problems.empty() ? std::string{} : problems.front().what;
}

}  // namespace freshet
