// What access rules with destinations say of an address, and what they open.
#include <catch2/catch.hpp>
#include <initializer_list>

#include "freshet/net/address_policy.hpp"

using namespace freshet;
using boost::asio::ip::make_address;

namespace {

AddressRule rule(Reason verdict, std::initializer_list<const char*> networks) {
  AddressRule made;
  made.verdict = verdict;
  for (const char* network : networks) made.networks.push_back(*parse_network(network));
  return made;
}
AddressRule allow(std::initializer_list<const char*> networks) { return rule(Reason::None, networks); }
AddressRule deny(std::initializer_list<const char*> networks) { return rule(Reason::AddressDenied, networks); }

AddressPolicy policy(std::vector<AddressRule> rules) {
  AddressPolicy made;
  made.rules = std::move(rules);
  return made;
}

Reason judge(const AddressPolicy& policy, const char* address, Reason otherwise = Reason::AddressDenied,
             std::uint64_t rules = ~std::uint64_t{0}) {
  return AddressJudge(policy, rules, otherwise).why_not(make_address(address));
}

}  // namespace

TEST_CASE("An upstream's servers are not judged", "[net][access]") {
  CHECK(AddressJudge().why_not(make_address("127.0.0.1")) == Reason::None);
}

TEST_CASE("Without rules internal addresses are refused, but for the exceptions", "[net][access]") {
  AddressPolicy open;
  open.allowed.push_back(*parse_network("10.1.0.0/16"));
  CHECK(judge(open, "8.8.8.8", Reason::None) == Reason::None);
  CHECK(judge(open, "10.1.2.3", Reason::None) == Reason::None);
  CHECK(judge(open, "10.2.2.3", Reason::None) == Reason::PrivateAddress);
}

TEST_CASE("The first rule that names the address decides, and only the request's own rules are asked", "[net][access]") {
  const AddressPolicy p = policy({deny({"8.8.8.8"}), allow({"8.8.0.0/16", "2001:4860::/32"}), deny({"9.0.0.0/8"})});
  CHECK(judge(p, "8.8.8.8") == Reason::AddressDenied);
  CHECK(judge(p, "8.8.4.4") == Reason::None);
  CHECK(judge(p, "2001:4860::8888") == Reason::None);
  CHECK(judge(p, "7.7.7.7") == Reason::AddressDenied);
  CHECK(judge(p, "7.7.7.7", Reason::None) == Reason::None);
  CHECK(judge(p, "7.7.7.7", Reason::AuthenticationRequired) == Reason::AuthenticationRequired);
  CHECK(judge(p, "9.9.9.9", Reason::None) == Reason::AddressDenied);
  CHECK(judge(p, "8.8.8.8", Reason::AddressDenied, 2) == Reason::None);
  CHECK(judge(p, "9.9.9.9", Reason::None, 3) == Reason::None);
  CHECK(judge(p, "8.8.4.4", Reason::AddressDenied, 5) == Reason::AddressDenied);
}

TEST_CASE("A rule opens the private networks that it names, and no others", "[net][access][P19]") {
  const AddressPolicy narrow = policy({allow({"10.1.0.0/16", "fd00:1::/32", "127.0.0.1"})});
  for (const char* address : {"10.1.2.3", "::ffff:10.1.2.3", "fd00:1::1", "127.0.0.1"}) {
    INFO(address);
    CHECK(judge(narrow, address) == Reason::None);
  }
  for (const char* address : {"10.2.0.1", "fd00:2::1", "127.0.0.2", "169.254.169.254", "64:ff9b::a01:203", "2002:a01:203::1"}) {
    INFO(address);
    CHECK(judge(narrow, address) == Reason::AddressDenied);
    CHECK(judge(narrow, address, Reason::None) == Reason::PrivateAddress);
  }
  // The whole Internet is named, and not what happens to lie in the same range of numbers.
  const AddressPolicy wide = policy({allow({"0.0.0.0/0", "::/0"})});
  CHECK(judge(wide, "8.8.8.8") == Reason::None);
  CHECK(judge(wide, "2606:4700::1") == Reason::None);
  for (const char* address : {"10.1.2.3", "127.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
                              "2002:7f00:1::", "fe80::1"}) {
    INFO(address);
    CHECK(judge(wide, address) == Reason::PrivateAddress);
  }
  // It is enough that one of its networks says so, wherever it stands.
  const AddressPolicy both = policy({allow({"0.0.0.0/0", "10.1.0.0/16"})});
  CHECK(judge(both, "10.1.2.3") == Reason::None);
  CHECK(judge(both, "10.2.2.3") == Reason::PrivateAddress);
  AddressPolicy opened = wide;
  opened.allow_internal = true;
  CHECK(judge(opened, "10.1.2.3") == Reason::None);
}

TEST_CASE("A denial reaches through IPv6 to the IPv4 address inside", "[net][access][P19]") {
  AddressPolicy p = policy({deny({"10.1.0.0/16", "198.41.0.4"})});
  p.allow_internal = true;
  for (const char* address : {"10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "2002:a01:203::1", "2001:0:a01:203::",
                              "2001:0:808:808::f5fe:fdfc", "64:ff9b::c629:4"}) {
    INFO(address);
    CHECK(judge(p, address, Reason::None) == Reason::AddressDenied);
  }
  for (const char* address : {"10.2.2.3", "::ffff:10.2.2.3", "64:ff9b::a02:203", "2002:a02:203::1", "::10.1.2.3"}) {
    INFO(address);
    CHECK(judge(p, address, Reason::None) == Reason::None);
  }
}

TEST_CASE("A network is internal when all of it is", "[net][access]") {
  for (const char* text : {"10.0.0.0/8", "10.1.2.0/24", "127.0.0.1", "172.16.0.0/12", "169.254.169.254", "224.0.0.0/4", "100.64.0.0/10",
                           "fd00::/8", "fc00::/7", "fe80::/10", "::1", "ff00::/8", "2001:db8::/32", "2001:2::/48", "64:ff9b::a00:0/104",
                           "2002:a00::/24", "::ffff:10.0.0.0/104", "64:ff9b:1::/48", "::10.0.0.0/104"}) {
    INFO(text);
    const auto network = parse_network(text);
    REQUIRE(network);
    CHECK(is_internal_network(*network));
  }
  for (const char* text : {"0.0.0.0/0", "8.8.8.8", "10.0.0.0/7", "172.0.0.0/8", "::/0", "2000::/3", "2001::/23", "2001::/32", "2002::/16",
                           "2606:4700::/32", "64:ff9b::/96", "64:ff9b::808:808", "64:ff9b::/32", "2002::/20"}) {
    INFO(text);
    const auto network = parse_network(text);
    REQUIRE(network);
    CHECK_FALSE(is_internal_network(*network));
  }
}
