// Where requests go, and where they may not go.
#include <catch2/catch.hpp>

#include "origin_rig.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {
const Failure kRefused(Reason::ConnectionRefused, Side::Origin, 502);
const Failure kTimeout(Reason::ConnectTimeout, Side::Origin, 504);
constexpr std::string_view kEmptyOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

OriginPoolOptions with_listeners(std::vector<AddressPolicy> policies) {
  OriginPoolOptions options = Rig::one_server();
  options.forward_policies = std::move(policies);
  return options;
}
AddressPolicy anything() {
  AddressPolicy policy;
  policy.allow_internal = true;
  return policy;
}
}  // namespace

TEST_CASE("A forward request goes to its authority, port 80 by default", "[upstream][RFC 9110 4.2.1]") {
  struct Row {
    const char* authority;
    const char* host;
    const char* dialled;
  };
  const Row rows[] = {{"example.com", "example.com", "93.184.216.34 80"},
                      {"example.com:8080", "example.com", "93.184.216.34 8080"},
                      {"[2606:2800::1]:81", "[2606:2800::1]", "93.184.216.34 81"}};
  for (const Row& row : rows) {
    Rig rig;
    rig.resolver.names[row.host] = {"93.184.216.34"};
    auto call = rig.forward(row.authority);
    rig.start(*call);
    CHECK(rig.resolver.asked == std::vector<std::string>{row.host});
    REQUIRE(rig.dialler->dialled == std::vector<std::string>{row.dialled});
    CHECK(rig.origin(0).pull() == "GET / HTTP/1.1\r\nHost: " + std::string(row.authority) + "\r\n\r\n");
    rig.origin(0).push(kEmptyOk);
    rig.run();
    REQUIRE(call->done());
    CHECK(call->reply->head.status == 200);
    CHECK(call->reply->outcome.upstream == Destination::kForward);
    CHECK(rig.counters.forward().requests[code_class(200)].get() == 1);
  }
}

TEST_CASE("Requests that cannot be sent anywhere are refused without a look-up", "[upstream]") {
  struct Row {
    const char* scheme;
    const char* authority;
    Method method;
    std::uint16_t upstream;
    Reason reason;
    int status;
  };
  const Row rows[] = {
      {"https", "example.com", Method::Get, Destination::kForward, Reason::TlsUnsupported, 502},
      {"ftp", "example.com", Method::Get, Destination::kForward, Reason::UnsupportedScheme, 501},
      {"http", "", Method::Get, Destination::kForward, Reason::BadTarget, 400},
      {"http", "a:b:c", Method::Get, Destination::kForward, Reason::BadTarget, 400},
      {"http", "example.com", Method::Connect, Destination::kForward, Reason::BadTarget, 400},
      {"http", "example.com:443", Method::Connect, 0, Reason::ConnectRefused, 405},
  };
  for (const Row& row : rows) {
    Rig rig;
    auto call = rig.get();
    call->request.head.method = row.method;
    call->request.head.scheme = row.scheme;
    call->request.head.authority = row.authority;
    call->request.head.target = row.method == Method::Connect ? row.authority : "/";
    call->request.destination.upstream = row.upstream;
    rig.start(*call);
    INFO(row.scheme << " " << row.authority);
    REQUIRE(call->done());
    CHECK(call->reply->head.status == row.status);
    CHECK(call->reply->outcome.reason == row.reason);
    CHECK_FALSE(call->reply->outcome.origin_asked);
    CHECK(call->reply->close == (row.method == Method::Connect));
    CHECK(rig.resolver.asked.empty());
    CHECK(rig.counters.forward().connections_active.get() == 0);
    CHECK(rig.counters.forward().failures.get() == 0);
  }
}

TEST_CASE("The address that is dialled is judged, not the name", "[upstream][policy]") {
  struct Row {
    std::vector<std::string> addresses;
    std::vector<std::string> dialled;
    int status;
    Reason reason;
  };
  const Row rows[] = {
      {{"127.0.0.1"}, {}, 403, Reason::PrivateAddress},
      {{"10.1.2.3", "::1", "169.254.169.254"}, {}, 403, Reason::PrivateAddress},
      {{"127.0.0.1", "93.184.216.34"}, {"93.184.216.34 80"}, 200, Reason::None},
      {{"fd00::1", "93.184.216.34"}, {"93.184.216.34 80"}, 200, Reason::None},
  };
  for (const Row& row : rows) {
    Rig rig(with_listeners({AddressPolicy{}}));
    rig.resolver.names["rebind.example"] = row.addresses;
    auto call = rig.forward("rebind.example");
    rig.start(*call);
    CHECK(rig.dialler->dialled == row.dialled);
    CHECK(rig.resolver.asked.size() == 1);
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

TEST_CASE("Each listener has its own policy, for kept connections too", "[upstream][policy]") {
  Rig rig(with_listeners({AddressPolicy{}, anything()}));
  rig.resolver.names["inside.example"] = {"10.9.9.9"};
  auto allowed = rig.forward("inside.example");
  allowed->request.listener = 1;
  rig.exchange(*allowed, 0, kEmptyOk);
  REQUIRE(allowed->done());
  REQUIRE(rig.pool->idle() == 1);

  for (const std::uint16_t listener : {std::uint16_t(0), std::uint16_t(7)}) {
    auto refused = rig.forward("inside.example");
    refused->request.listener = listener;
    rig.start(*refused);
    REQUIRE(refused->done());
    CHECK(refused->reply->outcome.reason == Reason::PrivateAddress);
    CHECK(refused->reply->head.status == 403);
  }
  CHECK(rig.pool->idle() == 1);
  CHECK(rig.origins() == 1);
  auto again = rig.forward("inside.example");
  again->request.listener = 1;
  rig.exchange(*again, 0, kEmptyOk);
  REQUIRE(again->done());
  CHECK(again->reply->head.status == 200);
}

TEST_CASE("A request that leads to our own listener ends with 508", "[upstream][loop]") {
  OriginPoolOptions options = with_listeners({anything()});
  options.own_addresses = {{"0.0.0.0", 80}};
  options.upstreams[0].servers = {{"127.0.0.1", 80}};
  Rig rig(options);
  rig.resolver.names["127.0.0.1"] = {"127.0.0.1"};
  rig.resolver.names["me.example"] = {"198.51.100.7"};
  SECTION("forward") {
    auto call = rig.forward("me.example");
    rig.start(*call);
    REQUIRE(call->done());
    CHECK(call->reply->head.status == 508);
    CHECK(call->reply->outcome.reason == Reason::Loop);
    CHECK_FALSE(call->reply->outcome.origin_asked);
  }
  SECTION("forward, when the address is private besides") {
    rig.resolver.names["me.example"] = {"127.0.0.1"};
    auto call = rig.forward("me.example");
    call->request.listener = 9;
    rig.start(*call);
    REQUIRE(call->done());
    CHECK(call->reply->head.status == 508);
  }
  SECTION("upstream") {
    auto call = rig.get();
    rig.start(*call);
    REQUIRE(call->done());
    CHECK(call->reply->head.status == 508);
    CHECK(rig.pool->server_healthy(0, 0));
  }
  SECTION("another port is another server") {
    auto call = rig.forward("me.example:81");
    rig.exchange(*call, 0, kEmptyOk);
    REQUIRE(call->done());
    CHECK(call->reply->head.status == 200);
  }
  CHECK(rig.counted().connections_active.get() == 0);
}

TEST_CASE("Addresses are tried in turn, both families, within the time for all of them", "[upstream][RFC 8305 4]") {
  Rig rig(with_listeners({anything()}));
  rig.resolver.names["two.example"] = {"2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"};
  SECTION("until one answers") {
    rig.dialler->failures["2001:db8::1"] = kRefused;
    auto call = rig.forward("two.example");
    rig.exchange(*call, 0, kEmptyOk);
    REQUIRE(call->done());
    CHECK(rig.dialler->dialled == std::vector<std::string>{"2001:db8::1 80", "192.0.2.1 80"});
    CHECK(call->reply->outcome.origin_address == "192.0.2.1:80");
  }
  SECTION("a family that leads nowhere gets its share of the time only") {
    rig.dialler->failures["2001:db8::1"] = kTimeout;
    auto call = rig.forward("two.example");
    rig.exchange(*call, 0, kEmptyOk);
    REQUIRE(call->done());
    CHECK(call->reply->head.status == 200);
    CHECK(rig.dialler->patience.front() == Milliseconds(1250));
  }
  SECTION("until none is left") {
    for (const char* address : {"2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"})
      rig.dialler->failures[address] = kTimeout;
    auto call = rig.forward("two.example");
    const SteadyTime before = rig.clock.now().steady;
    rig.start(*call);
    REQUIRE(call->done());
    CHECK(rig.dialler->dialled.size() == 4);
    CHECK(rig.clock.now().steady - before <= Milliseconds(5000));
    CHECK(call->reply->head.status == 504);
    CHECK(call->reply->outcome.reason == Reason::ConnectTimeout);
    CHECK(call->reply->outcome.origin_asked);
    CHECK(call->reply->outcome.origin_status == 0);
    CHECK(rig.counters.forward().failures.get() == 1);
    CHECK(rig.counters.forward().connections_opened.get() == 0);
    CHECK(rig.counters.forward().connections_active.get() == 0);
  }
}

TEST_CASE("Failures on the way become answers that say what failed", "[upstream]") {
  const Failure failures[] = {{Reason::DnsFailed, Side::Origin, 502}, {Reason::DnsTimeout, Side::Origin, 504}};
  for (const Failure& failure : failures) {
    Rig rig;
    rig.resolver.failures.emplace("nowhere.example", failure);
    auto call = rig.forward("nowhere.example");
    rig.start(*call);
    REQUIRE(call->done());
    CHECK(call->reply->head.status == failure.status);
    CHECK(call->reply->outcome.reason == failure.reason);
    CHECK(call->reply->outcome.origin_asked);
  }
  Rig rig;
  rig.dialler->failures.emplace("10.0.0.1", Failure(Reason::UpstreamBusy, Side::Self, 503));
  auto call = rig.get();
  rig.start(*call);
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 503);
  CHECK_FALSE(call->reply->outcome.origin_asked);
}

TEST_CASE("Requests go to the servers of an upstream in turn", "[upstream][balance]") {
  Rig rig(Rig::servers(3));
  for (std::size_t i = 0; i < 6; ++i) {
    auto call = rig.get();
    rig.exchange(*call, i % 3, kEmptyOk);
    REQUIRE(call->done());
    CHECK(call->reply->outcome.origin_address == "10.0.0." + std::to_string(i % 3 + 1) + ":80");
  }
  CHECK(rig.counted().connections_opened.get() == 3);
  CHECK(rig.counted().connections_reused.get() == 3);
}

TEST_CASE("When one server cannot be reached the next one is asked, whatever the method", "[upstream][balance]") {
  Rig rig(Rig::servers(3));
  rig.dialler->failures["10.0.0.1"] = kRefused;
  rig.dialler->failures["10.0.0.2"] = kTimeout;
  auto call = rig.make(Method::Post, "POST");
  rig.exchange(*call, 0, kEmptyOk);
  REQUIRE(call->done());
  CHECK(call->reply->head.status == 200);
  CHECK(call->reply->outcome.origin_address == "10.0.0.3:80");
  CHECK_FALSE(rig.pool->server_healthy(0, 0));
  CHECK_FALSE(rig.pool->server_healthy(0, 1));
  CHECK(rig.pool->server_healthy(0, 2));
  CHECK(rig.counted().failures.get() == 0);

  // Set aside: not even tried, until the time is over.
  auto second = rig.get();
  rig.exchange(*second, 0, kEmptyOk);
  CHECK(rig.dialler->dialled.size() == 3);
  rig.dialler->failures.clear();
  rig.pass(Milliseconds(10100));
  CHECK(rig.pool->server_healthy(0, 0));
  auto third = rig.get();
  rig.exchange(*third, 1, kEmptyOk);
  CHECK(rig.dialler->dialled.back() == "10.0.0.1 80");
}

TEST_CASE("When all servers fail the last failure is the answer, and one server stays in", "[upstream][balance]") {
  Rig rig(Rig::servers(2));
  rig.dialler->failures["10.0.0.1"] = kRefused;
  rig.dialler->failures["10.0.0.2"] = kTimeout;
  auto call = rig.get();
  rig.start(*call);
  REQUIRE(call->done());
  CHECK(call->reply->outcome.reason == Reason::ConnectTimeout);
  CHECK(call->reply->outcome.origin_address == "10.0.0.2:80");
  CHECK_FALSE(rig.pool->server_healthy(0, 0));
  CHECK(rig.pool->server_healthy(0, 1));
}

TEST_CASE("A server that fails before its head is set aside", "[upstream][balance]") {
  Rig rig(Rig::servers(2));
  auto call = rig.get();
  rig.exchange(*call, 0, "SSH-2.0-OpenSSH\r\n");
  REQUIRE(call->done());
  CHECK(call->reply->outcome.reason == Reason::BadResponse);
  CHECK_FALSE(rig.pool->server_healthy(0, 0));
}

TEST_CASE("An upstream's Host takes the place of the client's", "[upstream]") {
  OriginPoolOptions options = Rig::one_server();
  options.upstreams[0].host_field = "inner.example:8080";
  Rig rig(options);
  auto call = rig.get("/a?b");
  rig.start(*call);
  CHECK(rig.origin(0).pull() == "GET /a?b HTTP/1.1\r\nHost: inner.example:8080\r\n\r\n");
  CHECK(call->request.head.authority == "example.com");
}
