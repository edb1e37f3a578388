// Access rules are decided in two places, before the look-up and on the address. Together they say what one pass over
// the rules would say that knew everything from the beginning.
#include <catch2/catch.hpp>

#include "../../../src/app/translate.hpp"
#include "support/dice.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

const std::vector<std::string> kClients = {"10.0.0.1", "10.1.0.1", "192.0.2.1", "2001:db8::1", "::ffff:10.0.0.1"};
const std::vector<std::string> kClientNetworks = {"10.0.0.0/8", "10.0.0.0/16", "192.0.2.1/32", "2001:db8::/32",
                                                  "0.0.0.0/0"};
const std::vector<std::string> kUsers = {"", "alice", "bob"};
const std::vector<std::string> kAskedMethods = {"GET", "POST", "CONNECT"};
const std::vector<std::string> kHosts = {"a.test", "b.a.test", "other.test", "127.0.0.1"};
const std::vector<std::string> kPatterns = {"a.test", "*.a.test", ".a.test", "127.0.0.1", "*"};
const std::vector<std::string> kAddresses = {
    "8.8.8.8",         "8.8.4.4",          "10.1.2.3",        "10.2.2.3",  "127.0.0.1",   "2606::1",          "fd00::1",
    "::ffff:10.1.2.3", "64:ff9b::a01:203", "2002:808:808::1", "2606:1::1", "192.168.1.1", "64:ff9b::808:808", "::1"};
const std::vector<std::string> kDestinations = {"8.8.0.0/16", "8.8.8.8/32", "10.1.0.0/16", "10.0.0.0/8",
                                                "0.0.0.0/0",  "::/0",       "fd00::/8",    "64:ff9b::/96",
                                                "2606::/32",  "127.0.0.0/8"};

template <typename T>
std::vector<T> some(Dice& dice, const std::vector<std::string>& pool) {
  std::vector<T> made;
  if (dice.roll(3) != 0) return made;
  for (std::size_t n = 1 + dice.roll(2); n > 0; --n) made.push_back({pool[dice.roll(pool.size())]});
  return made;
}

AccessRuleSettings random_rule(Dice& dice) {
  AccessRuleSettings rule;
  rule.action = dice.roll(2) ? AccessAction::Allow : AccessAction::Deny;
  rule.clients = some<ClientNetwork>(dice, kClientNetworks);
  rule.users = some<UserName>(dice, {"alice", "bob", "*"});
  rule.methods = some<MethodName>(dice, kAskedMethods);
  rule.hosts = some<HostPattern>(dice, kPatterns);
  if (dice.roll(4) == 0) rule.ports = {{443, 443}};
  rule.destinations = some<DestinationNetwork>(dice, kDestinations);
  return rule;
}

struct Asked {
  std::string client, user, method, host, address;
  std::uint16_t port = 80;
};

template <typename T, typename Match>
bool any_of(const std::vector<T>& list, Match match) {
  return list.empty() || std::any_of(list.begin(), list.end(), [&](const T& each) { return match(each.text); });
}

bool matches_before_user(const AccessRuleSettings& rule, const Asked& asked) {
  const auto is_port = [&](const PortNumbers& port) { return port.first <= asked.port && asked.port <= port.last; };
  return any_of(rule.clients,
                [&](const std::string& text) {
                  return parse_network(text)->contains(boost::asio::ip::make_address(asked.client));
                }) &&
         any_of(rule.methods, [&](const std::string& text) { return text == asked.method; }) &&
         any_of(
             rule.hosts,
             [&](const std::string& text) { return HostSet({text}).contains(asked.host, ip_of_host(asked.host)); }) &&
         (rule.ports.empty() || std::any_of(rule.ports.begin(), rule.ports.end(), is_port));
}

/// Whether that network, in a rule with that verdict, has the address in it.
bool has(const Network& network, Reason verdict, const boost::asio::ip::address& address) {
  AddressPolicy alone;
  alone.allow_internal = true;
  alone.rules = {{verdict, {network}}};
  return AddressJudge(alone, 1, Reason::Loop).why_not(address) != Reason::Loop;
}

/// The networks of the rule that the address is in.
std::vector<Network> networks_with(const AccessRuleSettings& rule, Reason verdict,
                                   const boost::asio::ip::address& address) {
  std::vector<Network> found;
  for (const DestinationNetwork& each : rule.destinations)
    if (const Network network = *parse_network(each.text); has(network, verdict, address)) found.push_back(network);
  return found;
}

/// One pass that knows all.
Reason judge_at_once(const std::vector<AccessRuleSettings>& rules, const AddressPolicy& guard, const Asked& asked) {
  const auto address = boost::asio::ip::make_address(asked.address);
  const Reason guarded = guard.allows(address) ? Reason::None : Reason::PrivateAddress;
  for (const AccessRuleSettings& rule : rules) {
    if (!matches_before_user(rule, asked)) continue;
    const bool unknown = !rule.users.empty() && asked.user.empty();
    if (!unknown && !any_of(rule.users, [&](const std::string& text) { return text == asked.user || text == "*"; }))
      continue;
    const bool allow = rule.action == AccessAction::Allow;
    const Reason verdict = unknown ? Reason::AuthenticationRequired : allow ? Reason::None : Reason::AddressDenied;
    const auto networks = networks_with(rule, verdict, address);
    if (!rule.destinations.empty() && networks.empty()) continue;
    if (verdict != Reason::None) return verdict;
    return std::any_of(networks.begin(), networks.end(), is_internal_network) ? Reason::None : guarded;
  }
  return Reason::AddressDenied;
}

/// As the program does it.
Reason judge_in_two(const ListenerRules& rules, const AddressPolicy& policy, const Asked& asked) {
  const AccessFacts facts{asked.client, asked.user, asked.method, asked.host, asked.port};
  const AccessVerdict verdict = decide_access(facts, rules.access);
  if (verdict.error != Reason::None)
    return verdict.error == Reason::AccessDenied ? Reason::AddressDenied : verdict.error;
  return AddressJudge(policy, verdict.address_rules, verdict.otherwise)
      .why_not(boost::asio::ip::make_address(asked.address));
}

}  // namespace

TEST_CASE("two steps decide as one would that knew everything", "[app][access][property]") {
  Dice dice(1);
  std::size_t allowed = 0, denied = 0, asked_who = 0, guarded = 0;
  for (int round = 0; round < 3000; ++round) {
    Settings settings = forward_settings({"127.0.0.1", 1}, dice.roll(4) == 0);
    auto& rules = settings.listeners[0].access;
    for (std::size_t n = 1 + dice.roll(5); n > 0; --n) rules.push_back(random_rule(dice));
    const ListenerRules made = proxy_options(settings, "freshet-test").listeners[0];
    const AddressPolicy policy = origin_pool_options(settings, 0, 1).forward_policies[0];
    for (int request = 0; request < 10; ++request) {
      const auto one_of = [&](const std::vector<std::string>& pool) { return pool[dice.roll(pool.size())]; };
      Asked asked{one_of(kClients), one_of(kUsers), one_of(kAskedMethods), one_of(kHosts), one_of(kAddresses)};
      if (dice.roll(2)) asked.port = 443;
      const Reason expected = judge_at_once(rules, policy, asked);
      const Reason got = judge_in_two(made, policy, asked);
      // Where no address could help, a client is asked who it is before the name is resolved.
      if (expected == Reason::AddressDenied && got == Reason::AuthenticationRequired && asked.user.empty()) continue;
      INFO(round << ": " << asked.client << " '" << asked.user << "' " << asked.method << " " << asked.host << ":"
                 << asked.port << " at " << asked.address);
      REQUIRE(word(got) == word(expected));
      ++(got == Reason::None                     ? allowed
         : got == Reason::AuthenticationRequired ? asked_who
         : got == Reason::AddressDenied          ? denied
                                                 : guarded);
    }
  }
  for (const std::size_t count : {allowed, denied, asked_who, guarded}) CHECK(count > 300);
}
