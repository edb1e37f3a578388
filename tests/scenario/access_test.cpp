// Access rules in the pipeline: a denied client gets nothing, not even what is stored or on its way for others.
#include <catch2/catch.hpp>

#include "freshet/frontend/listener.hpp"
#include "freshet/net/worker.hpp"
#include "freshet/proxy/purge.hpp"
#include "support/pipeline.hpp"
#include "support/run_loop.hpp"
#include "support/tireless_client.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr const char* kUrl = "http://inside.example/x";
constexpr const char* kFriend = "10.0.0.5";
constexpr const char* kStranger = "192.0.2.7";

AccessRule rule(bool allow, const char* clients = nullptr) {
  AccessRule made;
  made.allow = allow;
  if (clients) made.clients.push_back(*parse_ip_network(clients));
  return made;
}

/// On the forward listener: only clients from 10.0.0.0/8.
ProxyOptions friends_only() {
  ProxyOptions options = Pipeline::default_options();
  options.listeners[1].access = {rule(true, "10.0.0.0/8")};
  return options;
}

/// Clients from 10.0.0.0/8 may reach what rule 0 names; everybody may reach what rule 1 does not deny.
ProxyOptions by_address() {
  ProxyOptions options = Pipeline::default_options();
  AccessRule inner = rule(true, "10.0.0.0/8");
  inner.by_address = 1;
  AccessRule evil = rule(false);
  evil.by_address = 2;
  ListenerRules& forward = options.listeners[1];
  forward.access = {inner, evil, rule(true)};
  forward.address_partition = "forward+inner;-evil;";
  forward.address_classes = std::make_shared<AddressClasses>();
  return options;
}

Ask as(const char* client, const char* url = kUrl) {
  Ask ask(url);
  ask.listener = 1;
  ask.client = client;
  return ask;
}

Answer cached(const Seen&) {
  Answer answer;
  answer.fields = {{"Cache-Control", "max-age=60"}};
  answer.body = "secret";
  return answer;
}

/// "inside.example" has an address that only rule 0 opens.
Answer judged(const Seen& seen) {
  if (seen.address_rules & 1) return cached(seen);
  Answer answer;
  answer.failure = Reason::PrivateAddress;
  answer.refused = true;
  return answer;
}

}  // namespace

TEST_CASE("a denied client gets no stored response, and learns why", "[scenario][access]") {
  Pipeline p(friends_only());
  p.origin.answer = cached;
  p.ask(as(kFriend));
  CHECK(p.ask(as(kFriend)).at_once);
  for (const char* method : {"GET", "HEAD", "POST", "QUERY"}) {
    INFO(method);
    Ask ask = as(kStranger);
    ask.method = method;
    const Got denied = p.ask(ask);
    CHECK_FALSE(denied.at_once);
    CHECK(denied.status == 403);
    CHECK(denied.outcome.reason == Reason::AccessDenied);
    CHECK(denied.outcome.cache == CacheResult::None);
    CHECK(denied.body.find("secret") == std::string::npos);
    CHECK(denied.field("Proxy-Status").find("http_request_denied") != std::string::npos);
    CHECK(denied.field("Cache-Status") == "freshet; detail=access-denied");
    CHECK(denied.field("Age").empty());
  }
  CHECK(p.ask(as(kStranger)).body.find("The access rules do not allow this request.") != std::string::npos);
  CHECK(p.origin.seen.size() == 1);
}

TEST_CASE("a denied client does not join another's fetch", "[scenario][access][collapse]") {
  Pipeline p(friends_only());
  auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen& seen) {
    Answer answer = cached(seen);
    answer.wait_for = gate;
    return answer;
  };
  const auto leader = p.start(as(kFriend));
  const auto denied = p.start(as(kStranger));
  CHECK(denied->done);
  CHECK(denied->status == 403);
  gate->wake();
  p.poll();
  CHECK(leader->body == "secret");
}

TEST_CASE("a denied CONNECT closes the connection, and nothing is asked", "[scenario][access][9931]") {
  Pipeline p(friends_only());
  Ask ask = as(kStranger, "http://inside.example:443");
  ask.method = "CONNECT";
  const Got denied = p.ask(ask);
  CHECK(denied.status == 403);
  CHECK(denied.close);
  CHECK_FALSE(denied.tunnel);
  CHECK_FALSE(denied.took_place);
  CHECK(p.origin.seen.empty());
}

TEST_CASE("what a request is not for is said before who may ask", "[scenario][access]") {
  Pipeline p(friends_only());
  Ask ask = as(kStranger, "http://inside.example:25");
  ask.method = "CONNECT";
  CHECK(p.ask(ask).outcome.reason == Reason::PortRefused);
  ask = as(kStranger);
  ask.absolute_form = false;
  CHECK(p.ask(ask).outcome.reason == Reason::NotProxyRequest);
}

TEST_CASE("OPTIONS * is answered for those whom a rule allows", "[scenario][access]") {
  Pipeline p(friends_only());
  for (const bool allowed : {true, false}) {
    Ask ask = as(allowed ? kFriend : kStranger, "http://*");
    ask.method = "OPTIONS";
    ask.target = "*";
    ask.absolute_form = false;
    CHECK(p.ask(ask).status == (allowed ? 200 : 403));
  }
  CHECK(p.origin.seen.empty());
}

TEST_CASE("TRACE that would end here is subject to the rules", "[scenario][access]") {
  Pipeline p(friends_only());
  Ask ask = as(kStranger);
  ask.method = "TRACE";
  ask.fields = {{"Max-Forwards", "0"}};
  CHECK(p.ask(ask).status == 403);
}

TEST_CASE("a client that has to say who it is gets no stored response before", "[scenario][access]") {
  ProxyOptions options = Pipeline::default_options();
  AccessRule users = rule(true);
  users.users = {"alice"};
  options.listeners[1].access = {users};
  Pipeline p(options);
  p.origin.answer = cached;
  Ask known = as(kStranger);
  known.user = "alice";
  p.ask(known);
  CHECK(p.ask(known).at_once);
  const Got unknown = p.ask(as(kStranger));
  CHECK(unknown.status == 407);
  CHECK(unknown.outcome.reason == Reason::AuthenticationRequired);
  Ask other = as(kStranger);
  other.user = "bob";
  CHECK(p.ask(other).status == 403);
  CHECK(p.origin.seen.size() == 1);
}

TEST_CASE("a reverse listener has rules too", "[scenario][access]") {
  ProxyOptions options = Pipeline::default_options();
  options.listeners[0].access = {rule(true, "10.0.0.0/8")};
  Pipeline p(options);
  Ask ask(kUrl);
  CHECK(p.ask(ask).status == 403);
  ask.client = kFriend;
  CHECK(p.ask(ask).status == 200);
  CHECK(p.ask(ask).at_once);
}

TEST_CASE("the port that rules see is the one that the client means", "[scenario][access]") {
  ProxyOptions options = Pipeline::default_options();
  AccessRule web = rule(true);
  web.ports = {{80, 80}, {443, 443}};
  options.listeners[1].access = {web};
  Pipeline p(options);
  CHECK(p.ask(as(kStranger, "http://a.example/")).status == 200);
  CHECK(p.ask(as(kStranger, "http://a.example:81/")).status == 403);
}

TEST_CASE("clients whose rules about addresses differ share neither stored responses nor fetches", "[scenario][access][partition]") {
  Pipeline p(by_address());
  p.origin.answer = judged;
  CHECK(p.ask(as(kFriend)).body == "secret");
  CHECK(p.origin.seen.back().address_rules == 3);
  CHECK(p.ask(as("10.9.9.9")).at_once);
  const Got denied = p.ask(as(kStranger));
  CHECK(denied.status == 403);
  CHECK(denied.outcome.reason == Reason::PrivateAddress);
  CHECK(denied.outcome.cache == CacheResult::None);
  CHECK(p.origin.seen.back().address_rules == 2);

  auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen& seen) {
    Answer answer = judged(seen);
    if (answer.failure == Reason::None) answer.wait_for = gate;
    return answer;
  };
  const auto leader = p.start(as(kFriend, "http://inside.example/y"));
  const auto follower = p.start(as(kFriend, "http://inside.example/y"));
  const std::size_t asked = p.origin.seen.size();
  const auto stranger = p.start(as(kStranger, "http://inside.example/y"));
  CHECK(p.origin.seen.size() == asked + 1);  // by itself
  REQUIRE(stranger->done);
  CHECK(stranger->status == 403);
  CHECK_FALSE(leader->done);
  gate->wake();
  p.poll();
  CHECK(leader->body == "secret");
  CHECK(follower->outcome.cache == CacheResult::Collapsed);
}

TEST_CASE("a purge, and an unsafe request, reach the responses of all clients", "[scenario][access][purge]") {
  Pipeline p(by_address());
  p.origin.answer = cached;
  const auto fill = [&] {
    for (const char* client : {kFriend, kStranger}) {
      p.ask(as(client));
      REQUIRE(p.ask(as(client)).at_once);
    }
  };
  fill();
  CHECK(purge(p.store, p.options, kUrl) == 2u);
  fill();
  Ask put = as(kStranger);
  put.method = "PUT";
  p.ask(put);
  for (const char* client : {kFriend, kStranger}) CHECK_FALSE(p.ask(as(client)).at_once);
}

TEST_CASE("a denial by the address is no failure of the origin that something stale could make good", "[scenario][access][5861-4]") {
  Pipeline p(by_address());
  p.origin.answer = [](const Seen& seen) {
    Answer answer = cached(seen);
    answer.fields = {{"Cache-Control", "max-age=1, stale-if-error=600"}};
    return answer;
  };
  p.ask(as(kFriend));
  p.clock.advance(Seconds(5));
  for (const Reason reason : {Reason::AddressDenied, Reason::PrivateAddress, Reason::AuthenticationRequired}) {
    p.origin.answer = [&](const Seen&) {
      Answer answer;
      answer.failure = reason;
      answer.refused = true;
      return answer;
    };
    const Got got = p.ask(as(kFriend));
    CHECK(got.status >= 400);
    CHECK(got.outcome.reason == reason);
  }
  p.origin.answer = [&](const Seen&) {
    Answer answer;
    answer.failure = Reason::ConnectTimeout;
    return answer;
  };
  CHECK(p.ask(as(kFriend)).body == "secret");
}

TEST_CASE("nobody was asked for those who followed a fetch that the rules refused", "[scenario][access][collapse]") {
  const bool refused = GENERATE(true, false);
  Pipeline p(by_address());
  auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen&) {
    Answer answer;
    answer.failure = refused ? Reason::AddressDenied : Reason::ConnectTimeout;
    answer.refused = refused;
    answer.wait_for = gate;
    return answer;
  };
  const std::vector<std::shared_ptr<Got>> clients{p.start(as(kFriend)), p.start(as(kFriend))};
  REQUIRE(p.origin.seen.size() == 1);
  gate->wake();
  p.poll();
  for (const auto& got : clients) {
    REQUIRE(got->done);
    CHECK(got->status == (refused ? 403 : 502));
    CHECK(got->outcome.origin_asked == !refused);
    CHECK(got->outcome.cache == (refused ? CacheResult::None : CacheResult::Error));
    CHECK((got->cache_status.find("fwd=") == std::string::npos) == refused);
  }
  CHECK(p.origin.seen.size() == 1);
}

TEST_CASE("that one client has too many look-ups under way is nothing to those who follow it", "[scenario][collapse][P15]") {
  Pipeline p;
  auto gate = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen& seen) {
    Answer answer = cached(seen);
    if (p.origin.seen.size() > 1) return answer;
    answer.failure = Reason::DnsBusy;
    answer.refused = true;
    answer.wait_for = gate;
    return answer;
  };
  const auto leader = p.start(as(kStranger)), follower = p.start(as(kFriend));
  REQUIRE(p.origin.seen.size() == 1);
  gate->wake();
  p.poll();
  CHECK(leader->outcome.reason == Reason::DnsBusy);
  CHECK_FALSE(leader->outcome.origin_asked);
  CHECK(follower->body == "secret");
}

TEST_CASE("background revalidation is bound by the rules of the client that caused it", "[scenario][access][5861-3]") {
  Pipeline p(by_address());
  p.origin.answer = [](const Seen& seen) {
    Answer answer = cached(seen);
    answer.fields = {{"Cache-Control", "max-age=1, stale-while-revalidate=600"}};
    return answer;
  };
  p.ask(as(kStranger));
  p.clock.advance(Seconds(5));
  CHECK(p.ask(as(kStranger)).outcome.cache == CacheResult::Stale);
  p.poll();
  REQUIRE(p.origin.seen.size() == 2);
  CHECK(p.origin.seen.back().address_rules == 2);
}

TEST_CASE("more kinds of clients than can be told apart are served without the cache", "[scenario][access][limits]") {
  ProxyOptions options = by_address();
  AddressClasses& classes = *options.listeners[1].address_classes;
  for (std::uint64_t i = 0; i < AddressClasses::kMost; ++i) REQUIRE(classes.remember(1000 + i, Reason::None));
  CHECK_FALSE(classes.remember(2000, Reason::None));
  CHECK(classes.remember(1000, Reason::None));
  Pipeline p(options);
  p.origin.answer = cached;
  for (int i = 0; i < 2; ++i) {
    const Got got = p.ask(as(kFriend));
    CHECK(got.status == 200);
    CHECK_FALSE(got.at_once);
    CHECK(got.outcome.reason == Reason::CacheOff);
  }
  CHECK(p.origin.seen.size() == 2);
  CHECK(p.store.figures().objects == 0);
}

TEST_CASE("classes of clients differ by their rules and by what is said otherwise", "[scenario][access][partition]") {
  AddressClasses classes;
  Arena arena;
  CHECK(classes.remember(1, Reason::None));
  CHECK(classes.remember(1, Reason::AddressDenied));
  CHECK(classes.remember(1, Reason::AuthenticationRequired));
  CHECK(classes.remember(2, Reason::None));
  CHECK(classes.remember(1, Reason::None));
  const auto all = classes.partitions("p", arena);
  REQUIRE(all.size() == 4);
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK(all[i] != all[j]);
  CHECK(all[1] == AddressClasses::partition("p", 1, Reason::AddressDenied, arena));
  CHECK(AddressClasses::partition("p", (std::uint64_t{1} << AddressClasses::kMostRules) - 1, Reason::AuthenticationRequired, arena) ==
        "p#bfffffffffffffff");
}

TEST_CASE("a hit that access rules allow takes nothing from the heap", "[scenario][access][allocation]") {
  if (!AllocCounter::counts()) return;
  ProxyOptions options = by_address();
  AccessRule& first = options.listeners[1].access.front();
  first.hosts = HostSet({"*.elsewhere.test", "inside.example", "127.0.0.1"});
  first.methods = {"HEAD", "GET"};
  first.ports = {{443, 443}, {80, 80}};
  Pipeline p(options);
  p.origin.answer = cached;
  p.ask(as("10.0.0.5"));
  SessionOptions session_options;
  session_options.listener = 1;
  SessionLimits limits;
  Worker worker(0, p.clock);
  Peer peer;
  peer.address = "10.0.0.5";
  std::size_t allocations = 999;
  std::string answer;
  constexpr std::size_t kRounds = 300;
  auto client = std::make_unique<TirelessClient>("GET http://inside.example/x HTTP/1.1\r\nHost: inside.example\r\n\r\n", kRounds,
                                                 allocations, &answer);
  const auto session = start(worker.loop(), run_h1_session(std::move(client), std::move(peer), worker, *p.proxy, session_options, limits,
                                                           p.counters, nullptr));
  run_ready(worker.loop());
  REQUIRE(session.done());
  CHECK(answer == "HTTP/1.1 200");
  CHECK(p.counters.cache_requests[static_cast<std::size_t>(CacheResult::Hit)].get() == kRounds);
  CHECK(allocations == 0);
}
