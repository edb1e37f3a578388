#include <algorithm>
#include <span>
#include <string>

#include "freshet/base/ascii.hpp"
#include "nearest.hpp"
#include "read.hpp"
#include "rows.hpp"

namespace freshet::config {
namespace {

/// Checks with the places of what they complain about.
class Checks {
 public:
  Checks(const Settings& settings, const Node& root, Report& report)
      : settings_(settings), root_(root), report_(report) {}

  void run() {
    check_listeners();
    check_binds();
    check_upstreams();
    check_via();
    check_operation(settings_, root_, report_);
  }

 private:
  void check_listeners() {
    const Node* list = root_.find("listeners");
    if (!list) return report_.error(root_.mark, "listeners", "is missing, expected a list (`- bind: ADDRESS:PORT`)");
    if (list->kind == Node::Kind::List && list->children.empty())
      report_.error(list->mark, "listeners", "is an empty list, expected one listener at least");
    for (std::size_t i = 0; i < settings_.listeners.size(); ++i)
      check_listener(settings_.listeners[i], list->children[i], "listeners[" + std::to_string(i) + ']');
  }

  void check_listener(const ListenerSettings& listener, const Node& node, const std::string& key) {
    if (node.kind != Node::Kind::Map) return;
    const Node* routes = node.find("routes");
    const Node* forward = node.find("forward");
    if (!routes && !forward)
      report_.error(node.mark, key,
                    "has neither routes nor forward, expected one of them (`forward: {}` for a forward proxy)");
    if (routes && forward)
      report_.error(forward->key_mark, key + ".forward",
                    "stands beside routes, expected a listener of its own for each");
    check_access(listener, node, key, report_);
    if (routes && routes->kind == Node::Kind::List) {
      if (listener.routes.empty())
        report_.error(routes->mark, key + ".routes", "is an empty list, expected one route at least");
      check_routes(listener.routes, *routes, key + ".routes");
    }
    if (!forward || routes) return;
    for (std::string_view name : {"add_x_forwarded", "add_forwarded"})
      if (const Node* setting = node.find(name))
        report_.error(setting->key_mark, key + '.' + std::string{name},
                      "is for reverse listeners, expected only beside routes");
    if (listener.forward && listener.forward->auth)
      check_auth(*listener.forward->auth, *forward->find("auth"), key + ".forward.auth");
    if (listener.forward && listener.forward->allow_private.all && listener.access.empty() &&
        !is_loopback(listener.bind.address))
      report_.warning(forward->mark, key + ".forward.allow_private",
                      "lets everybody who reaches " + to_string(listener.bind) + " into your private networks");
  }

  void check_auth(const AuthSettings& auth, const Node& node, const std::string& key) {
    if (auth.users == "off" && auth.digest_users == "off")
      report_.error(node.mark, key, "has neither users nor digest_users, expected the path of a file for one of them");
    const bool printable = std::ranges::all_of(auth.realm, [](char c) { return c >= 0x20 && c < 0x7f; });
    if (!printable || auth.realm.find_first_of(":\"\\") != std::string::npos || auth.realm.size() > 128)
      report_.error(place(node, "realm"), key + ".realm",
                    "is '" + auth.realm + "', expected up to 128 printable ASCII characters without colon, quote and backslash");
  }

  static bool is_loopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }

  void check_routes(std::span<const RouteSettings> routes, const Node& list, const std::string& path) {
    for (std::size_t i = 0; i < routes.size(); ++i) {
      const Node& node = list.children[i];
      if (node.kind != Node::Kind::Map) continue;
      const auto key = path + '[' + std::to_string(i) + ']';
      check_route(routes[i], node, key);
      const auto before = std::ranges::find_if(
          routes.first(i), [&](const RouteSettings& earlier) { return covers(earlier, routes[i]); });
      if (before != routes.begin() + static_cast<std::ptrdiff_t>(i))
        report_.error(node.mark, key,
                      "is never reached, expected it before the route in line " +
                          std::to_string(list.children[static_cast<std::size_t>(before - routes.begin())].mark.line) +
                          ", which takes all of its requests");
    }
  }

  static bool covers(const RouteSettings& earlier, const RouteSettings& later) {
    const std::string_view host = earlier.host;
    const bool below =
        host.starts_with("*.") && later.host.ends_with(host.substr(1)) && later.host.size() >= host.size();
    return (host == "*" || host == later.host || below) && later.path.starts_with(earlier.path);
  }

  /// "*", "name", "*.name" or "[IPv6]".
  static bool is_host_pattern(std::string_view host) {
    if (host == "*") return true;
    if (host.starts_with('[') && host.ends_with(']'))
      return std::ranges::all_of(host.substr(1, host.size() - 2),
                                 [](char c) { return ascii::is_hex(c) || c == ':' || c == '.'; });
    if (host.starts_with("*.")) host.remove_prefix(2);
    return !host.empty() && host.front() != '.' && std::ranges::all_of(host, [](char c) {
      return ascii::is_alpha(c) || ascii::is_digit(c) || c == '-' || c == '_' || c == '.';
    });
  }

  void check_route(const RouteSettings& route, const Node& node, const std::string& key) {
    if (!is_host_pattern(route.host))
      report_.error(place(node, "host"), key + ".host",
                    "is '" + route.host + "', expected a host name without scheme and port, *.NAME or *");
    const bool clean =
        std::ranges::all_of(route.path, [](char c) { return c > 0x20 && c < 0x7f && c != '?' && c != '#'; });
    if (!route.path.starts_with('/') || !clean)
      report_.error(place(node, "path"), key + ".path",
                    "is '" + route.path + "', expected the beginning of a path such as /api/");
    const Node* upstream = node.find("upstream");
    if (!upstream || route.upstream.empty() || settings_.find_upstream(route.upstream)) return;
    std::vector<std::string_view> names;
    for (const auto& known : settings_.upstreams) names.push_back(known.name);
    const auto near = nearest(route.upstream, names);
    report_.error(upstream->mark, key + ".upstream",
                  "names '" + route.upstream + "', which is not under upstreams, " +
                      (near.empty() ? "expected a name that is" : "did you mean '" + std::string{near} + "'?"));
  }

  void check_binds() {
    std::vector<std::pair<Endpoint, std::string>> taken;
    for (std::size_t i = 0; i < settings_.listeners.size(); ++i) {
      const auto& bind = settings_.listeners[i].bind;
      const auto key = "listeners[" + std::to_string(i) + ']';
      check_bind(bind, key, place(root_.find("listeners")->children[i], "bind"), taken);
    }
    const Node* admin = root_.find("admin");
    if (settings_.admin && settings_.admin->bind.path.empty())
      check_bind(settings_.admin->bind.endpoint, "admin", admin ? place(*admin, "bind") : Mark{}, taken);
  }

  void check_bind(const Endpoint& bind, const std::string& key, Mark mark,
                  std::vector<std::pair<Endpoint, std::string>>& taken) {
    if (bind.port == 0) return;
    const auto same = std::ranges::find(taken, bind, &std::pair<Endpoint, std::string>::first);
    if (same != taken.end())
      report_.error(mark, key + ".bind",
                    "is " + to_string(bind) + " like that of " + same->second + ", expected another one");
    taken.emplace_back(bind, key);
  }

  void check_upstreams() {
    const Node* map = root_.find("upstreams");
    for (const auto& upstream : settings_.upstreams) {
      const bool used = std::ranges::any_of(settings_.listeners, [&](const ListenerSettings& listener) {
        return std::ranges::find(listener.routes, upstream.name, &RouteSettings::upstream) != listener.routes.end();
      });
      const Node* node = map->find(upstream.name);
      if (!used) report_.warning(node->key_mark, "upstreams." + upstream.name, "is not named by any route");
      constexpr std::string_view kWords[] = {"keep", "server"};
      const auto near = nearest(upstream.host.literal, kWords);
      if (upstream.host.kind == HostField::Kind::Literal && !near.empty())
        report_.warning(
            place(*node, "host"), "upstreams." + upstream.name + ".host",
            "sends the Host '" + upstream.host.literal + "' itself, did you mean '" + std::string{near} + "'?");
    }
  }

  void check_via() {
    const bool token = std::ranges::all_of(settings_.via, [](char c) {
      return ascii::is_alpha(c) || ascii::is_digit(c) ||
             std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
    });
    if (!token || ascii::is_digit(settings_.via.front()) || settings_.via.size() > 64)
      report_.error(place(root_, "via"), "via",
                    "is '" + settings_.via + "', expected up to 64 letters, digits and hyphens, a letter first");
  }

  /// Where the value of a setting stands, or else its section.
  static Mark place(const Node& section, std::string_view name) {
    const Node* node = section.find(name);
    return node ? node->mark : section.mark;
  }

  const Settings& settings_;
  const Node& root_;
  Report& report_;
};

}  // namespace

void check_settings(const Settings& settings, const Node& root, Report& report) {
  Checks(settings, root, report).run();
}

}  // namespace freshet::config
