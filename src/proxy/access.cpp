#include "freshet/proxy/access.hpp"

#include <algorithm>
#include <functional>

namespace freshet {
namespace {

enum class UserMatch : std::uint8_t { Yes, No, Unknown };

bool has(const std::vector<std::string>& sorted, std::string_view text) noexcept {
  return std::binary_search(sorted.begin(), sorted.end(), text, std::less<>());
}

bool lists(const std::vector<std::string>& list, std::string_view text) noexcept {
  return std::find(list.begin(), list.end(), text) != list.end();
}

UserMatch match_user(const AccessRule& rule, std::string_view user) noexcept {
  if (rule.users.empty()) return UserMatch::Yes;
  if (user.empty()) return UserMatch::Unknown;
  return lists(rule.users, user) || lists(rule.users, "*") ? UserMatch::Yes : UserMatch::No;
}

bool has_client(const AccessRule& rule, const std::optional<IpAddress>& client) noexcept {
  const auto contains = [&](const IpNetwork& network) { return network.contains(*client); };
  return rule.clients.empty() || (client && std::any_of(rule.clients.begin(), rule.clients.end(), contains));
}

bool has_port(const AccessRule& rule, std::uint16_t port) noexcept {
  const auto contains = [port](const PortRange& range) { return range.first <= port && port <= range.last; };
  return rule.ports.empty() || std::any_of(rule.ports.begin(), rule.ports.end(), contains);
}

}  // namespace

HostSet::HostSet(const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    const auto literal = parse_ip(pattern);
    if (const auto address = literal ? literal : ip_of_host(pattern)) {
      addresses_.push_back(*address);
    } else if (pattern == "*") {
      any_ = true;
    } else if (pattern.starts_with("*.")) {
      below_.push_back(pattern.substr(2));
    } else if (pattern.starts_with('.')) {
      exact_.push_back(pattern.substr(1));
      below_.push_back(pattern.substr(1));
    } else {
      exact_.push_back(pattern);
    }
  }
  std::sort(exact_.begin(), exact_.end());
  std::sort(below_.begin(), below_.end());
}

bool HostSet::contains(std::string_view host, const std::optional<IpAddress>& address) const noexcept {
  if (any_) return true;
  if (address) return std::find(addresses_.begin(), addresses_.end(), *address) != addresses_.end();
  if (has(exact_, host)) return true;
  if (below_.empty()) return false;
  for (std::size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1))
    if (has(below_, host.substr(dot + 1))) return true;
  return false;
}

AccessVerdict decide_access(const AccessFacts& facts, const std::vector<AccessRule>& rules) noexcept {
  AccessVerdict verdict;
  if (rules.empty()) return verdict;
  const auto client = parse_ip(facts.client);
  const auto address = ip_of_host(facts.host);
  Reason last = Reason::AccessDenied;  // what the first rule says that does not wait for the address
  bool hopeful = false;                // one that does may say something else than no
  for (const AccessRule& rule : rules) {
    if (!has_client(rule, client) || !has_port(rule, facts.port)) continue;
    if (!rule.methods.empty() && !lists(rule.methods, facts.method_name)) continue;
    if (!rule.hosts.empty() && !rule.hosts.contains(facts.host, address)) continue;
    const UserMatch user = match_user(rule, facts.user);
    if (user == UserMatch::No) continue;
    if (rule.by_address != 0) {
      verdict.address_rules |= user == UserMatch::Yes ? rule.by_address : rule.by_address_unknown;
      hopeful |= rule.allow || user == UserMatch::Unknown;
      continue;
    }
    last = user == UserMatch::Unknown ? Reason::AuthenticationRequired
           : rule.allow               ? Reason::None
                                      : Reason::AccessDenied;
    break;
  }
  if (verdict.address_rules == 0 || (!hopeful && last != Reason::None)) return {last, 0, Reason::None};
  verdict.otherwise = last == Reason::AccessDenied ? Reason::AddressDenied : last;
  return verdict;
}

}  // namespace freshet
