#include "translate_access.hpp"

#include <algorithm>

#include "freshet/base/check.hpp"

namespace freshet {
namespace {

/// A rule with users has a second bit, for clients that would have to say who they are.
unsigned bits_of(const AccessRuleSettings& from) noexcept {
  if (from.destinations.empty()) return 0;
  return from.users.empty() ? 1 : 2;
}

AccessRule access_rule(const AccessRuleSettings& from) {
  AccessRule made;
  made.allow = from.action == AccessAction::Allow;
  for (const auto& client : from.clients) {
    const auto network = parse_ip_network(client.text);
    ENSURE(network);  // a rule must not lose a part of itself
    made.clients.push_back(*network);
  }
  for (const auto& user : from.users) made.users.push_back(user.text);
  for (const auto& method : from.methods) made.methods.push_back(method.text);
  std::vector<std::string> hosts;
  for (const auto& host : from.hosts) hosts.push_back(host.text);
  made.hosts = HostSet(hosts);
  for (const auto& port : from.ports) made.ports.push_back({port.first, port.last});
  return made;
}

std::string text_of(const AccessRuleSettings& from) {
  std::string out = from.action == AccessAction::Allow ? "+" : "-";
  for (const auto& network : from.destinations) out += network.text + ',';
  return out + (from.users.empty() ? ";" : "?;");
}

}  // namespace

void add_access(const ListenerSettings& from, ListenerRules& rules) {
  unsigned bit = 0;
  std::string text;
  for (const AccessRuleSettings& each : from.access) {
    AccessRule made = access_rule(each);
    const unsigned bits = bits_of(each);
    if (bits > 0) {
      made.by_address = std::uint64_t{1} << bit;
      if (bits > 1) made.by_address_unknown = std::uint64_t{2} << bit;
      text += text_of(each);
    }
    bit += bits;
    rules.access.push_back(std::move(made));
  }
  if (bit > 0) rules.address_partition = rules.partition + text;
}

std::vector<AddressRule> address_rules(const ListenerSettings& from) {
  std::vector<AddressRule> made;
  for (const AccessRuleSettings& each : from.access) {
    AddressRule rule;
    rule.verdict = each.action == AccessAction::Allow ? Reason::None : Reason::AddressDenied;
    for (const auto& destination : each.destinations) {
      const auto network = parse_network(destination.text);
      ENSURE(network);
      rule.networks.push_back(*network);
    }
    const unsigned bits = bits_of(each);
    if (bits > 0) made.push_back(rule);
    if (bits < 2) continue;
    rule.verdict = Reason::AuthenticationRequired;
    made.push_back(std::move(rule));
  }
  return made;
}

void share_address_classes(std::vector<ListenerRules>& listeners) {
  for (auto it = listeners.begin(); it != listeners.end(); ++it) {
    if (it->address_partition.empty()) continue;
    const auto same = std::find_if(listeners.begin(), it, [&](const ListenerRules& earlier) {
      return earlier.address_partition == it->address_partition;
    });
    it->address_classes = same != it ? same->address_classes : std::make_shared<AddressClasses>();
  }
}

}  // namespace freshet
