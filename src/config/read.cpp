#include "read.hpp"

#include <algorithm>
#include <initializer_list>
#include <span>

#include "freshet/base/ascii.hpp"
#include "nearest.hpp"
#include "rows.hpp"

namespace freshet::config {
namespace {

std::string joined(std::string_view path, std::string_view key) {
  return path.empty() ? std::string{key} : std::string{path} + '.' + std::string{key};
}

/// True for a map and for nothing at all (a section whose lines are all comments).
bool expect_map(const Node& node, const std::string& key, Report& report) {
  if (node.kind == Node::Kind::Map || node.kind == Node::Kind::Null) return true;
  report.error(node.mark, key, describe(node) + ", expected settings (`name: value`)");
  return false;
}

/// Where else a setting of that name stands, e.g. "timeouts.connect"; empty when nowhere.
std::string elsewhere(std::string_view name) {
  for (const auto& section : all_sections())
    for (const auto& row : section.rows)
      if (row.name == name) return joined(section.path, name);
  return {};
}

void report_unknown(const Node& node, const std::string& key, std::span<const std::string_view> known, Report& report) {
  std::string what = "is not a known setting, expected ";
  if (report.full()) return report.error(node.key_mark, key, what);  // the search is not cheap
  if (const auto near = nearest(node.key, known); !near.empty()) {
    what = "is not a known setting, did you mean '" + std::string{near} + "'?";
  } else if (const auto place = elsewhere(node.key); !place.empty()) {
    what = "is not a setting of this section, did you mean '" + place + "'?";
  } else {
    for (std::size_t i = 0; i < known.size(); ++i)
      what += std::string{i == 0 ? "" : i + 1 == known.size() ? " or " : ", "} + std::string{known[i]};
  }
  report.error(node.key_mark, key, what);
}

/// Reads the rows of `section` from `map`. `others`: keys that the caller reads itself.
template <typename Section>
void read_rows(const Node& map, const std::string& path, Section& section, Report& report,
               std::initializer_list<std::string_view> others = {}) {
  std::vector<std::string_view> known{others};
  for (const auto& row : rows<Section>()) known.push_back(row.text.name);
  for (const Node& child : map.children) {
    const auto key = joined(path, child.key);
    const auto row = std::ranges::find_if(rows<Section>(), [&](const auto& r) { return r.text.name == child.key; });
    if (row != rows<Section>().end())
      row->read(row->text, child, key, report, section);
    else if (std::ranges::find(others, child.key) == others.end())
      report_unknown(child, key, known, report);
  }
  for (const auto& row : rows<Section>())
    if (row.text.required() && !map.find(row.text.name))
      report.error(map.mark, joined(path, row.text.name), "is missing, expected " + row.text.expected());
}

template <typename Section>
void read_section(const Node& root, std::string_view name, Section& section, Report& report) {
  const Node* node = root.find(name);
  if (node && expect_map(*node, std::string{name}, report)) read_rows(*node, std::string{name}, section, report);
}

bool is_off(const Node& node) { return node.kind == Node::Kind::Scalar && node.text == "off"; }

void normalise_route(RouteSettings& route) {
  std::ranges::transform(route.host, route.host.begin(), ascii::lower);
  if (route.host.size() > 1 && route.host.ends_with('.') && route.host != "*.") route.host.pop_back();
}

void read_rate_limit(const Node& parent, const std::string& path, std::optional<RateLimitSettings>& limit,
                     Report& report) {
  const Node* node = parent.find("rate_limit");
  if (!node || is_off(*node)) return;
  const std::string key = path + ".rate_limit";
  if (node->kind != Node::Kind::Map)
    report.error(node->mark, key, describe(*node) + ", expected settings such as {requests: 100, per: 1s} or off");
  else
    read_rows(*node, key, limit.emplace(), report);
}

void read_routes(const Node& node, const std::string& path, std::vector<RouteSettings>& routes, Report& report) {
  if (node.kind != Node::Kind::List) {
    report.error(node.mark, path, describe(node) + ", expected a list of routes such as [{upstream: app}]");
    return;
  }
  for (const Node& child : node.children) {
    const auto key = path + '[' + std::to_string(routes.size()) + ']';
    RouteSettings& route = routes.emplace_back();
    if (!expect_map(child, key, report)) continue;
    read_rows(child, key, route, report, {"rate_limit"});
    read_rate_limit(child, key, route.rate_limit, report);
    normalise_route(route);
  }
}

void read_listeners(const Node& node, std::vector<ListenerSettings>& listeners, Report& report) {
  if (node.kind != Node::Kind::List) {
    report.error(node.mark, "listeners", describe(node) + ", expected a list (`- bind: ADDRESS:PORT`)");
    return;
  }
  for (const Node& child : node.children) {
    const auto key = "listeners[" + std::to_string(listeners.size()) + ']';
    ListenerSettings& listener = listeners.emplace_back();
    if (!expect_map(child, key, report)) continue;
    read_rows(child, key, listener, report, {"routes", "forward"});
    if (const Node* routes = child.find("routes")) read_routes(*routes, key + ".routes", listener.routes, report);
    if (const Node* forward = child.find("forward")) {
      listener.forward.emplace();
      if (!expect_map(*forward, key + ".forward", report)) continue;
      read_rows(*forward, key + ".forward", *listener.forward, report, {"rate_limit"});
      read_rate_limit(*forward, key + ".forward", listener.forward->rate_limit, report);
    }
  }
}

void read_upstreams(const Node& node, std::vector<UpstreamSettings>& upstreams, Report& report) {
  if (!expect_map(node, "upstreams", report)) return;
  for (const Node& child : node.children) {
    const auto key = "upstreams." + child.key;
    const bool plain = std::ranges::all_of(
        child.key, [](char c) { return ascii::is_alpha(c) || ascii::is_digit(c) || c == '-' || c == '_'; });
    if (!plain || child.key.size() > 64)
      report.error(child.key_mark, key, "is no name, expected up to 64 letters, digits, '-' and '_'");
    UpstreamSettings& upstream = upstreams.emplace_back();
    upstream.name = child.key;
    if (expect_map(child, key, report)) read_rows(child, key, upstream, report);
  }
}

void read_admin(const Node& node, std::optional<AdminSettings>& admin, Report& report) {
  const Node* bind = node.find("bind");
  if (is_off(node) || (bind && is_off(*bind) && node.children.size() == 1))
    admin.reset();
  else if (expect_map(node, "admin", report))
    read_rows(node, "admin", *admin, report);
}

}  // namespace

Settings read_settings(const Node& root, Report& report) {
  Settings settings;
  if (!expect_map(root, "", report)) return settings;
  read_rows(root, "", settings, report,
            {"listeners", "upstreams", "cache", "admin", "access_log", "log", "timeouts", "limits"});
  if (const Node* node = root.find("listeners")) read_listeners(*node, settings.listeners, report);
  if (const Node* node = root.find("upstreams")) read_upstreams(*node, settings.upstreams, report);
  read_section(root, "cache", settings.cache, report);
  if (const Node* node = root.find("admin")) read_admin(*node, settings.admin, report);
  if (const Node* node = root.find("access_log"); node && is_off(*node))
    settings.access_log.path = "off";
  else
    read_section(root, "access_log", settings.access_log, report);
  read_section(root, "log", settings.log, report);
  read_section(root, "timeouts", settings.timeouts, report);
  read_section(root, "limits", settings.limits, report);
  settings.cache.max_object_size = std::min(settings.cache.max_object_size, settings.cache.max_size);
  return settings;
}

}  // namespace freshet::config
