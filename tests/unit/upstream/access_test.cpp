// Access rules that only the address can decide: judged again for every address that is dialled or has been.
#include <catch2/catch.hpp>

#include "origin_rig.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr std::string_view kEmptyOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

AddressRule rule(Reason verdict, std::initializer_list<const char*> networks) {
  AddressRule made;
  made.verdict = verdict;
  for (const char* network : networks) made.networks.push_back(*parse_network(network));
  return made;
}

/// Rule 0: the internal network is allowed. Rule 1: a public one is denied.
OriginPoolOptions with_rules() {
  OriginPoolOptions options = Rig::one_server();
  AddressPolicy policy;
  policy.rules = {rule(Reason::None, {"10.1.0.0/16"}), rule(Reason::AddressDenied, {"203.0.112.0/24"})};
  options.forward_policies = {policy};
  return options;
}

std::unique_ptr<Call> ask(Rig& rig, std::string_view authority, std::uint64_t rules, Reason otherwise) {
  auto call = rig.forward(authority);
  call->request.destination.address_rules = rules;
  call->request.destination.otherwise = otherwise;
  return call;
}

}  // namespace

TEST_CASE("Each address is judged by the rules that the request was left with", "[upstream][access]") {
  struct Row {
    std::vector<std::string> addresses;
    std::uint64_t rules;
    Reason otherwise;
    std::vector<std::string> dialled;
    int status;
    Reason reason;
  };
  const Reason denied = Reason::AddressDenied;
  const Row rows[] = {
      {{"10.1.2.3"}, 1, denied, {"10.1.2.3 80"}, 200, Reason::None},
      {{"10.2.2.3"}, 1, denied, {}, 403, denied},
      {{"10.2.2.3"}, 1, Reason::None, {}, 403, Reason::PrivateAddress},
      {{"10.1.2.3"}, 2, Reason::None, {}, 403, Reason::PrivateAddress},
      {{"93.184.216.34"}, 1, denied, {}, 403, denied},
      {{"93.184.216.34"}, 2, Reason::None, {"93.184.216.34 80"}, 200, Reason::None},
      {{"203.0.112.9"}, 2, Reason::None, {}, 403, denied},
      {{"203.0.112.9", "93.184.216.34", "127.0.0.1"}, 2, Reason::None, {"93.184.216.34 80"}, 200, Reason::None},
      {{"93.184.216.34"}, 1, Reason::AuthenticationRequired, {}, 407, Reason::AuthenticationRequired},
      {{"203.0.112.9", "93.184.216.34"}, 3, Reason::AuthenticationRequired, {}, 407, Reason::AuthenticationRequired},
  };
  for (const Row& row : rows) {
    INFO(row.addresses.front() << ", rules " << row.rules << ", otherwise " << word(row.otherwise));
    Rig rig(with_rules());
    rig.resolver.names["name.example"] = row.addresses;
    auto call = ask(rig, "name.example", row.rules, row.otherwise);
    rig.start(*call);
    CHECK(rig.dialler->dialled == row.dialled);
    if (!row.dialled.empty()) {
      rig.origin(0).push(kEmptyOk);
      rig.run();
    }
    REQUIRE(call->done());
    CHECK(call->reply->head.status == row.status);
    CHECK(call->reply->outcome.reason == row.reason);
    CHECK(call->reply->outcome.origin_asked == (row.status == 200));
  }
}

TEST_CASE("P19: a name that answers with a public address, then with an internal one, gets nowhere the second time",
          "[upstream][access][P19]") {
  for (const char* inner : {"127.0.0.1", "10.2.0.1", "169.254.169.254", "::1", "fd00::1", "fe80::1%1", "::ffff:127.0.0.1",
                            "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "0.0.0.0"}) {
    INFO(inner);
    Rig rig(with_rules());
    rig.resolver.names["rebind.example"] = {"93.184.216.34"};
    for (const bool tunnel : {false, true}) {
      rig.resolver.names["rebind.example"] = {"93.184.216.34"};
      auto first = ask(rig, "rebind.example", 2, Reason::None);
      rig.exchange(*first, rig.origins(), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      REQUIRE(first->done());
      CHECK(first->reply->head.status == 200);
      const auto dialled = rig.dialler->dialled;
      rig.resolver.names["rebind.example"] = {inner};
      auto second = tunnel ? rig.connect("rebind.example:443") : ask(rig, "rebind.example", 2, Reason::None);
      rig.start(*second);
      REQUIRE(second->done());
      CHECK(second->reply->head.status == 403);
      CHECK(second->reply->outcome.reason == Reason::PrivateAddress);
      CHECK(second->reply->close == tunnel);
      CHECK(rig.dialler->dialled == dialled);
    }
  }
}

TEST_CASE("P19: one look-up is both judged and dialled", "[upstream][access][P19]") {
  Rig rig(with_rules());
  rig.resolver.names["name.example"] = {"10.1.2.3"};
  auto call = ask(rig, "name.example", 1, Reason::AddressDenied);
  rig.start(*call);
  rig.resolver.names["name.example"] = {"10.2.2.3"};
  rig.origin(0).push(kEmptyOk);
  rig.run();
  REQUIRE(call->done());
  CHECK(rig.resolver.asked.size() == 1);
  CHECK(rig.dialler->dialled == std::vector<std::string>{"10.1.2.3 80"});
}

TEST_CASE("A kept connection to an address that another client may not reach is not lent to it", "[upstream][access]") {
  Rig rig(with_rules());
  rig.resolver.names["inside.example"] = {"10.1.2.3"};
  auto allowed = ask(rig, "inside.example", 1, Reason::AddressDenied);
  rig.exchange(*allowed, 0, kEmptyOk);
  REQUIRE(allowed->done());
  REQUIRE(rig.pool->idle() == 1);
  for (const Reason otherwise : {Reason::None, Reason::AuthenticationRequired}) {
    auto other = ask(rig, "inside.example", 2, otherwise);
    rig.start(*other);
    REQUIRE(other->done());
    CHECK(other->reply->head.status == (otherwise == Reason::None ? 403 : 407));
  }
  CHECK(rig.pool->idle() == 1);
  auto again = ask(rig, "inside.example", 1, Reason::AddressDenied);
  rig.exchange(*again, 0, kEmptyOk);
  REQUIRE(again->done());
  CHECK(again->reply->head.status == 200);
  CHECK(rig.origins() == 1);
}

TEST_CASE("A tunnel is judged by the same rules, and its refusal closes the connection", "[upstream][access][9931]") {
  Rig rig(with_rules());
  rig.resolver.names["inside.example"] = {"10.1.2.3"};
  auto refused = rig.connect("inside.example:443");
  refused->request.destination.address_rules = 2;
  rig.start(*refused);
  REQUIRE(refused->done());
  CHECK(refused->reply->outcome.reason == Reason::PrivateAddress);
  CHECK(refused->reply->close);
  auto allowed = rig.connect("inside.example:443");
  allowed->request.destination.address_rules = 1;
  allowed->request.destination.otherwise = Reason::AddressDenied;
  rig.start(*allowed);
  REQUIRE(allowed->done());
  CHECK(allowed->reply->tunnel);
}

TEST_CASE("Our own listener is a loop, whatever the rules say", "[upstream][access][P25]") {
  OriginPoolOptions options = with_rules();
  options.forward_policies[0].rules[0] = rule(Reason::None, {"127.0.0.0/8"});
  options.own_addresses = {{"0.0.0.0", 80}};
  Rig rig(options);
  rig.resolver.names["me.example"] = {"127.0.0.1"};
  auto call = ask(rig, "me.example", 1, Reason::AddressDenied);
  rig.start(*call);
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 508);
  CHECK(call->reply->outcome.reason == Reason::Loop);
}
