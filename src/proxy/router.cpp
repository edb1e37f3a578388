#include "freshet/proxy/router.hpp"

#include <algorithm>

#include "freshet/base/ascii.hpp"
#include "freshet/http/target.hpp"

namespace freshet {
namespace {

std::string_view host_of(std::string_view authority) noexcept {
  const auto parts = split_authority(authority);
  return parts ? parts->host : authority;
}

bool host_matches(std::string_view pattern, std::string_view host) noexcept {
  if (pattern.empty()) return true;
  if (pattern.starts_with("*.")) {
    const auto suffix = pattern.substr(1);
    return host.size() > suffix.size() && host.ends_with(suffix);
  }
  return pattern == host;
}

// Takes one byte of a path, encoded or not, off `rest`, as a careless origin reads it: '.', '/' for all that may end a
// segment, or 0 for the others.
char next_of_path(std::string_view& rest) noexcept {
  struct Encoded {
    std::string_view text;
    char read_as;
  };
  for (const Encoded& each : {Encoded{"%2e", '.'}, {"%2f", '/'}, {"%5c", '/'}, {".", '.'}, {"/", '/'}, {";", '/'}}) {
    if (!ascii::iequals(rest.substr(0, each.text.size()), each.text)) continue;
    rest.remove_prefix(each.text.size());
    return each.read_as;
  }
  rest.remove_prefix(1);
  return '\0';
}

// Whether the path has a segment "." or "..", encoded or not: some origins climb from it out of the prefix that a route
// has matched.
bool has_dot_segment(std::string_view target) noexcept {
  std::string_view rest = target.substr(0, target.find('?'));
  std::size_t dots = 0, others = 0;  // of the segment
  const auto climbs = [&] { return others == 0 && (dots == 1 || dots == 2); };
  while (!rest.empty()) {
    const char c = next_of_path(rest);
    if (c == '/' && climbs()) return true;
    if (c == '/') dots = others = 0;
    dots += c == '.';
    others += c == '\0';
  }
  return climbs();
}

RouteVerdict refuse(Reason why, int status) noexcept { return {why, status, Destination::kForward}; }

RouteVerdict decide_forward(const Request& request, const ListenerRules& rules) noexcept {
  const RequestHead& head = request.head;
  if (head.method == Method::Connect) {
    const auto target = split_authority(head.authority);
    const std::uint16_t port = target ? target->port : 0;
    if (std::find(rules.connect_ports.begin(), rules.connect_ports.end(), port) == rules.connect_ports.end())
      return refuse(Reason::PortRefused, 403);
    return {};
  }
  if (!request.absolute_form) return refuse(Reason::NotProxyRequest, 400);
  if (head.scheme != "http") return refuse(Reason::TlsUnsupported, 501);
  return {};
}

}  // namespace

RouteVerdict decide_route(const Request& request, const ListenerRules& rules) noexcept {
  if (rules.forward) return decide_forward(request, rules);
  const RequestHead& head = request.head;
  if (head.method == Method::Connect) return refuse(Reason::ConnectRefused, 405);
  if (head.scheme != "http") return refuse(Reason::UnsupportedScheme, 421);
  const bool by_path = std::any_of(rules.routes.begin(), rules.routes.end(),
                                   [](const Route& route) { return !route.path_prefix.empty(); });
  if (by_path && has_dot_segment(head.target)) return refuse(Reason::BadTarget, 400);
  const auto host = host_of(head.authority);
  for (const Route& route : rules.routes)
    if (host_matches(route.host, host) && (route.path_prefix.empty() || head.target.starts_with(route.path_prefix)))
      return {Reason::None, 0, route.upstream};
  return refuse(Reason::NoRoute, 404);
}

}  // namespace freshet
