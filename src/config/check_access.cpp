// Access rules that are each right by themselves, and cannot mean what they say.
#include <algorithm>
#include <string>

#include "read.hpp"
#include "rows.hpp"

namespace freshet::config {
namespace {

/// Rules with destinations that one listener can have: each is a bit of a word.
constexpr std::size_t kMostByAddress = 30;

/// Every value of `later` is among those of `earlier`; an empty list is every value there is.
template <typename T>
bool includes(const std::vector<T>& earlier, const std::vector<T>& later) {
  if (earlier.empty()) return true;
  return !later.empty() &&
         std::ranges::all_of(later, [&](const T& value) { return std::ranges::find(earlier, value) != earlier.end(); });
}

bool covers(const AccessRuleSettings& earlier, const AccessRuleSettings& later) {
  return includes(earlier.clients, later.clients) && includes(earlier.users, later.users) &&
         includes(earlier.methods, later.methods) && includes(earlier.hosts, later.hosts) &&
         includes(earlier.ports, later.ports) && includes(earlier.destinations, later.destinations);
}

/// Nothing in it was misspelt or of the wrong kind: a criterion that was not read would make it match more than it
/// says.
bool is_whole(const Node& rule) {
  return rule.kind == Node::Kind::Map && std::ranges::all_of(rule.children, [](const Node& child) {
           const auto named = [&](const auto& row) { return row.text.name == child.key; };
           const bool known = std::ranges::any_of(rows<AccessRuleSettings>(), named);
           return known && (child.kind == Node::Kind::List || child.key == "action" || child.text == "any");
         });
}

/// It can only match CONNECT to ports that CONNECT must not name.
bool is_void(const AccessRuleSettings& rule, const ForwardSettings& forward) {
  const bool tunnels_only = rule.methods.size() == 1 && rule.methods.front().text == "CONNECT";
  if (!tunnels_only || rule.ports.empty() || rule.action != AccessAction::Allow) return false;
  return std::ranges::none_of(forward.connect_ports, [&](std::uint16_t port) {
    return std::ranges::any_of(rule.ports, [port](const PortNumbers& p) { return p.first <= port && port <= p.last; });
  });
}

void check_kind(const AccessRuleSettings& rule, const ListenerSettings& listener, const Node& node,
                const std::string& key, Report& report) {
  if (!listener.forward) {
    for (std::string_view name : {"users", "destinations"})
      if (const Node* setting = node.find(name))
        report.error(setting->key_mark, key + '.' + std::string{name},
                     "is for forward listeners, expected only beside forward");
    return;
  }
  if (const Node* users = node.find("users"); users && !rule.users.empty() && !listener.forward->auth)
    report.error(users->key_mark, key + ".users",
                 "asks who the client is, and this listener asks for no credentials; expected forward.auth beside it");
  if (is_void(rule, *listener.forward))
    report.warning(node.find("ports")->mark, key + ".ports",
                   "lets CONNECT go to ports that are not in forward.connect_ports, which refuses them");
}

}  // namespace

void check_access(const ListenerSettings& listener, const Node& node, const std::string& key, Report& report) {
  const Node* list = node.find("access");
  if (!list || list->kind != Node::Kind::List) return;
  const auto& rules = listener.access;
  const auto path = key + ".access";
  if (rules.empty()) report.error(list->mark, path, "is an empty list, expected one rule at least");
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Node& rule = list->children[i];
    const auto name = path + '[' + std::to_string(i) + ']';
    if (rule.kind != Node::Kind::Map) continue;
    check_kind(rules[i], listener, rule, name, report);
    for (std::size_t before = 0; before < i; ++before) {
      if (!is_whole(list->children[before]) || !is_whole(rule) || !covers(rules[before], rules[i])) continue;
      report.error(rule.mark, name,
                   "is never reached, expected it before the rule in line " +
                       std::to_string(list->children[before].mark.line) + ", which takes all of its requests");
      break;
    }
  }
  const bool denies_all = !rules.empty() && std::ranges::all_of(rules, [](const AccessRuleSettings& rule) {
    return rule.action == AccessAction::Deny;
  });
  if (denies_all)
    report.error(list->mark, path,
                 "allows nothing, expected `- {action: allow}` at its end (what no rule allows is denied)");
  const auto by_address = std::ranges::count_if(rules, [](const auto& rule) { return !rule.destinations.empty(); });
  if (static_cast<std::size_t>(by_address) > kMostByAddress)
    report.error(list->mark, path,
                 "has " + std::to_string(by_address) + " rules with destinations, expected " +
                     std::to_string(kMostByAddress) + " at most (one rule can name many networks)");
}

}  // namespace freshet::config
