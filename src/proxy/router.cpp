#include "freshet/proxy/router.hpp"

#include <algorithm>

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

RouteVerdict refuse(Reason why, int status) noexcept { return {why, status, Destination::kForward, nullptr}; }

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
  if (rules.forward) {
    RouteVerdict verdict = decide_forward(request, rules);
    if (rules.rate) verdict.rate = &*rules.rate;
    return verdict;
  }
  const RequestHead& head = request.head;
  if (head.method == Method::Connect) return refuse(Reason::ConnectRefused, 405);
  if (head.scheme != "http") return refuse(Reason::UnsupportedScheme, 421);
  const auto host = host_of(head.authority);
  for (const Route& route : rules.routes)
    if (host_matches(route.host, host) && (route.path_prefix.empty() || head.target.starts_with(route.path_prefix)))
      return {Reason::None, 0, route.upstream, route.rate ? &*route.rate : nullptr};
  return refuse(Reason::NoRoute, 404);
}

}  // namespace freshet
