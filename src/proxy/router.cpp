#include "freshet/proxy/router.hpp"

#include <algorithm>

#include "freshet/base/ascii.hpp"
#include "freshet/http/target.hpp"
#include "local_answer.hpp"

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

RouteVerdict refuse(Reason why, int status) noexcept {
  RouteVerdict verdict;
  verdict.error = why;
  verdict.status = status;
  return verdict;
}

RouteVerdict decide_forward(const Request& request, const ListenerRules& rules) noexcept {
  const RequestHead& head = request.head;
  if (head.method == Method::Connect) {
    const auto target = split_authority(head.authority);
    const std::uint16_t port = target ? target->port : 0;
    if (std::find(rules.connect_ports.begin(), rules.connect_ports.end(), port) == rules.connect_ports.end())
      return refuse(Reason::PortRefused, 403);
    return {};
  }
  if (is_about_the_proxy(request)) return {};
  if (!request.absolute_form) return refuse(Reason::NotProxyRequest, 400);
  if (head.scheme != "http") return refuse(Reason::TlsUnsupported, 501);
  return {};
}

RouteVerdict decide_reverse(const Request& request, const ListenerRules& rules) noexcept {
  const RequestHead& head = request.head;
  if (head.method == Method::Connect) return refuse(Reason::ConnectRefused, 405);
  if (head.scheme != "http") return refuse(Reason::UnsupportedScheme, 421);
  bool by_path = false, by_host = false;
  for (const Route& route : rules.routes) {
    by_path |= !route.path_prefix.empty();
    by_host |= !route.host.empty();
  }
  if (by_path && has_dot_segment(head.target)) return refuse(Reason::BadTarget, 400);
  const auto host = by_host ? host_of(head.authority) : std::string_view();
  for (const Route& route : rules.routes)
    if (host_matches(route.host, host) && (route.path_prefix.empty() || head.target.starts_with(route.path_prefix))) {
      RouteVerdict verdict;
      verdict.upstream = route.upstream;
      verdict.rate = route.rate ? &*route.rate : nullptr;
      return verdict;
    }
  return refuse(Reason::NoRoute, 404);
}

AccessFacts facts_of(const Request& request) noexcept {
  const RequestHead& head = request.head;
  AccessFacts facts;
  facts.client = request.peer->address;
  facts.user = request.user;
  facts.method_name = head.method_name;
  if (const auto target = split_authority(head.authority)) {
    facts.host = target->host;
    facts.port = target->port != 0 ? target->port : default_port(head.scheme);
  }
  return facts;
}

}  // namespace

RouteVerdict decide_route(const Request& request, const ListenerRules& rules) noexcept {
  RouteVerdict verdict = rules.forward ? decide_forward(request, rules) : decide_reverse(request, rules);
  if (rules.forward && rules.rate) verdict.rate = &*rules.rate;
  if (verdict.error != Reason::None || rules.access.empty()) return verdict;
  const AccessVerdict access = decide_access(facts_of(request), rules.access);
  if (access.error != Reason::None) {
    verdict.error = access.error;
    verdict.status = access.error == Reason::AuthenticationRequired ? 407 : 403;
    return verdict;
  }
  verdict.address_rules = access.address_rules;
  verdict.otherwise = access.otherwise;
  return verdict;
}

}  // namespace freshet
