#include <catch2/catch.hpp>
#include <future>

#include "../../../src/app/supervisor.hpp"
#include "support/live_proxy.hpp"

using namespace freshet;
using namespace freshet::test;

TEST_CASE("a worker that does not move has no pulse until it moves again", "[app][supervisor]") {
  SystemClock clock;
  Worker lively(0, clock), stuck(1, clock);
  Pulse pulse;
  pulse.watch(lively);
  pulse.watch(stuck);
  lively.start();
  stuck.start();
  CHECK(pulse.felt());  // nothing was asked yet; now it is
  REQUIRE(comes_true([&] { return pulse.felt(); }));

  Gate gate;
  std::promise<void> in_it;
  stuck.post([&] {
    in_it.set_value();
    gate.wait();
  });
  in_it.get_future().get();
  comes_true([&] { return pulse.felt(); });  // at most once more: what was asked before
  std::promise<void> moved;
  lively.post([&] { moved.set_value(); });
  moved.get_future().get();
  CHECK_FALSE(pulse.felt());
  CHECK_FALSE(pulse.felt());
  gate.open();
  CHECK(comes_true([&] { return pulse.felt(); }));
}

TEST_CASE("where nobody works, everybody has answered", "[app][supervisor]") {
  Pulse pulse;
  CHECK(pulse.felt());
  CHECK(pulse.felt());
}
