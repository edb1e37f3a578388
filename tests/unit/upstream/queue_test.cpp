// Requests in flight are bounded, and those that wait for their turn too.
#include <catch2/catch.hpp>
#include <deque>

#include "freshet/metrics/counters.hpp"
#include "origin_rig.hpp"
#include "support/dice.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr const char* kEmptyOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

OriginPoolOptions narrow(std::size_t requests, std::size_t queue) {
  OriginPoolOptions options = Rig::one_server();
  options.forward_policies.resize(1);
  options.forward_policies[0].allow_internal = true;
  options.limits.requests_per_upstream = requests;
  options.limits.queue_per_upstream = queue;
  options.timeouts.queue = Milliseconds(5000);
  options.timeouts.idle = Milliseconds(1000000);
  options.timeouts.first_byte = Milliseconds(1000000);
  return options;
}

std::vector<std::unique_ptr<Call>> start_all(Rig& rig, std::initializer_list<const char*> targets) {
  std::vector<std::unique_ptr<Call>> calls;
  for (const char* target : targets) {
    calls.push_back(rig.get(target));
    rig.start(*calls.back());
  }
  return calls;
}

/// The target of the request that origin `i` has got.
std::string asked(Rig& rig, std::size_t i) {
  const std::string head = rig.origin(i).pull();
  const auto begin = head.find(' ');
  return begin == std::string::npos ? head : head.substr(begin + 1, head.find(' ', begin + 1) - begin - 1);
}

void answer(Rig& rig, std::size_t i) {
  rig.origin(i).push(kEmptyOk);
  rig.run();
}

void check_refused(Call& call, Reason reason) {
  REQUIRE(call.done());
  CHECK(call.reply->head.status == 503);
  CHECK(call.reply->head.fields.first(FieldId::RetryAfter) == "1");
  CHECK(call.reply->outcome.reason == reason);
  CHECK_FALSE(call.reply->outcome.origin_asked);
}

}  // namespace

TEST_CASE("Who finds no slot waits, and is called in the order of arrival", "[upstream][queue]") {
  Rig rig(narrow(1, 8));
  auto calls = start_all(rig, {"/a", "/b", "/c", "/d"});
  CHECK(rig.counted().queued.get() == 3);
  CHECK(rig.counted().connections_active.get() == 1);
  for (const char* target : {"/a", "/b", "/c", "/d"}) {
    CHECK(asked(rig, 0) == target);
    answer(rig, 0);
  }
  for (auto& call : calls) {
    REQUIRE(call->done());
    CHECK(call->reply->head.status == 200);
  }
  CHECK(rig.origins() == 1);  // the connection goes from hand to hand
  CHECK(rig.counted().queued.get() == 0);
  CHECK(rig.counted().connections_active.get() == 0);
  CHECK(rig.worker.deadlines().armed() == 1);  // of the idle connection
}

TEST_CASE("Nobody overtakes those who wait", "[upstream][queue]") {
  Rig rig(narrow(1, 8));
  auto first = start_all(rig, {"/a", "/b"});
  rig.origin(0).pull();
  rig.origin(0).push(kEmptyOk);
  auto late = rig.get("/late");
  // The loop has not run since the answer came: when it does, /late asks in the same turn.
  late->started.emplace(test::start(rig.worker.loop(), rig.pool->serve(late->request)));
  rig.run();
  CHECK(asked(rig, 0) == "/b");
  CHECK_FALSE(late->done());
  answer(rig, 0);
  CHECK(asked(rig, 0) == "/late");
  answer(rig, 0);
  CHECK(late->done());
}

TEST_CASE("A full queue refuses at once", "[upstream][queue]") {
  Rig rig(narrow(1, 2));
  auto calls = start_all(rig, {"/a", "/b", "/c"});
  auto much = rig.get("/d");
  rig.start(*much);
  check_refused(*much, Reason::QueueFull);
  CHECK(rig.counted().queued.get() == 2);
  answer(rig, 0);  // one place is free again
  auto next = rig.get("/e");
  rig.start(*next);
  CHECK_FALSE(next->done());
  answer(rig, 0);
  answer(rig, 0);
  answer(rig, 0);
  CHECK(next->done());
}

TEST_CASE("Waiting has an end, and is not the origin's fault", "[upstream][queue][timeouts]") {
  Rig rig(narrow(1, 8));
  auto calls = start_all(rig, {"/a", "/b"});
  rig.pass(Milliseconds(3000));
  auto later = rig.get("/c");
  rig.start(*later);
  rig.pass(Milliseconds(1800));
  CHECK_FALSE(calls[1]->done());
  rig.pass(Milliseconds(300));
  check_refused(*calls[1], Reason::QueueTimeout);
  CHECK_FALSE(later->done());
  CHECK(rig.counted().queued.get() == 1);
  CHECK(rig.counted().failures.get() == 0);
  CHECK(rig.pool->server_healthy(0, 0));
  rig.origin(0).pull();
  answer(rig, 0);
  CHECK(asked(rig, 0) == "/c");
  answer(rig, 0);
  CHECK(later->done());
}

TEST_CASE("A slot is passed on however the request before it ends", "[upstream][queue]") {
  Rig rig(narrow(1, 8));
  auto calls = start_all(rig, {"/a", "/b", "/c", "/d"});
  rig.origin(0).close();
  rig.run();
  REQUIRE(calls[0]->done());
  CHECK(calls[0]->reply->head.status == 502);
  CHECK(asked(rig, 1) == "/b");
  rig.origin(1).push("nonsense\r\n\r\n");
  rig.run();
  CHECK(calls[1]->done());
  CHECK(asked(rig, 2) == "/c");
  rig.origin(2).push("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  rig.run();
  REQUIRE(calls[2]->done());
  CHECK_FALSE(calls[3]->done());  // the body is part of the request in flight
  calls[2]->reply.reset();
  rig.run();
  CHECK(asked(rig, 3) == "/d");
  answer(rig, 3);
  CHECK(calls[3]->done());
}

TEST_CASE("Whose client has gone is not asked for", "[upstream][queue]") {
  Rig rig(narrow(1, 8));
  auto calls = start_all(rig, {"/a", "/b", "/c"});
  calls[1]->interim.gone = true;
  rig.origin(0).pull();
  answer(rig, 0);
  CHECK(asked(rig, 0) == "/c");
  REQUIRE(calls[1]->done());
  CHECK(calls[1]->reply->outcome.reason == Reason::ClientClosed);
  CHECK_FALSE(calls[1]->reply->outcome.origin_asked);
  answer(rig, 0);
  CHECK(calls[2]->done());
}

TEST_CASE("Clients that have gone make room in a full queue", "[upstream][queue]") {
  Rig rig(narrow(1, 20));
  auto holder = rig.get("/holder");
  rig.start(*holder);
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(rig.get());
    rig.start(*calls.back());
  }
  calls[12]->interim.gone = true;
  auto refused = rig.get();  // looks at the first eight
  rig.start(*refused);
  check_refused(*refused, Reason::QueueFull);
  auto lucky = rig.get("/lucky");  // and this one at the next eight
  rig.start(*lucky);
  CHECK_FALSE(lucky->done());
  CHECK(calls[12]->done());
  CHECK(rig.counted().queued.get() == 20);
  for (int i = 0; i < 21; ++i) answer(rig, 0);
  CHECK(lucky->done());
  CHECK(rig.counted().queued.get() == 0);
}

TEST_CASE("Origins of the forward proxy have a queue each", "[upstream][queue]") {
  Rig rig(narrow(1, 1));
  auto a1 = rig.forward("a.example"), a2 = rig.forward("a.example"), a3 = rig.forward("a.example");
  auto b1 = rig.forward("b.example");
  for (Call* call : {a1.get(), a2.get(), a3.get(), b1.get()}) rig.start(*call);
  check_refused(*a3, Reason::QueueFull);
  CHECK_FALSE(b1->done());
  CHECK(rig.origins() == 2);
  CHECK(rig.counters.forward().queued.get() == 1);
  answer(rig, 0);
  answer(rig, 0);
  CHECK(a2->done());
}

TEST_CASE("A tunnel is a request in flight until it ends", "[upstream][queue][tunnel]") {
  Rig rig(narrow(1, 1));
  auto first = rig.connect("10.0.0.1:443"), second = rig.connect("10.0.0.1:443");
  rig.start(*first);
  rig.start(*second);
  REQUIRE(first->done());
  CHECK_FALSE(second->done());
  first->reply.reset();
  rig.run();
  REQUIRE(second->done());
  CHECK(second->reply->tunnel);
  second->reply.reset();
  rig.run();
}

TEST_CASE("An upstream may have a limit of its own", "[upstream][queue]") {
  OriginPoolOptions options = narrow(1, 8);
  options.upstreams[0].requests = 2;
  Rig rig(options);
  auto calls = start_all(rig, {"/a", "/b", "/c"});
  CHECK(rig.counted().connections_active.get() == 2);
  CHECK(rig.counted().queued.get() == 1);
  for (const std::size_t i : {0, 1, 0}) answer(rig, i);
  CHECK(calls[2]->done());
}

TEST_CASE("The last who waits for a forward origin may go at any moment", "[upstream][queue]") {
  // The group of the origin goes with its last visitor, and not before: with the address sanitizer.
  Rig rig(narrow(1, 8));
  auto holder = rig.forward("a.example"), gone = rig.forward("a.example"), late = rig.forward("a.example");
  for (Call* call : {holder.get(), gone.get()}) rig.start(*call);
  gone->interim.gone = true;
  rig.origin(0).close();  // nothing is left but who is called out of the queue
  rig.run();
  REQUIRE(gone->done());
  rig.start(*late);
  CHECK_FALSE(late->done());
  answer(rig, 1);
  CHECK(late->done());
}

TEST_CASE("Whatever happens, the bounds hold, nobody is forgotten and nobody overtakes",
          "[upstream][queue][property]") {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    INFO(seed);
    Dice dice(seed);
    const std::size_t limit = 1 + dice.roll(3), places = 1 + dice.roll(6);
    Rig rig(narrow(limit, places));
    std::vector<std::unique_ptr<Call>> calls;
    std::deque<std::string> targets;  // that the requests point to
    std::vector<bool> owes;
    int last = -1;  // the number of the request that was asked last
    const auto work = [&](bool all) {
      for (std::size_t i = 0; i < rig.origins(); ++i) {
        owes.resize(rig.origins());
        const std::string target = asked(rig, i);
        if (!target.empty()) {
          const int number = std::stoi(target.substr(1));
          if (limit == 1) REQUIRE(number >= last);  // the same one when its connection had died
          last = number;
          owes[i] = true;
        }
        if (!owes[i] || (!all && dice.one_in(2))) continue;
        owes[i] = false;
        if (dice.one_in(8))
          rig.origin(i).close();
        else
          rig.origin(i).push(kEmptyOk);
        rig.run();
      }
    };
    for (int step = 0; step < 60; ++step) {
      switch (dice.roll(5)) {
        case 0:
        case 1:
          targets.push_back("/" + std::to_string(calls.size()));
          calls.push_back(rig.get(targets.back()));
          rig.start(*calls.back());
          break;
        case 2:
          if (!calls.empty()) calls[dice.roll(calls.size())]->interim.gone = true;
          break;
        case 3:
          rig.pass(Milliseconds(100 * dice.roll(20)));
          break;
        default:
          work(false);
      }
      REQUIRE(rig.counted().connections_active.get() <= limit);
      REQUIRE(rig.counted().queued.get() <= places);
      if (rig.counted().queued.get() > 0) REQUIRE(rig.counted().connections_active.get() == limit);
    }
    for (int round = 0; round < 40; ++round) work(true);
    for (const auto& call : calls) REQUIRE(call->done());
    REQUIRE(rig.counted().queued.get() == 0);
    REQUIRE(rig.counted().connections_active.get() == 0);
  }
}

TEST_CASE("What waits is destroyed with its worker", "[upstream][queue][shutdown]") {
  Rig rig(narrow(1, 8));
  auto calls = start_all(rig, {"/a", "/b", "/c"});
  calls.push_back(rig.forward("a.example"));
  calls.push_back(rig.forward("a.example"));
  rig.start(*calls[3]);
  rig.start(*calls[4]);
  rig.worker.discard();
  CHECK(rig.counted().queued.get() == 0);
  CHECK(rig.counted().connections_active.get() == 0);
  CHECK(rig.counters.forward().queued.get() == 0);
  CHECK(rig.counters.forward().connections_active.get() == 0);
  CHECK(rig.worker.deadlines().armed() == 0);
}
